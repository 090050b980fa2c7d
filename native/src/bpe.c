/* bpe.c - merging a word's symbols, lowest rank first, leftmost among equals.
 *
 * Merges are looked up by a pair of ids. Loading makes sure that both halves and
 * the result of every merge are tokens, so a word is ids all the way and never
 * text. Short words are merged by looking for the least rank again and again.
 * Long ones use a heap of (rank, place): each merge makes two new pairs at most,
 * so a word of n symbols costs O(n log n), whatever a hostile text holds.
 */
#include <stdlib.h>
#include <string.h>

#include "bpe.h"
#include "error.h"
#include "model.h"

static const char KEY[] = "tokenizer.ggml.merges";

static inline uint64_t slot_of(const bpe *b, uint64_t pair) {
    uint64_t h = pair * 0x9e3779b97f4a7c15u;
    return (h ^ h >> 32) & b->mask;
}

static inline const bpe_merge *find(const bpe *b, int32_t left, int32_t right) {
    uint64_t pair = (uint64_t)(uint32_t)left << 32 | (uint32_t)right;
    uint64_t i = slot_of(b, pair);
    while (b->slots[i].rank != BPE_NO_RANK && b->slots[i].pair != pair) i = (i + 1) & b->mask;
    return &b->slots[i];
}

static ds4_status refuse(uint64_t i, const char *s, uint64_t len, const char *why, ds4_error *err) {
    ds4_quoted q;
    return ds4_fail(err, DS4_ERR_FORMAT, "%s: element %llu is %s, %s", KEY, (unsigned long long)i,
                    ds4_quote(&q, s, len), why);
}

/* "A B": the halves are cut at the first space that is not the first character.
 * Of equal pairs the first counts. joined has room for the text. */
static ds4_status read_merge(bpe *b, const vocab *v, uint32_t i, const char *s, uint64_t len, char *joined,
                             ds4_error *err) {
    const char *space = len > 2 ? memchr(s + 1, ' ', len - 2) : NULL;
    if (!space) return refuse(i, s, len, "expected two texts with a space between them", err);
    uint64_t na = (uint64_t)(space - s), nb = len - na - 1;
    int32_t left = vocab_find(v, s, na), right = vocab_find(v, space + 1, nb);
    if (left == VOCAB_NONE || right == VOCAB_NONE)
        return refuse(i, s, len, "expected two texts of the vocabulary", err);
    memcpy(joined, s, na);
    memcpy(joined + na, space + 1, nb);
    int32_t merged = vocab_find(v, joined, na + nb);
    if (merged == VOCAB_NONE) return refuse(i, s, len, "expected its result in the vocabulary", err);
    bpe_merge *m = (bpe_merge *)find(b, left, right);
    if (m->rank == BPE_NO_RANK)
        *m = (bpe_merge){(uint64_t)(uint32_t)left << 32 | (uint32_t)right, i, (uint32_t)merged};
    return DS4_OK;
}

static uint64_t longest(const gguf_strings *v) {
    uint64_t len, most = 0;
    for (uint64_t i = 0; i < v->n; i++) {
        gguf_string_at(v, i, &len);
        if (len > most) most = len;
    }
    return most;
}

static ds4_status read_merges(bpe *b, const vocab *v, const gguf_strings *merges, ds4_error *err) {
    ds4_status st = DS4_OK;
    uint64_t len;
    char *joined = malloc(longest(merges) + 1);
    if (!joined) return ds4_fail(err, DS4_ERR_MEMORY, "%s: out of memory", KEY);
    for (uint32_t i = 0; st == DS4_OK && i < merges->n; i++) {
        const char *s = gguf_string_at(merges, i, &len);
        st = read_merge(b, v, i, s, len, joined, err);
    }
    free(joined);
    return st;
}

ds4_status bpe_load(bpe *b, const vocab *v, const gguf *g, ds4_error *err) {
    gguf_strings merges;
    if (!gguf_arr_strings(g, KEY, &merges))
        return ds4_fail(err, DS4_ERR_FORMAT, "%s is %s, expected an array of strings", KEY,
                        gguf_has(g, KEY) ? "of another type" : "missing");
    if (merges.n >= INT32_MAX)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s has %llu elements, expected less than 2^31", KEY,
                        (unsigned long long)merges.n);
    uint64_t size = 16;
    while (size < 2 * merges.n) size *= 2;
    b->mask = size - 1;
    b->slots = malloc(size * sizeof *b->slots);
    if (!b->slots) return ds4_fail(err, DS4_ERR_MEMORY, "%s: out of memory", KEY);
    memset(b->slots, 0xff, size * sizeof *b->slots);
    return read_merges(b, v, &merges, err);
}

void bpe_free(bpe *b) { free(b->slots); }

static size_t merge_short(const bpe *b, int32_t *ids, size_t n) {
    uint32_t rank[BPE_SHORT], merged[BPE_SHORT];
    for (size_t i = 0; i + 1 < n; i++) {
        const bpe_merge *m = find(b, ids[i], ids[i + 1]);
        rank[i] = m->rank;
        merged[i] = m->merged;
    }
    while (n > 1) {
        size_t best = 0;
        for (size_t i = 1; i + 1 < n; i++)
            if (rank[i] < rank[best]) best = i;
        if (rank[best] == BPE_NO_RANK) break;
        ids[best] = (int32_t)merged[best];
        n--;
        for (size_t i = best + 1; i < n; i++) ids[i] = ids[i + 1];
        for (size_t i = best + 1; i + 1 < n; i++) {
            rank[i] = rank[i + 1];
            merged[i] = merged[i + 1];
        }
        for (size_t i = best ? best - 1 : 0; i <= best && i + 1 < n; i++) {
            const bpe_merge *m = find(b, ids[i], ids[i + 1]);
            rank[i] = m->rank;
            merged[i] = m->merged;
        }
    }
    return n;
}

/* A long word: a doubly linked list over the places of the first symbols, and a
 * heap of rank << 32 | place. A merged-away place has rank BPE_NO_RANK, so heap
 * entries that no longer hold are told by their rank. */
typedef struct {
    int32_t *ids;
    uint32_t *rank, *merged, *prev, *next;
    uint64_t *heap;
    size_t n, heap_n;
} long_word;

static void heap_push(long_word *w, uint64_t entry) {
    size_t i = w->heap_n++;
    for (; i > 0 && w->heap[(i - 1) / 2] > entry; i = (i - 1) / 2) w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = entry;
}

static uint64_t heap_pop(long_word *w) {
    uint64_t top = w->heap[0], last = w->heap[--w->heap_n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->heap_n; i = child) {
        if (child + 1 < w->heap_n && w->heap[child + 1] < w->heap[child]) child++;
        if (w->heap[child] >= last) break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return top;
}

static void offer(const bpe *b, long_word *w, uint32_t i) {
    w->rank[i] = BPE_NO_RANK;
    if (w->next[i] >= w->n) return;
    const bpe_merge *m = find(b, w->ids[i], w->ids[w->next[i]]);
    w->rank[i] = m->rank;
    w->merged[i] = m->merged;
    if (m->rank != BPE_NO_RANK) heap_push(w, (uint64_t)m->rank << 32 | i);
}

static void join(const bpe *b, long_word *w, uint32_t i) {
    uint32_t right = w->next[i], after = w->next[right];
    w->ids[i] = (int32_t)w->merged[i];
    w->ids[right] = VOCAB_NONE;
    w->rank[right] = BPE_NO_RANK;
    w->next[i] = after;
    if (after < w->n) w->prev[after] = i;
    if (i > 0) offer(b, w, w->prev[i]);
    offer(b, w, i);
}

/* Entries alive never exceed 2n: n - 1 at the start, and a join takes one out before it puts two in. */
static bool make_room(long_word *w, bpe_scratch *scratch) {
    size_t need = w->n * (2 * sizeof *w->heap + 4 * sizeof(uint32_t));
    if (scratch->size < need) {
        free(scratch->memory);
        scratch->memory = malloc(need);
        scratch->size = scratch->memory ? need : 0;
        if (!scratch->memory) return false;
    }
    w->heap = scratch->memory;
    w->rank = (uint32_t *)(w->heap + 2 * w->n);
    w->merged = w->rank + w->n;
    w->prev = w->merged + w->n;
    w->next = w->prev + w->n;
    return true;
}

static size_t merge_long(const bpe *b, int32_t *ids, size_t n, bpe_scratch *scratch) {
    long_word w = {.ids = ids, .n = n};
    if (!make_room(&w, scratch)) return 0;
    for (uint32_t i = 0; i < n; i++) {
        w.prev[i] = i - 1; /* never read at 0 */
        w.next[i] = i + 1;
    }
    for (uint32_t i = 0; i < n; i++) offer(b, &w, i);
    while (w.heap_n > 0) {
        uint64_t entry = heap_pop(&w);
        uint32_t i = (uint32_t)entry;
        if (w.rank[i] == entry >> 32) join(b, &w, i);
    }
    size_t kept = 0;
    for (size_t i = 0; i < n; i = w.next[i]) ids[kept++] = ids[i];
    return kept;
}

size_t bpe_merge_word(const bpe *b, int32_t *ids, size_t n, bpe_scratch *scratch) {
    return n <= BPE_SHORT ? merge_short(b, ids, n) : merge_long(b, ids, n, scratch);
}
