/* session_io.c - a session as bytes, whole or as what is new since a block.
 *
 * Compressed rows never change, so they can be stored once, block by block, and be
 * shared by all that is saved later of this token sequence: ds4_session_rows() and
 * ds4_session_put_rows() move them. ds4_session_save() writes the rest: the rows
 * behind the last stored block and everything that the next token reads besides.
 *
 * Layout 2 of that rest, native byte order, no padding: header, token ids and
 * compressed rows from `from` on, logits of the last token, per layer the window's
 * rows (oldest first) and the pending projections of each compressor, then a
 * checksum of all before it. How many rows there are follows from the number of
 * tokens, so the whole size is known from the header and is checked before anything
 * else is believed. The header names the model by a fingerprint of its tensors:
 * rows computed with other weights of the same shape would load but mean nothing.
 *
 * Loading fills a new session and swaps it in at the end; a refusal changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "forward.h"

#define LAYOUT 2
static const char MAGIC[8] = "DS4SESSN";

enum { W_LAYOUT, W_TOKENS, W_FROM, W_LAYERS, W_HEAD_DIM, W_INDEX_DIM, W_VOCAB, W_WINDOW, W_KV_MODE, W_INDEX,
       WORDS };

typedef struct {
    char magic[8];
    uint64_t bytes, model;
    uint32_t word[WORDS];
} header;

/* Eight bytes a step; a multiply and a shift carry each bit over the word. */
static uint64_t mix(uint64_t h, const void *data, uint64_t n) {
    const char *p = data;
    for (; n >= 8; n -= 8, p += 8) {
        uint64_t w;
        memcpy(&w, p, 8);
        h = (h ^ w) * 0x9e3779b97f4a7c15ull;
        h ^= h >> 32;
    }
    uint64_t w = n << 56;
    memcpy(&w, p, n);
    h = (h ^ w) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

uint64_t ds4_session_checksum(const void *buf, uint64_t n) {
    return mix(LAYOUT, buf, n);
}

/* Names, shapes and a sample of every tensor's bytes. */
static uint64_t fingerprint(const ds4_model *m) {
    uint64_t h = mix(0, &m->hp.n_layer, sizeof m->hp.n_layer);
    for (uint64_t i = 0; i < gguf_n_tensors(m->file); i++) {
        const gguf_tensor *t = gguf_tensor_at(m->file, i);
        uint64_t n = t->nbytes < 64 ? t->nbytes : 64;
        h = mix(h, t->name, strlen(t->name));
        h = mix(h, &t->type, sizeof t->type);
        h = mix(h, t->ne, sizeof t->ne);
        h = mix(h, t->data, n);
        h = mix(h, (const char *)t->data + (t->nbytes - n) / 2, n);
    }
    return h;
}

static header header_for(const ds4_session *s, uint32_t n_tokens, uint32_t from) {
    const ds4_hparams *hp = &s->model->hp;
    header h = {.model = fingerprint(s->model)};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    h.word[W_LAYOUT] = LAYOUT;
    h.word[W_TOKENS] = n_tokens;
    h.word[W_FROM] = from;
    h.word[W_LAYERS] = hp->n_layer;
    h.word[W_HEAD_DIM] = hp->head_dim;
    h.word[W_INDEX_DIM] = hp->idx_dim;
    h.word[W_VOCAB] = hp->n_vocab;
    h.word[W_WINDOW] = hp->window;
    h.word[W_KV_MODE] = (uint32_t)s->model->kv_mode;
    h.word[W_INDEX] = ds4_needs_index(s->model);
    return h;
}

/* ---- one walk for size, save and load ------------------------------------------ */

/* Moves bytes between the session and the buffer; with neither it counts. */
typedef struct {
    char *out;
    const char *in;
    uint64_t at;
} stream;

static void move(stream *st, void *data, uint64_t n) {
    if (st->out && n > 0)
        memcpy(st->out + st->at, data, n);
    else if (st->in && n > 0)
        memcpy(data, st->in + st->at, n);
    st->at += n;
}

static bool counts_only(const stream *st) {
    return !st->out && !st->in;
}

/* Compressed rows [a, b). */
static void move_rows(stream *st, const ds4_session *s, const ds4_comp_state *c, uint64_t a, uint64_t b) {
    uint64_t bytes = c->width * sizeof(float);
    if (counts_only(st))
        st->at += (b - a) * bytes;
    else
        for (uint64_t r = a; r < b; r++)
            move(st, ds4_row(s, c, r), bytes);
}

static void move_window(stream *st, const ds4_session *s, uint32_t l, uint64_t from, uint64_t to) {
    uint64_t bytes = s->model->hp.head_dim * sizeof(float);
    if (counts_only(st))
        st->at += (to - from) * bytes;
    else
        for (uint64_t p = from; p < to; p++)
            move(st, ds4_window_row(s, l, p), bytes);
}

/* Pending projections: the unfinished window and, with overlap, the one before. */
static void move_pending(stream *st, ds4_comp_state *c, uint64_t n) {
    uint64_t whole = n / c->ratio, kept = c->span / c->ratio - 1, bytes = c->in_width * sizeof(float);
    uint64_t from = (whole > kept ? whole - kept : 0) * c->ratio;
    for (uint64_t p = from; p < n; p++) {
        move(st, c->kv + p % c->ring * c->in_width, bytes);
        move(st, c->gate + p % c->ring * c->in_width, bytes);
    }
}

static void move_body(stream *st, const ds4_session *s, uint64_t from, uint64_t n) {
    const ds4_hparams *hp = &s->model->hp;
    uint64_t seen = n < hp->window ? n : hp->window;
    move(st, s->tokens + from, (n - from) * sizeof *s->tokens);
    move(st, s->logits, n ? hp->n_vocab * sizeof *s->logits : 0);
    for (uint32_t l = 0; l < hp->n_layer; l++) {
        move_window(st, s, l, n - seen, n);
        for (int i = 0; i < 2; i++) {
            ds4_comp_state *c = ds4_comp_of(s, l, i);
            if (!c->ratio)
                continue;
            move_rows(st, s, c, from / c->ratio, n / c->ratio);
            move_pending(st, c, n);
        }
    }
}

static uint64_t size_of(const ds4_session *s, uint64_t from, uint64_t n) {
    stream st = {.at = sizeof(header)};
    move_body(&st, s, from, n);
    return st.at + sizeof(uint64_t);
}

static uint32_t start_of(const ds4_session *s, int32_t from) {
    uint32_t whole = s->n_tokens / BLOCK_TOKENS * BLOCK_TOKENS, f = from > 0 ? (uint32_t)from : 0;
    return (f < whole ? f : whole) / BLOCK_TOKENS * BLOCK_TOKENS;
}

uint64_t ds4_session_save_size(const ds4_session *s, int32_t from) {
    return size_of(s, start_of(s, from), s->n_tokens);
}

ds4_status ds4_session_save(const ds4_session *s, int32_t from, void *buf, uint64_t size, ds4_error *err) {
    uint64_t need = ds4_session_save_size(s, from);
    if (!buf || size < need)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "save: buffer of %llu bytes, expected %llu", (unsigned long long)size,
                        (unsigned long long)need);
    if (s->n_tokens && !s->has_logits)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "save: the session was cut back to %u tokens and has no logits",
                        s->n_tokens);
    header h = header_for(s, s->n_tokens, start_of(s, from));
    stream st = {.out = buf};
    h.bytes = need;
    move(&st, &h, sizeof h);
    move_body(&st, s, h.word[W_FROM], s->n_tokens);
    uint64_t sum = ds4_session_checksum(buf, st.at);
    move(&st, &sum, sizeof sum);
    return DS4_OK;
}

/* ---- load ------------------------------------------------------------------------ */

static ds4_status check_bytes(const header *h, const char *buf, uint64_t size, ds4_error *err) {
    uint64_t sum;
    if (memcmp(h->magic, MAGIC, sizeof h->magic) != 0)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: the bytes are not a saved session");
    if (h->word[W_LAYOUT] != LAYOUT)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "load: layout version %u, expected %u", h->word[W_LAYOUT], LAYOUT);
    if (h->bytes != size)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: %llu bytes, the header says %llu", (unsigned long long)size,
                        (unsigned long long)h->bytes);
    memcpy(&sum, buf + size - sizeof sum, sizeof sum);
    if (sum != ds4_session_checksum(buf, size - sizeof sum))
        return ds4_fail(err, DS4_ERR_CHECKSUM, "load: the saved session is damaged (checksum does not match)");
    return DS4_OK;
}

static ds4_status check_shape(const ds4_session *s, const header *h, ds4_error *err) {
    static const char *const names[WORDS] = {
        [W_LAYERS] = "layers", [W_HEAD_DIM] = "head width", [W_INDEX_DIM] = "indexer width",
        [W_VOCAB] = "vocabulary", [W_WINDOW] = "window", [W_KV_MODE] = "kv mode", [W_INDEX] = "indexer in use",
    };
    uint32_t n = h->word[W_TOKENS], from = h->word[W_FROM];
    header mine = header_for(s, n, from);
    for (int i = W_LAYERS; i < WORDS; i++)
        if (h->word[i] != mine.word[i])
            return ds4_fail(err, DS4_ERR_FORMAT, "load: saved with %s %u, the model has %u", names[i], h->word[i],
                            mine.word[i]);
    if (h->model != mine.model)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: saved with another model (fingerprint %016llx, expected %016llx)",
                        (unsigned long long)h->model, (unsigned long long)mine.model);
    if (n > s->ctx)
        return ds4_fail(err, DS4_ERR_CONTEXT_FULL, "load: %u saved tokens do not fit in a context of %u", n, s->ctx);
    if (from > n || from % BLOCK_TOKENS != 0)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: %u tokens saved from token %u on", n, from);
    if (from > s->put_tokens)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "load: saved from token %u on, the session has the rows of %u", from,
                        s->put_tokens);
    return DS4_OK;
}

static ds4_status check_ids(const ds4_session *s, const char *ids, uint32_t n, ds4_error *err) {
    for (uint32_t i = 0; i < n; i++) {
        int32_t id;
        memcpy(&id, ids + (uint64_t)i * sizeof id, sizeof id);
        if (id < 0 || (uint32_t)id >= s->model->hp.n_vocab)
            return ds4_fail(err, DS4_ERR_FORMAT, "load: token %u is %d, expected 0 to %u", i, id,
                            s->model->hp.n_vocab - 1);
    }
    return DS4_OK;
}

/* A session with the rows of the first `from` tokens and room for the rest of n. */
static ds4_session *make_room(const ds4_session *s, uint32_t from, uint32_t n) {
    ds4_session *t = NULL;
    uint32_t window = s->model->hp.window, oldest = n > window ? n - window : 0;
    if (ds4_session_new(s->model, (int32_t)s->ctx, &t, NULL) != DS4_OK)
        return NULL;
    ds4_extents_share(t, s);
    ds4_state_release(t, from);
    if (!ds4_session_reserve_tokens(t, n) || !ds4_extents_reserve(t, from, n) ||
        !ds4_spans_reserve(t, oldest / BLOCK_TOKENS * BLOCK_TOKENS, n)) {
        ds4_session_free(t);
        return NULL;
    }
    if (from)
        memcpy(t->tokens, s->tokens, from * sizeof *t->tokens);
    if (n)
        t->spans[oldest / BLOCK_TOKENS]->first = oldest % BLOCK_TOKENS;
    return t;
}

/* The caller's session takes over what `t` holds; t gets the old state. */
static void adopt(ds4_session *s, ds4_session *t, uint32_t n) {
    ds4_session old = *s;
    t->n_tokens = n;
    t->put_tokens = n / BLOCK_TOKENS * BLOCK_TOKENS;
    t->held4 = n / 4 > 1 ? (n / 4 - 1) * 4 : 0;
    t->held128 = n / 128 * 128;
    t->has_logits = n > 0;
    t->history = s->history;
    atomic_store(&t->cancel, atomic_load(&s->cancel));
    *s = *t;
    *t = old;
}

ds4_status ds4_session_load(ds4_session *s, const void *buf, uint64_t size, ds4_error *err) {
    header h;
    if (!buf || size < sizeof h + sizeof(uint64_t))
        return ds4_fail(err, DS4_ERR_FORMAT, "load: %llu bytes are too few for a saved session",
                        (unsigned long long)size);
    memcpy(&h, buf, sizeof h);
    ds4_status st = check_bytes(&h, buf, size, err);
    if (st == DS4_OK)
        st = check_shape(s, &h, err);
    if (st != DS4_OK)
        return st;
    uint32_t n = h.word[W_TOKENS], from = h.word[W_FROM];
    if (size_of(s, from, n) != size)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: %llu bytes, expected %llu for tokens %u to %u",
                        (unsigned long long)size, (unsigned long long)size_of(s, from, n), from, n);
    st = check_ids(s, (const char *)buf + sizeof h, n - from, err);
    if (st != DS4_OK)
        return st;
    ds4_session *t = make_room(s, from, n);
    if (!t)
        return ds4_fail(err, DS4_ERR_MEMORY, "load: out of memory for %u tokens", n);
    stream in = {.in = buf, .at = sizeof h};
    move_body(&in, t, from, n);
    adopt(s, t, n);
    ds4_session_free(t);
    return DS4_OK;
}

/* ---- blocks of rows ---------------------------------------------------------------- */

uint64_t ds4_model_fingerprint(const ds4_model *m) {
    const uint32_t form[2] = {LAYOUT, (uint32_t)m->kv_mode};
    return mix(fingerprint(m), form, sizeof form);
}

uint64_t ds4_session_block_bytes(const ds4_session *s) {
    return ds4_block_floats(s) * sizeof(float);
}

static void move_blocks(stream *st, const ds4_session *s, uint32_t first, uint32_t n) {
    for (uint64_t b = first; b < (uint64_t)first + n; b++)
        for (uint32_t l = 0; l < s->model->hp.n_layer; l++)
            for (int i = 0; i < 2; i++) {
                const ds4_comp_state *c = ds4_comp_of(s, l, i);
                uint64_t per = c->ratio ? BLOCK_TOKENS / c->ratio : 0;
                if (per) /* they lie together */
                    move(st, ds4_row(s, c, b * per), per * c->width * sizeof(float));
            }
}

static ds4_status check_blocks(const ds4_session *s, int32_t first, int32_t n, uint64_t most, uint64_t size,
                               ds4_error *err) {
    if (first < 0 || n < 0 || (uint64_t)first + (uint64_t)n > most / BLOCK_TOKENS)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "rows: blocks %d to %d, expected at most %llu", first, first + n,
                        (unsigned long long)(most / BLOCK_TOKENS));
    if (size != (uint64_t)n * ds4_session_block_bytes(s))
        return ds4_fail(err, DS4_ERR_ARGUMENT, "rows: %llu bytes for %d blocks, expected %llu",
                        (unsigned long long)size, n, (unsigned long long)((uint64_t)n * ds4_session_block_bytes(s)));
    return DS4_OK;
}

ds4_status ds4_session_rows(const ds4_session *s, int32_t first, int32_t n, void *buf, uint64_t size,
                            ds4_error *err) {
    ds4_status st = check_blocks(s, first, n, s->n_tokens, size, err);
    stream out = {.out = buf};
    if (st == DS4_OK)
        move_blocks(&out, s, (uint32_t)first, (uint32_t)n);
    return st;
}

ds4_status ds4_session_put_rows(ds4_session *s, int32_t n, const int32_t *tokens, const void *buf, uint64_t size,
                                ds4_error *err) {
    uint32_t from = s->put_tokens, to = from + (uint32_t)n * BLOCK_TOKENS;
    ds4_status st = check_blocks(s, (int32_t)(from / BLOCK_TOKENS), n, s->ctx, size, err);
    if (st == DS4_OK && n == 0)
        return st;
    if (st == DS4_OK)
        st = check_ids(s, (const char *)tokens, (uint32_t)n * BLOCK_TOKENS, err);
    if (st != DS4_OK)
        return st;
    if (s->n_tokens % BLOCK_TOKENS != 0)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "rows: the session holds %u tokens, expected whole blocks of %d",
                        s->n_tokens, BLOCK_TOKENS);
    if (!ds4_session_reserve_tokens(s, to) || !ds4_extents_reserve(s, from, to))
        return ds4_fail(err, DS4_ERR_MEMORY, "rows: out of memory for %d blocks", n);
    memcpy(s->tokens + from, tokens, (to - from) * sizeof *tokens);
    stream in = {.in = buf};
    move_blocks(&in, s, from / BLOCK_TOKENS, (uint32_t)n);
    s->put_tokens = to;
    return DS4_OK;
}
