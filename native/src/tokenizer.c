/* tokenizer.c - text to token ids.
 *
 * rendered text -> pieces between control tokens -> sound UTF-8 -> words
 * (pretokenize.c) -> symbols, one a byte -> merges (bpe.c) -> ids. Text that is
 * not rendered is one piece: whatever it spells, it cannot make a control token.
 *
 * Most words are a token of their own. Whether a token's bytes, as a word, come
 * out as just that token does not depend on the text around it, so the answer is
 * kept per token once it is known. Threads may find it twice; they find the same.
 */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "bpe.h"
#include "error.h"
#include "model.h"
#include "pretokenize.h"
#include "specials.h"
#include "tokenizer.h"

enum { WHOLE_UNKNOWN = 0, WHOLE_YES = 1, WHOLE_NO = 2, WHOLE_BYTES = 24 };

struct tokenizer {
    vocab v;
    bpe merges;
    specials control;
    bool *is_control;
    _Atomic uint8_t *whole;
    _Atomic(uint32_t *) *order;
    int32_t bos, eos;
};

typedef struct {
    const struct tokenizer *t;
    int32_t *out;
    size_t cap, n;
    int32_t *ids; /* symbols of a long word */
    size_t ids_size;
    bpe_scratch scratch;
    uint8_t *sound; /* repaired UTF-8 */
} encoder;

static void emit(encoder *e, int32_t id) {
    if (e->n < e->cap) e->out[e->n] = id;
    e->n++;
}

static int32_t *symbols(encoder *e, size_t n) {
    if (e->ids_size < n) {
        free(e->ids);
        e->ids = malloc(n * sizeof *e->ids);
        e->ids_size = e->ids ? n : 0;
    }
    return e->ids;
}

static bool merge_and_emit(encoder *e, const uint8_t *word, size_t n, int32_t *single) {
    int32_t few[BPE_SHORT], *ids = n <= BPE_SHORT ? few : symbols(e, n);
    if (!ids) return false;
    for (size_t i = 0; i < n; i++) ids[i] = e->t->v.byte_id[word[i]];
    size_t left = bpe_merge_word(&e->t->merges, ids, n, &e->scratch);
    for (size_t i = 0; i < left; i++) emit(e, ids[i]);
    *single = left == 1 ? ids[0] : VOCAB_NONE;
    return left > 0;
}

static bool encode_word(encoder *e, const uint8_t *word, size_t n) {
    int32_t id = VOCAB_NONE, single;
    if (n == 1) {
        emit(e, e->t->v.byte_id[*word]);
        return true;
    }
    if (n <= WHOLE_BYTES) {
        char text[2 * WHOLE_BYTES];
        id = vocab_find(&e->t->v, text, vocab_spell(word, n, text));
    }
    if (id != VOCAB_NONE && atomic_load_explicit(&e->t->whole[id], memory_order_relaxed) == WHOLE_YES) {
        emit(e, id);
        return true;
    }
    if (!merge_and_emit(e, word, n, &single)) return false;
    if (id != VOCAB_NONE)
        atomic_store_explicit(&e->t->whole[id], single == id ? WHOLE_YES : WHOLE_NO, memory_order_relaxed);
    return true;
}

static bool encode_words(encoder *e, const uint8_t *text, size_t len) {
    for (size_t pos = 0, end; pos < len; pos = end) {
        end = ds4_word_end(text, len, pos);
        if (!encode_word(e, text + pos, end - pos)) return false;
    }
    return true;
}

static bool encode_piece(encoder *e, const uint8_t *text, size_t len) {
    if (ds4_utf8_sound(text, len) == len) return encode_words(e, text, len);
    free(e->sound);
    e->sound = malloc(3 * len);
    return e->sound && encode_words(e, e->sound, ds4_utf8_repair(text, len, e->sound));
}

static bool encode_rendered(encoder *e, const uint8_t *text, size_t len) {
    size_t begin = 0, pos = 0;
    while (pos < len) {
        int32_t id;
        size_t n = specials_match(&e->t->control, text + pos, len - pos, &id);
        if (n == 0) {
            pos++;
            continue;
        }
        if (!encode_piece(e, text + begin, pos - begin)) return false;
        emit(e, id);
        begin = pos += n;
    }
    return encode_piece(e, text + begin, len - begin);
}

ds4_status ds4_tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, bool rendered,
                                int32_t *out, size_t cap, size_t *n_out, ds4_error *err) {
    if (len > INT32_MAX)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "tokenize: the text has %zu bytes, expected at most %d", len,
                        INT32_MAX);
    encoder e = {.t = t, .out = out, .cap = cap};
    const uint8_t *bytes = (const uint8_t *)text;
    bool done = rendered ? encode_rendered(&e, bytes, len) : encode_piece(&e, bytes, len);
    free(e.ids);
    free(e.scratch.memory);
    free(e.sound);
    if (!done) return ds4_fail(err, DS4_ERR_MEMORY, "tokenize: out of memory for a text of %zu bytes", len);
    *n_out = e.n;
    return DS4_OK;
}

const char *ds4_tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *len) {
    if (id < 0 || (uint64_t)id >= t->v.texts.n) return NULL;
    *len = t->v.begin[id + 1] - t->v.begin[id];
    return t->v.bytes + t->v.begin[id];
}

int32_t ds4_tokenizer_find(const struct tokenizer *t, const char *text, size_t len) {
    return vocab_find(&t->v, text, len);
}

bool ds4_tokenizer_is_control(const struct tokenizer *t, int32_t id) {
    return id >= 0 && (uint64_t)id < t->v.texts.n && t->is_control[id];
}

uint32_t ds4_tokenizer_size(const struct tokenizer *t) { return (uint32_t)t->v.texts.n; }
_Atomic(uint32_t *) *ds4_tokenizer_order(const struct tokenizer *t) { return t->order; }
int32_t ds4_tokenizer_bos(const struct tokenizer *t) { return t->bos; }
int32_t ds4_tokenizer_eos(const struct tokenizer *t) { return t->eos; }

/* A token id of the metadata; without the key, the token with DeepSeek's text for it, if any. */
static ds4_status read_id(const struct tokenizer *t, const gguf *g, const char *key, const char *text,
                          int32_t *id, ds4_error *err) {
    uint64_t value;
    *id = vocab_find(&t->v, text, strlen(text));
    if (!gguf_has(g, key)) return DS4_OK;
    if (!gguf_u64(g, key, &value))
        return ds4_fail(err, DS4_ERR_FORMAT, "%s is of another type, expected an integer", key);
    if (value >= t->v.texts.n)
        return ds4_fail(err, DS4_ERR_FORMAT, "%s is %llu, expected less than the %llu tokens", key,
                        (unsigned long long)value, (unsigned long long)t->v.texts.n);
    *id = (int32_t)value;
    return DS4_OK;
}

static ds4_status expect_text(const gguf *g, const char *key, const char *expected, ds4_error *err) {
    const char *s;
    uint64_t len;
    if (!gguf_str(g, key, &s, &len))
        return ds4_fail(err, DS4_ERR_FORMAT, "%s is %s, expected the string \"%s\"", key,
                        gguf_has(g, key) ? "of another type" : "missing", expected);
    ds4_quoted q;
    if (len != strlen(expected) || memcmp(s, expected, len) != 0)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s is %s, expected \"%s\"", key, ds4_quote(&q, s, len),
                        expected);
    return DS4_OK;
}

static ds4_status load(struct tokenizer *t, const gguf *g, uint32_t n_vocab, ds4_error *err) {
    ds4_status st = expect_text(g, "tokenizer.ggml.model", "gpt2", err);
    if (st == DS4_OK) st = expect_text(g, "tokenizer.ggml.pre", "joyai-llm", err);
    if (st == DS4_OK) st = vocab_load(&t->v, g, n_vocab, err);
    if (st == DS4_OK) st = bpe_load(&t->merges, &t->v, g, err);
    if (st == DS4_OK) st = specials_load(&t->control, &t->v, g, err);
    if (st == DS4_OK)
        st = read_id(t, g, "tokenizer.ggml.bos_token_id", "<｜begin▁of▁sentence｜>", &t->bos, err);
    if (st == DS4_OK)
        st = read_id(t, g, "tokenizer.ggml.eos_token_id", "<｜end▁of▁sentence｜>", &t->eos, err);
    if (st != DS4_OK) return st;
    t->is_control = calloc(n_vocab, sizeof *t->is_control);
    t->whole = calloc(n_vocab, sizeof *t->whole);
    t->order = calloc(1, sizeof *t->order);
    if (!t->is_control || !t->whole || !t->order) return ds4_fail(err, DS4_ERR_MEMORY, "tokenizer: out of memory");
    for (uint32_t i = 0; i < t->control.n; i++) t->is_control[t->control.sorted[i].id] = true;
    return DS4_OK;
}

static bool is_none(const gguf *g) {
    const char *s;
    uint64_t len;
    return gguf_str(g, "tokenizer.ggml.model", &s, &len) && len == 4 && memcmp(s, "none", 4) == 0;
}

ds4_status ds4_tokenizer_new(const gguf *g, uint32_t n_vocab, struct tokenizer **out, ds4_error *err) {
    if (is_none(g)) {
        *out = NULL;
        return DS4_OK;
    }
    struct tokenizer *t = calloc(1, sizeof *t);
    if (!t) return ds4_fail(err, DS4_ERR_MEMORY, "tokenizer: out of memory");
    ds4_status st = load(t, g, n_vocab, err);
    if (st == DS4_OK) *out = t;
    else ds4_tokenizer_free(t);
    return st;
}

void ds4_tokenizer_free(struct tokenizer *t) {
    if (!t) return;
    vocab_free(&t->v);
    bpe_free(&t->merges);
    specials_free(&t->control);
    free(t->is_control);
    if (t->order) free(*t->order);
    free((void *)t->order);
    free((void *)t->whole);
    free(t);
}
