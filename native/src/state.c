/* state.c - memory of a session's layers: pieces, and the rings in front of them. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "forward.h"

static bool comp_init(ds4_session *s, ds4_comp_state *c, uint32_t ratio, uint32_t width) {
    uint32_t coff = ratio == 4 ? 2 : 1;
    *c = (ds4_comp_state){.ratio = ratio, .span = coff * ratio, .width = width, .in_width = coff * width};
    c->ring = c->span + BACK_TOKENS;
    c->rows_at = s->extent_floats;
    s->extent_floats += (uint64_t)EXTENT_TOKENS / ratio * width;
    if (ratio == 4) {
        c->carry_at = s->span_floats;
        s->span_floats += 2ull * CARRY_TOKENS * c->in_width;
    }
    size_t n = (size_t)c->ring * c->in_width;
    c->kv = calloc(n, sizeof(float));
    c->gate = calloc(n, sizeof(float));
    return c->kv && c->gate;
}

static void comp_free(ds4_comp_state *c) {
    free(c->kv);
    free(c->gate);
}

static uint64_t n_extents(const ds4_session *s) {
    return ((uint64_t)s->ctx + EXTENT_TOKENS - 1) / EXTENT_TOKENS;
}

static uint64_t n_spans(const ds4_session *s) {
    return ((uint64_t)s->ctx + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
}

bool ds4_state_init(ds4_session *s) {
    const ds4_model *m = s->model;
    bool index = ds4_needs_index(m);
    s->layers = calloc(m->hp.n_layer, sizeof *s->layers);
    s->extents = calloc(n_extents(s), sizeof *s->extents);
    s->spans = calloc(n_spans(s), sizeof *s->spans);
    bool ok = s->layers && s->extents && s->spans;
    s->span_floats = (uint64_t)m->hp.n_layer * BLOCK_TOKENS * m->hp.head_dim;
    for (uint32_t l = 0; ok && l < m->hp.n_layer; l++) {
        uint32_t ratio = m->layers[l].ratio;
        if (ratio)
            ok = comp_init(s, &s->layers[l].comp, ratio, m->hp.head_dim);
        if (ok && ratio == 4 && index)
            ok = comp_init(s, &s->layers[l].index, ratio, m->hp.idx_dim);
    }
    return ok;
}

/* ---- pieces -------------------------------------------------------------------- */

/* On whole cache lines: vector loads that straddle two cost twice. */
static ds4_piece *new_piece(uint64_t floats) {
    uint64_t bytes = sizeof(ds4_piece) + floats * sizeof(float);
    ds4_piece *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (p) {
        atomic_init(&p->refs, 1);
        p->first = 0;
        p->ended = false;
    }
    return p;
}

void ds4_piece_drop(ds4_piece **p) {
    if (*p && atomic_fetch_sub(&(*p)->refs, 1) == 1)
        free(*p);
    *p = NULL;
}

/* A piece that only this session has; `keep`: it holds something that matters. */
static bool make_own(ds4_piece **p, uint64_t floats, bool keep) {
    if (*p && atomic_load(&(*p)->refs) == 1)
        return true;
    ds4_piece *own = new_piece(floats);
    if (!own)
        return false;
    if (*p && keep) {
        own->first = (*p)->first;
        memcpy(own->data, (*p)->data, floats * sizeof(float));
    }
    ds4_piece_drop(p);
    *p = own;
    return true;
}

bool ds4_extents_reserve(ds4_session *s, uint64_t from, uint64_t to) {
    for (uint64_t i = from / EXTENT_TOKENS; i * EXTENT_TOKENS < to; i++)
        if (!make_own(&s->extents[i], s->extent_floats, i * EXTENT_TOKENS < from))
            return false;
    return true;
}

bool ds4_spans_reserve(ds4_session *s, uint64_t from, uint64_t to) {
    for (uint64_t i = from / BLOCK_TOKENS; i * BLOCK_TOKENS < to; i++) {
        if (!make_own(&s->spans[i], s->span_floats, i * BLOCK_TOKENS < from))
            return false;
        if (i * BLOCK_TOKENS >= from)
            s->spans[i]->first = 0;
        s->spans[i]->ended = false;
    }
    return true;
}

void ds4_state_release(ds4_session *s, uint64_t n) {
    for (uint64_t i = (n + EXTENT_TOKENS - 1) / EXTENT_TOKENS; s->extents && i < n_extents(s); i++)
        ds4_piece_drop(&s->extents[i]);
    for (uint64_t i = (n + BLOCK_TOKENS - 1) / BLOCK_TOKENS; s->spans && i < n_spans(s); i++)
        ds4_piece_drop(&s->spans[i]);
}

static void share(ds4_piece **to, ds4_piece *const *from, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
        to[i] = from[i];
        if (to[i])
            atomic_fetch_add(&to[i]->refs, 1);
    }
}

void ds4_extents_share(ds4_session *to, const ds4_session *from) {
    share(to->extents, from->extents, n_extents(to));
}

void ds4_state_share(ds4_session *to, const ds4_session *from) {
    ds4_extents_share(to, from);
    share(to->spans, from->spans, n_spans(to));
}

void ds4_state_free(ds4_session *s) {
    ds4_state_release(s, 0);
    for (uint32_t l = 0; s->layers && l < s->model->hp.n_layer; l++) {
        comp_free(&s->layers[l].comp);
        comp_free(&s->layers[l].index);
    }
    free(s->layers);
    free(s->extents);
    free(s->spans);
}

/* ---- rows ---------------------------------------------------------------------- */

float *ds4_row(const ds4_session *s, const ds4_comp_state *c, uint64_t row) {
    uint64_t per = EXTENT_TOKENS / c->ratio;
    return s->extents[row / per]->data + c->rows_at + row % per * c->width;
}

float *ds4_window_row(const ds4_session *s, uint32_t l, uint64_t p) {
    uint64_t at = (uint64_t)l * BLOCK_TOKENS + p % BLOCK_TOKENS;
    return s->spans[p / BLOCK_TOKENS]->data + at * s->model->hp.head_dim;
}

size_t ds4_row_segments(const ds4_session *s, const ds4_comp_state *c, uint64_t n, ds4_segment *out) {
    size_t per = EXTENT_TOKENS / (c->ratio ? c->ratio : 1), k = 0;
    for (uint64_t at = 0; at < n; at += per)
        out[k++] = (ds4_segment){ds4_row(s, c, at), n - at < per ? n - at : per};
    return k;
}

size_t ds4_window_segments(const ds4_session *s, uint32_t l, uint64_t from, uint64_t to, ds4_segment *out) {
    size_t k = 0;
    for (uint64_t p = from, end; p < to; p = end) {
        end = (p / BLOCK_TOKENS + 1) * BLOCK_TOKENS;
        end = end < to ? end : to;
        out[k++] = (ds4_segment){ds4_window_row(s, l, p), end - p};
    }
    return k;
}

uint64_t ds4_block_floats(const ds4_session *s) {
    return s->extent_floats / (EXTENT_TOKENS / BLOCK_TOKENS);
}

/* ---- rings --------------------------------------------------------------------- */

static uint64_t copy_ring(float *ring, uint64_t floats, void *all, uint64_t at, ds4_rings_way way) {
    char *buf = way == RINGS_MEASURE ? NULL : (char *)all + at;
    if (way == RINGS_SAVE && floats > 0)
        memcpy(buf, ring, floats * sizeof *ring);
    else if (way == RINGS_RESTORE && floats > 0)
        memcpy(ring, buf, floats * sizeof *ring);
    return floats * sizeof *ring;
}

uint64_t ds4_state_rings(ds4_session *s, void *buf, ds4_rings_way way) {
    uint64_t at = 0;
    for (uint32_t l = 0; l < s->model->hp.n_layer; l++)
        for (int i = 0; i < 2; i++) {
            ds4_comp_state *c = ds4_comp_of(s, l, i);
            uint64_t n = (uint64_t)c->ring * c->in_width;
            at += copy_ring(c->kv, n, buf, at, way);
            at += copy_ring(c->gate, n, buf, at, way);
        }
    return at;
}

static uint64_t pieces_bytes(ds4_piece *const *p, uint64_t n, uint64_t floats) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++)
        if (p[i])
            sum += (sizeof(ds4_piece) + floats * sizeof(float)) / atomic_load(&p[i]->refs);
    return sum;
}

static uint64_t fixed_bytes(const ds4_session *s) {
    uint64_t tables = (n_extents(s) + n_spans(s)) * sizeof(ds4_piece *);
    return tables + ds4_state_rings((ds4_session *)s, NULL, RINGS_MEASURE);
}

uint64_t ds4_state_bytes(const ds4_session *s) {
    return fixed_bytes(s) + pieces_bytes(s->extents, n_extents(s), s->extent_floats) +
           pieces_bytes(s->spans, n_spans(s), s->span_floats);
}

uint64_t ds4_state_most_bytes(const ds4_session *s) {
    uint64_t window = s->model->hp.window / BLOCK_TOKENS + 2, kept = s->history / BLOCK_TOKENS;
    uint64_t spans = n_spans(s) < kept + window ? n_spans(s) : kept + window;
    return fixed_bytes(s) + n_extents(s) * (sizeof(ds4_piece) + s->extent_floats * sizeof(float)) +
           spans * (sizeof(ds4_piece) + s->span_floats * sizeof(float));
}
