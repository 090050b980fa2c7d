/* state.c - memory of a session's layers. */
#include "state.h"

#include <stdlib.h>
#include <string.h>

#include "forward.h"

static bool comp_init(ds4_comp_state *c, uint32_t ratio, uint32_t width) {
    uint32_t coff = ratio == 4 ? 2 : 1;
    *c = (ds4_comp_state){.ratio = ratio, .ring = coff * ratio, .width = width, .in_width = coff * width};
    size_t n = (size_t)c->ring * c->in_width;
    c->kv = calloc(n, sizeof(float));
    c->gate = calloc(n, sizeof(float));
    return c->kv && c->gate;
}

static void comp_free(ds4_comp_state *c) {
    free(c->rows);
    free(c->kv);
    free(c->gate);
    *c = (ds4_comp_state){0};
}

/* On whole cache lines: vector loads that straddle two cost twice. */
static float *new_rows(uint64_t n, uint64_t width) {
    uint64_t bytes = (n * width * sizeof(float) + 63) / 64 * 64;
    return aligned_alloc(64, bytes);
}

/* Grows by half, so copying stays a small part of the work that fills the rows. */
static bool comp_reserve(ds4_comp_state *c, uint64_t n_tokens) {
    if (!c->ratio || n_tokens / c->ratio <= c->cap)
        return true;
    uint64_t need = n_tokens / c->ratio, cap = c->cap + c->cap / 2;
    if (cap < need)
        cap = need;
    float *rows = new_rows(cap, c->width);
    if (!rows)
        return false;
    if (c->rows)
        memcpy(rows, c->rows, c->cap * c->width * sizeof *rows);
    free(c->rows);
    c->rows = rows;
    c->cap = cap;
    return true;
}

bool ds4_state_init(const ds4_model *m, ds4_layer_state *layers) {
    bool ok = true, index = ds4_needs_index(m);
    for (uint32_t l = 0; l < m->hp.n_layer; l++) {
        uint32_t ratio = m->layers[l].ratio;
        if (ratio)
            ok = comp_init(&layers[l].comp, ratio, m->hp.head_dim) && ok;
        if (ratio == 4 && index)
            ok = comp_init(&layers[l].index, ratio, m->hp.idx_dim) && ok;
    }
    return ok;
}

void ds4_state_free(const ds4_model *m, ds4_layer_state *layers) {
    for (uint32_t l = 0; layers && l < m->hp.n_layer; l++) {
        free(layers[l].window);
        layers[l].window = NULL;
        comp_free(&layers[l].comp);
        comp_free(&layers[l].index);
    }
}

bool ds4_state_reserve(const ds4_model *m, ds4_layer_state *layers, uint32_t window, uint64_t n) {
    for (uint32_t l = 0; l < m->hp.n_layer; l++) {
        ds4_layer_state *s = &layers[l];
        if (!s->window) {
            s->window = new_rows(window, m->hp.head_dim);
            if (s->window) /* the whole ring is copied when a chunk may have to be undone */
                memset(s->window, 0, (size_t)window * m->hp.head_dim * sizeof(float));
        }
        if (!s->window || !comp_reserve(&s->comp, n) || !comp_reserve(&s->index, n))
            return false;
    }
    return true;
}

static uint64_t copy_ring(float *ring, uint64_t floats, void *all, uint64_t at, ds4_rings_way way) {
    char *buf = way == RINGS_MEASURE ? NULL : (char *)all + at;
    if (way == RINGS_SAVE && floats > 0)
        memcpy(buf, ring, floats * sizeof *ring);
    else if (way == RINGS_RESTORE && floats > 0)
        memcpy(ring, buf, floats * sizeof *ring);
    return floats * sizeof *ring;
}

uint64_t ds4_state_rings(const ds4_model *m, ds4_layer_state *layers, uint32_t window, void *buf, ds4_rings_way way) {
    uint64_t at = 0;
    for (uint32_t l = 0; l < m->hp.n_layer; l++) {
        ds4_comp_state *c[2] = {&layers[l].comp, &layers[l].index};
        at += copy_ring(layers[l].window, (uint64_t)window * m->hp.head_dim, buf, at, way);
        for (int i = 0; i < 2; i++) {
            uint64_t n = (uint64_t)c[i]->ring * c[i]->in_width;
            at += copy_ring(c[i]->kv, n, buf, at, way);
            at += copy_ring(c[i]->gate, n, buf, at, way);
        }
    }
    return at;
}

static uint64_t comp_bytes(const ds4_comp_state *c) {
    return (c->cap * c->width + 2ull * c->ring * c->in_width) * sizeof(float);
}

uint64_t ds4_state_bytes(const ds4_model *m, const ds4_layer_state *layers, uint32_t window) {
    uint64_t sum = 0;
    for (uint32_t l = 0; l < m->hp.n_layer; l++) {
        sum += comp_bytes(&layers[l].comp) + comp_bytes(&layers[l].index);
        if (layers[l].window)
            sum += (uint64_t)window * m->hp.head_dim * sizeof(float);
    }
    return sum;
}
