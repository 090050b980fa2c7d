/* spelling.c - which tokens spell a given text: for a word that a cursor cut.
 *
 * A token may come next if its bytes are a prefix of the rest, or the rest is a
 * prefix of them. In the order of the bytes the tokens that begin with the first k
 * bytes of the rest are a range, with those that are no longer than k in front, and
 * the range for k + 1 lies inside it: a step costs two binary searches a byte and
 * touches, besides, only tokens that it allows.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"
#include "pretokenize.h"
#include "tokenizer.h"

typedef struct {
    const char *bytes;
    uint32_t len, id;
} entry;

static int by_bytes(const void *a, const void *b) {
    const entry *x = a, *y = b;
    int order = memcmp(x->bytes, y->bytes, x->len < y->len ? x->len : y->len);
    if (order) return order;
    return x->len != y->len ? (x->len > y->len ? 1 : -1) : (x->id > y->id) - (x->id < y->id);
}

/* How many there are, and then their ids in order. NULL: out of memory. */
static uint32_t *make_order(const struct tokenizer *t) {
    uint32_t n = 0, size = ds4_tokenizer_size(t), *out = malloc((size + (size_t)1) * sizeof *out);
    entry *all = malloc((size + (size_t)1) * sizeof *all);
    for (uint32_t id = 0; out && all && id < size; id++) {
        size_t len;
        const char *bytes = ds4_tokenizer_bytes(t, (int32_t)id, &len);
        if (len && !ds4_tokenizer_is_control(t, (int32_t)id)) all[n++] = (entry){bytes, (uint32_t)len, id};
    }
    if (!out || !all) {
        free(out);
        free(all);
        return NULL;
    }
    qsort(all, n, sizeof *all, by_bytes);
    out[0] = n;
    for (uint32_t i = 0; i < n; i++) out[1 + i] = all[i].id;
    free(all);
    return out;
}

/* Made when it is wanted first. Two threads may make it at once; they make the same. */
static const uint32_t *order_of(const struct tokenizer *t) {
    _Atomic(uint32_t *) *held = ds4_tokenizer_order(t);
    uint32_t *found = atomic_load(held), *made;
    if (found || !(made = make_order(t))) return found;
    if (atomic_compare_exchange_strong(held, &found, made)) return made;
    free(made);
    return found;
}

/* The first of a range whose byte at `at` is not below `byte`; one that ends before it is. */
static uint32_t bound(const struct tokenizer *t, const uint32_t *order, uint32_t lo, uint32_t hi, size_t at,
                      int byte) {
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        size_t len;
        const char *bytes = ds4_tokenizer_bytes(t, (int32_t)order[mid], &len);
        int found = at < len ? (uint8_t)bytes[at] : -1;
        if (found < byte) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

static void allow(const uint32_t *order, uint32_t lo, uint32_t hi, uint32_t *allowed) {
    for (uint32_t i = lo; i < hi; i++) allowed[order[i] / 32] |= 1u << (order[i] % 32);
}

ds4_status ds4_tokenizer_spelling(const struct tokenizer *t, const char *rest, size_t len, uint32_t *allowed,
                                  ds4_error *err) {
    const uint32_t *order = order_of(t);
    if (!order) return ds4_fail(err, DS4_ERR_MEMORY, "spelling: out of memory");
    uint32_t lo = 0, hi = *order++;
    memset(allowed, 0, (ds4_tokenizer_size(t) + (size_t)31) / 32 * sizeof *allowed);
    for (size_t at = 0; at < len && lo < hi; at++) {
        uint32_t longer = bound(t, order, lo, hi, at, 0);
        allow(order, lo, longer, allowed);
        lo = bound(t, order, longer, hi, at, (uint8_t)rest[at]);
        hi = bound(t, order, lo, hi, at, (uint8_t)rest[at] + 1);
    }
    allow(order, lo, hi, allowed);
    return DS4_OK;
}

size_t ds4_last_word(const char *text, size_t len) {
    const uint8_t *bytes = (const uint8_t *)text;
    size_t pos = 0;
    if (len == 0 || ds4_utf8_sound(bytes, len) < len) return len;
    for (size_t end = 0; end < len;) {
        pos = end;
        end = ds4_word_end(bytes, len, pos);
    }
    return pos;
}
