/* specials.c - finding control tokens in rendered chat.
 *
 * The texts are kept sorted, so all that begin with the bytes read so far are
 * one range; matching narrows it byte by byte and remembers the longest text
 * that ended on the way. Vocabularies hold hundreds of place-holders with the
 * same first bytes: none of them costs a comparison of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "model.h"
#include "specials.h"

static const char TYPE_KEY[] = "tokenizer.ggml.token_type";

enum { MAX_SPECIAL_BYTES = 256 };

static const char *const format_texts[] = {
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<think>",
    "</think>",
    "｜DSML｜",
    "<｜fim▁begin｜>",
    "<｜fim▁hole｜>",
    "<｜fim▁end｜>",
};
enum { N_FORMAT_TEXTS = sizeof format_texts / sizeof *format_texts };

static int by_text(const void *a, const void *b) {
    const special *x = a, *y = b;
    int d = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return d ? d : (x->len > y->len) - (x->len < y->len);
}

static ds4_status add(specials *s, const vocab *v, uint32_t id, ds4_error *err) {
    special *x = &s->sorted[s->n];
    x->text = gguf_string_at(&v->texts, id, &x->len);
    x->id = (int32_t)id;
    if (x->len == 0 || x->len > MAX_SPECIAL_BYTES)
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "tokenizer.ggml.tokens: control token %u has %llu bytes, expected 1 to %d", id,
                        (unsigned long long)x->len, MAX_SPECIAL_BYTES);
    s->n++;
    return DS4_OK;
}

static ds4_status read_types(const vocab *v, const gguf *g, int64_t *types, ds4_error *err) {
    int64_t n = gguf_arr_len(g, TYPE_KEY);
    if (n >= 0 && (uint64_t)n != v->texts.n)
        return ds4_fail(err, DS4_ERR_FORMAT, "%s has %lld elements, expected one for each of %llu tokens",
                        TYPE_KEY, (long long)n, (unsigned long long)v->texts.n);
    if (n < 0 || !gguf_arr_i64s(g, TYPE_KEY, (uint64_t)n, types))
        return ds4_fail(err, DS4_ERR_FORMAT, "%s is %s, expected an array of integers", TYPE_KEY,
                        gguf_has(g, TYPE_KEY) ? "of another type" : "missing");
    return DS4_OK;
}

static bool is_special_type(int64_t type) { return type == TOKEN_CONTROL || type == TOKEN_USER; }

static ds4_status collect(specials *s, const vocab *v, const int64_t *types, ds4_error *err) {
    uint64_t count = N_FORMAT_TEXTS;
    for (uint64_t id = 0; id < v->texts.n; id++) count += is_special_type(types[id]);
    s->sorted = malloc(count * sizeof *s->sorted);
    if (!s->sorted) return ds4_fail(err, DS4_ERR_MEMORY, "%s: out of memory", TYPE_KEY);
    for (uint64_t id = 0; id < v->texts.n; id++) {
        ds4_status st = is_special_type(types[id]) ? add(s, v, (uint32_t)id, err) : DS4_OK;
        if (st != DS4_OK) return st;
    }
    for (int i = 0; i < N_FORMAT_TEXTS; i++) {
        int32_t id = vocab_find(v, format_texts[i], strlen(format_texts[i]));
        if (id != VOCAB_NONE && !is_special_type(types[id])) add(s, v, (uint32_t)id, err);
    }
    return DS4_OK;
}

ds4_status specials_load(specials *s, const vocab *v, const gguf *g, ds4_error *err) {
    int64_t *types = malloc(v->texts.n * sizeof *types);
    if (!types) return ds4_fail(err, DS4_ERR_MEMORY, "%s: out of memory", TYPE_KEY);
    ds4_status st = read_types(v, g, types, err);
    if (st == DS4_OK) st = collect(s, v, types, err);
    free(types);
    if (st != DS4_OK) return st;
    qsort(s->sorted, s->n, sizeof *s->sorted, by_text);
    for (uint32_t i = 0, b = 0; b <= 256; b++) {
        while (i < s->n && (uint8_t)s->sorted[i].text[0] < b) i++;
        s->first[b] = i;
    }
    return DS4_OK;
}

void specials_free(specials *s) { free(s->sorted); }

/* The first of [lo, hi) whose byte at depth is at least c; all of them are longer than depth. */
static uint32_t lower(const specials *s, uint32_t lo, uint32_t hi, size_t depth, unsigned c) {
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if ((uint8_t)s->sorted[mid].text[depth] < c) lo = mid + 1;
        else hi = mid;
    }
    return lo;
}

size_t specials_match(const specials *s, const uint8_t *text, size_t len, int32_t *id) {
    uint32_t lo = s->first[text[0]], hi = s->first[text[0] + 1];
    size_t best = 0;
    for (size_t depth = 1; lo < hi; depth++) {
        if (s->sorted[lo].len == depth) {
            best = depth;
            *id = s->sorted[lo++].id;
        }
        if (depth == len) break;
        lo = lower(s, lo, hi, depth, text[depth]);
        hi = lower(s, lo, hi, depth, text[depth] + 1u);
    }
    return best;
}
