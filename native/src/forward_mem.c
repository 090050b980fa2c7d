/* forward_mem.c - the buffers of the forward pass.
 *
 * One arena holds everything a chunk needs, shared by the threads; it is laid out
 * by one function that runs twice, first to measure. It grows to the largest
 * chunk seen: an engine that only decodes never pays for a batch. Each thread
 * has a smaller arena of its own, and score buffers that follow the context.
 */
#include <stdlib.h>

#include "forward.h"
#include "quant.h"

typedef struct {
    char *base; /* NULL: measure */
    size_t at;
} carver;

static void *take(carver *c, size_t count, size_t size) {
    size_t at = c->at;
    c->at += (count * size + 63) / 64 * 64;
    return c->base ? c->base + at : NULL;
}

#define TAKE(c, field, count) (field) = take(c, count, sizeof *(field))

static void take_rows(carver *c, ds4_q8row *r, size_t n, size_t k) {
    TAKE(c, r->q, n * k);
    TAKE(c, r->d, n * (k / 32));
    TAKE(c, r->fix, n * (k / 32));
    TAKE(c, r->xs, n * (k / 16));
}

static void take_acts(carver *c, ds4_acts *a, size_t n, size_t tiles, size_t lanes, size_t k, bool xs) {
    *a = (ds4_acts){.k = k};
    take_rows(c, &a->row, n, k);
    TAKE(c, a->tile.q, tiles * lanes * k);
    TAKE(c, a->tile.d, tiles * lanes * (k / 32));
    if (xs)
        TAKE(c, a->tile.xs, tiles * lanes * (k / 16));
}

static bool any_min(const ds4_model *m) {
    for (uint64_t i = 0; i < gguf_n_tensors(m->file); i++)
        if (ds4_type_has_min(gguf_tensor_at(m->file, i)->type))
            return true;
    return false;
}

static void lay_attention(carver *c, ds4_work *w, const ds4_hparams *hp, size_t T) {
    TAKE(c, w->qr, T * hp->q_lora);
    TAKE(c, w->kv, T * hp->head_dim);
    TAKE(c, w->ckv, T * 2 * hp->head_dim);
    TAKE(c, w->cgate, T * 2 * hp->head_dim);
    TAKE(c, w->ikv, T * 2 * hp->idx_dim);
    TAKE(c, w->igate, T * 2 * hp->idx_dim);
    TAKE(c, w->iq, T * hp->idx_head * hp->idx_dim);
    TAKE(c, w->iw, T * hp->idx_head);
    TAKE(c, w->stage, (T > 1 ? T + hp->window : 0) * hp->head_dim);
    TAKE(c, w->q, T * hp->n_head * hp->head_dim);
    TAKE(c, w->o, T * hp->n_head * hp->head_dim);
    TAKE(c, w->low, T * hp->n_out_group * hp->o_lora);
    for (int i = 0; i < 2; i++) {
        TAKE(c, w->cos[i], T * hp->n_rot);
        TAKE(c, w->sin[i], T * hp->n_rot);
        TAKE(c, w->neg[i], T * hp->n_rot);
    }
}

static bool float_experts(const ds4_model *m) {
    for (uint32_t l = 0; l < m->hp.n_layer; l++)
        if (!ds4_is_int(m->layers[l].gate_exps))
            return true;
    return false;
}

static void lay_moe(carver *c, ds4_work *w, const ds4_model *m, size_t T) {
    const ds4_hparams *hp = &m->hp;
    size_t entries = T * (hp->n_expert_used + 1);
    TAKE(c, w->probs, T * hp->n_expert);
    TAKE(c, w->expert, T * hp->n_expert_used);
    TAKE(c, w->weight, T * hp->n_expert_used);
    TAKE(c, w->entry_tok, entries);
    TAKE(c, w->entry_weight, entries);
    TAKE(c, w->first, hp->n_expert + 2);
    TAKE(c, w->first_tile, hp->n_expert + 2);
    TAKE(c, w->xe, float_experts(m) && T > 1 ? T * hp->n_expert_used * hp->d : 0);
    TAKE(c, w->ye, T * hp->d);
    TAKE(c, w->gate, entries * hp->d_expert);
    TAKE(c, w->up, entries * hp->d_expert);
}

static void lay(carver *c, ds4_work *w, const ds4_model *m, size_t T) {
    const ds4_hparams *hp = &m->hp;
    bool xs = any_min(m);
    size_t L = m->k->lanes, tiles = T > 1 ? (T + L - 1) / L : 0;
    size_t entries = T * (hp->n_expert_used + 1), og = hp->n_out_group;
    size_t etiles = T > 1 ? entries / L + hp->n_expert + 1 : 0;
    TAKE(c, w->S, T * hp->n_hc * hp->d);
    TAKE(c, w->mix, T * hp->mix);
    TAKE(c, w->hc, (T + L - 1) / L);
    TAKE(c, w->x, T * hp->d);
    TAKE(c, w->y, T * hp->d);
    lay_attention(c, w, hp, T);
    lay_moe(c, w, m, T);
    take_acts(c, &w->ax, T, tiles, L, hp->d, xs);
    take_acts(c, &w->aqr, T, tiles, L, hp->q_lora, xs);
    take_acts(c, &w->ao, T * og, tiles * og, L, (size_t)hp->n_head * hp->head_dim / og, xs);
    take_acts(c, &w->alow, T, tiles, L, og * hp->o_lora, xs);
    take_acts(c, &w->amoe, 0, etiles, L, hp->d, xs);
    take_acts(c, &w->amid, entries, etiles, L, hp->d_expert, xs);
}

bool ds4_work_reserve(ds4_model *m, ds4_forward *f, size_t toks) {
    ds4_work *w = &f->work;
    if (toks <= w->toks)
        return true;
    carver c = {0};
    lay(&c, w, m, toks);
    free(w->arena);
    *w = (ds4_work){.arena = aligned_alloc(64, c.at + 64), .bytes = c.at};
    if (!w->arena)
        return false;
    c = (carver){.base = w->arena};
    lay(&c, w, m, toks);
    w->toks = toks;
    return true;
}

static size_t longest_row(const ds4_model *m) {
    size_t k = 32;
    for (uint64_t i = 0; i < gguf_n_tensors(m->file); i++)
        if (gguf_tensor_at(m->file, i)->n_dims > 1 && gguf_tensor_at(m->file, i)->ne[0] > k)
            k = gguf_tensor_at(m->file, i)->ne[0];
    return k;
}

static void lay_lane(carver *c, ds4_lane_mem *o, const ds4_model *m, size_t longest) {
    const ds4_hparams *hp = &m->hp;
    void *mm = take(c, 1, ds4_mm_scratch_size(longest));
    if (c->base)
        ds4_mm_scratch_init(&o->mm, mm, longest);
    size_t widest = hp->head_dim > hp->d ? hp->head_dim : hp->d;
    TAKE(c, o->x, hp->d);
    TAKE(c, o->qr, hp->q_lora);
    TAKE(c, o->kv, hp->head_dim);
    TAKE(c, o->probs, hp->n_expert);
    TAKE(c, o->tmp, widest + (size_t)hp->idx_head * 64);
    TAKE(c, o->expert, hp->n_expert_used);
    TAKE(c, o->weight, hp->n_expert_used);
    TAKE(c, o->mixT, hp->mix * LANES_MAX);
    take_rows(c, &o->qx, 1, hp->d);
    take_rows(c, &o->qqr, 1, hp->q_lora);
    take_rows(c, &o->qlow, 1, (size_t)hp->n_out_group * hp->o_lora);
}

bool ds4_lanes_init(ds4_model *m, ds4_forward *f, int n) {
    size_t longest = longest_row(m);
    f->lanes = calloc((size_t)n, sizeof *f->lanes);
    if (!f->lanes)
        return false;
    f->n_lanes = n;
    for (int i = 0; i < n; i++) {
        carver c = {0};
        lay_lane(&c, &f->lanes[i], m, longest);
        c = (carver){.base = aligned_alloc(64, c.at + 64)};
        if (!c.base)
            return false;
        f->lanes[i].mem = c.base;
        lay_lane(&c, &f->lanes[i], m, longest);
    }
    return true;
}

/* Room for need words; on failure *ok is cleared and the old block stays. */
static void *grow(void *p, uint64_t *cap, uint64_t need, bool *ok) {
    if (need <= *cap)
        return p;
    uint64_t n = need + need / 4;
    void *q = realloc(p, n * 4);
    if (!q) {
        *ok = false;
        return p;
    }
    *cap = n;
    return q;
}

/* Room to attend with n_tokens in the session. */
bool ds4_lanes_reserve(ds4_model *m, ds4_forward *f, uint64_t n_tokens) {
    uint64_t comp = 0, picked;
    bool ok = true;
    for (uint32_t l = 0; l < m->hp.n_layer; l++)
        if (m->layers[l].ratio && n_tokens / m->layers[l].ratio > comp)
            comp = n_tokens / m->layers[l].ratio;
    picked = comp < m->hp.idx_top_k ? comp : m->hp.idx_top_k;
    uint64_t segments = (n_tokens / EXTENT_TOKENS + m->hp.window / BLOCK_TOKENS + 4) * (sizeof(ds4_segment) / 4);
    for (int i = 0; i < f->n_lanes; i++) {
        ds4_lane_mem *o = &f->lanes[i];
        o->segments = grow(o->segments, &o->segments_cap, segments, &ok);
        o->scores = grow(o->scores, &o->scores_cap, ds4_attend_block_size(&m->hp, comp), &ok);
        if (!f->needs_index)
            continue;
        o->index_scores = grow(o->index_scores, &o->index_cap, comp, &ok);
        o->sel = grow(o->sel, &o->sel_cap, picked, &ok);
        o->gather = grow(o->gather, &o->gather_cap, picked * m->hp.head_dim, &ok);
    }
    return ok;
}

void ds4_forward_mem_free(ds4_forward *f) {
    for (int i = 0; i < f->n_lanes; i++) {
        free(f->lanes[i].mem);
        free(f->lanes[i].scores);
        free(f->lanes[i].segments);
        free(f->lanes[i].index_scores);
        free(f->lanes[i].sel);
        free(f->lanes[i].gather);
    }
    free(f->lanes);
    free(f->work.arena);
}
