/* session_io.c - a session as bytes.
 *
 * Layout 1, native byte order, no padding: header, token ids, logits of the last
 * token, then per layer the window's rows (oldest first), the compressed rows and
 * the pending projections of each compressor, then a checksum of all before it.
 * How many rows there are follows from the number of tokens, so the whole size is
 * known from the header and is checked before anything else is believed. The
 * header names the model by a fingerprint of its tensors: rows computed with other
 * weights of the same shape would load but mean nothing.
 *
 * Loading fills a new state and swaps it in at the end; a refusal changes nothing.
 */
#include <stdlib.h>
#include <string.h>

#include "forward.h"

#define LAYOUT 1
static const char MAGIC[8] = "DS4SESSN";

enum { W_LAYOUT, W_TOKENS, W_LAYERS, W_HEAD_DIM, W_INDEX_DIM, W_VOCAB, W_WINDOW, W_KV_MODE, W_INDEX, WORDS };

typedef struct {
    char magic[8];
    uint64_t bytes, model;
    uint32_t word[WORDS];
    uint32_t reserved; /* 0 */
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

static header header_for(const ds4_session *s, uint32_t n_tokens) {
    const ds4_hparams *hp = &s->model->hp;
    header h = {.model = fingerprint(s->model)};
    memcpy(h.magic, MAGIC, sizeof h.magic);
    h.word[W_LAYOUT] = LAYOUT;
    h.word[W_TOKENS] = n_tokens;
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

/* Rows of tokens [from, to) in a ring of `size` rows. */
static void move_ring(stream *st, float *ring, uint64_t from, uint64_t to, uint64_t size, uint64_t width) {
    if (!st->out && !st->in) {
        st->at += (to - from) * width * sizeof *ring;
        return;
    }
    for (uint64_t p = from; p < to; p++)
        move(st, ring + p % size * width, width * sizeof *ring);
}

/* Pending projections: the unfinished window and, with overlap, the one before. */
static void move_comp(stream *st, ds4_comp_state *c, uint64_t n) {
    if (!c->ratio)
        return;
    uint64_t whole = n / c->ratio, kept = c->ring / c->ratio - 1;
    uint64_t from = (whole > kept ? whole - kept : 0) * c->ratio;
    move(st, c->rows, whole * c->width * sizeof *c->rows);
    move_ring(st, c->kv, from, n, c->ring, c->in_width);
    move_ring(st, c->gate, from, n, c->ring, c->in_width);
}

static void move_body(stream *st, const ds4_session *s, uint64_t n, int32_t *tokens, float *logits,
                      ds4_layer_state *layers) {
    const ds4_hparams *hp = &s->model->hp;
    move(st, tokens, n * sizeof *tokens);
    move(st, logits, n ? hp->n_vocab * sizeof *logits : 0);
    for (uint32_t l = 0; l < hp->n_layer; l++) {
        uint64_t rows = n < hp->window ? n : hp->window;
        move_ring(st, layers[l].window, n - rows, n, s->window, hp->head_dim);
        move_comp(st, &layers[l].comp, n);
        move_comp(st, &layers[l].index, n);
    }
}

static uint64_t size_of(const ds4_session *s, uint64_t n) {
    stream st = {.at = sizeof(header)};
    move_body(&st, s, n, s->tokens, s->logits, s->layers);
    return st.at + sizeof(uint64_t);
}

uint64_t ds4_session_save_size(const ds4_session *s) {
    return size_of(s, s->n_tokens);
}

ds4_status ds4_session_save(const ds4_session *s, void *buf, uint64_t size, ds4_error *err) {
    uint64_t need = ds4_session_save_size(s);
    if (!buf || size < need)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "save: buffer of %llu bytes, expected %llu", (unsigned long long)size,
                        (unsigned long long)need);
    header h = header_for(s, s->n_tokens);
    stream st = {.out = buf};
    h.bytes = need;
    move(&st, &h, sizeof h);
    move_body(&st, s, s->n_tokens, s->tokens, s->logits, s->layers);
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
    header mine = header_for(s, h->word[W_TOKENS]);
    for (int i = W_LAYERS; i < WORDS; i++)
        if (h->word[i] != mine.word[i])
            return ds4_fail(err, DS4_ERR_FORMAT, "load: saved with %s %u, the model has %u", names[i], h->word[i],
                            mine.word[i]);
    if (h->model != mine.model)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: saved with another model (fingerprint %016llx, expected %016llx)",
                        (unsigned long long)h->model, (unsigned long long)mine.model);
    if (h->word[W_TOKENS] > s->ctx)
        return ds4_fail(err, DS4_ERR_CONTEXT_FULL, "load: %u saved tokens do not fit in a context of %u",
                        h->word[W_TOKENS], s->ctx);
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

typedef struct {
    int32_t *tokens;
    float *logits;
    ds4_layer_state *layers;
} contents;

static void discard(const ds4_session *s, contents *c) {
    ds4_state_free(s->model, c->layers);
    free(c->layers);
    free(c->tokens);
    free(c->logits);
}

static bool make_room(const ds4_session *s, uint32_t n, contents *c) {
    const ds4_model *m = s->model;
    c->tokens = malloc((n + 1ull) * sizeof *c->tokens);
    c->logits = malloc(m->hp.n_vocab * sizeof *c->logits);
    c->layers = calloc(m->hp.n_layer, sizeof *c->layers);
    return c->tokens && c->logits && c->layers && ds4_state_init(m, c->layers) &&
           (n == 0 || ds4_state_reserve(m, c->layers, s->window, n));
}

static void adopt(ds4_session *s, uint32_t n, contents c) {
    contents old = {s->tokens, s->logits, s->layers};
    discard(s, &old);
    s->tokens = c.tokens;
    s->tokens_cap = n + 1ull;
    s->n_tokens = n;
    s->logits = c.logits;
    s->layers = c.layers;
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
    uint32_t n = h.word[W_TOKENS];
    if (size_of(s, n) != size)
        return ds4_fail(err, DS4_ERR_FORMAT, "load: %llu bytes, expected %llu for %u tokens",
                        (unsigned long long)size, (unsigned long long)size_of(s, n), n);
    st = check_ids(s, (const char *)buf + sizeof h, n, err);
    if (st != DS4_OK)
        return st;
    contents c = {0};
    if (!make_room(s, n, &c)) {
        discard(s, &c);
        return ds4_fail(err, DS4_ERR_MEMORY, "load: out of memory for %u tokens", n);
    }
    stream in = {.in = buf, .at = sizeof h};
    move_body(&in, s, n, c.tokens, c.logits, c.layers);
    adopt(s, n, c);
    return DS4_OK;
}
