/* forward_token.c - all layers for one token (decode).
 *
 * Here time goes into reading weights and into waiting for each other, so rows of
 * every matrix are shared out and what is small is computed by every thread for
 * itself, which saves a barrier each time. A layer has seven: projections of the
 * streams, attention inputs, heads, output; projections, expert inputs, expert
 * outputs. From the query projection to the first output projection a thread
 * stays with its own heads, whose output groups are its own too.
 */
#include "forward.h"
#include "quant.h"

static void rows(ds4_lane *ln, const gguf_tensor *t, size_t unit, const ds4_acts *x, float *y) {
    ds4_mat w = ds4_mat_of(t);
    size_t from, to;
    ds4_share(ln, w.rows, unit, &from, &to);
    ds4_matmul(ln->k, &ln->own->mm, &w, from, to, x, y, 0, &ln->own->ahead);
}

/* The block's input in own->x, its int8 form in own->qx, the weights in own->hc. */
static ds4_acts block_input(ds4_lane *ln, const ds4_hc *hc, const ds4_hc_f32 *F, const float *norm, bool is_int) {
    ds4_work *w = ln->w;
    ds4_lane_mem *own = ln->own;
    size_t d = ln->hp->d, flat = ln->hp->n_hc * d;
    ds4_acts s = {.toks = 1, .k = flat, .f = w->S, .ldf = flat};
    rows(ln, hc->fn, 4, &s, w->mix);
    ds4_sync(ln);
    ds4_hc_weights_of(ln, F, w->mix, w->S, 1, &own->hc);
    ln->k->hc_mix(own->x, w->S, own->hc.pre, ln->k->lanes, ln->hp->n_hc, d);
    ds4_rms(ln, own->x, own->x, norm, d);
    if (is_int)
        ln->k->quantize(own->x, d, &own->qx);
    return (ds4_acts){.toks = 1, .k = d, .f = own->x, .ldf = d, .row = own->qx};
}

static void block_output(ds4_lane *ln, size_t from, size_t to) {
    const ds4_hc_weights *hc = &ln->own->hc;
    if (to > from)
        ln->k->hc_post(ln->w->S, ln->w->y, hc->post, hc->comb, ln->k->lanes, ln->hp->n_hc, ln->hp->d, from, to);
    ds4_sync(ln);
}

static void project(ds4_lane *ln, const ds4_layer *L, const ds4_acts *a) {
    ds4_work *w = ln->w;
    rows(ln, L->q_a, 16, a, w->qr);
    rows(ln, L->kv, 16, a, w->kv);
    if (L->ratio) {
        rows(ln, L->comp.kv, 16, a, w->ckv);
        rows(ln, L->comp.gate, 16, a, w->cgate);
    }
    if (L->ratio == 4 && ln->e->f->needs_index) {
        rows(ln, L->idx_comp.kv, 16, a, w->ikv);
        rows(ln, L->idx_comp.gate, 16, a, w->igate);
        rows(ln, L->idx_proj, 4, a, w->iw);
    }
    ds4_sync(ln);
}

/* One thread per compressor; the others wait only when a row is completed. */
static void compress(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, ds4_layer_state *st) {
    uint32_t p = ln->e->pos;
    bool emits = (p + 1) % L->ratio == 0;
    ds4_piece *ending = (p + 1) % BLOCK_TOKENS == 0 ? ln->e->s->spans[p / BLOCK_TOKENS] : NULL;
    if (ln->tid == ln->n - 1) {
        ds4_comp_store(ln, &st->comp, F->comp.ape, p, ln->w->ckv, ln->w->cgate);
        if (emits)
            ds4_comp_row(ln, ln->e->s, &st->comp, F->comp.norm, p / L->ratio, false, NULL, NULL, 0);
        if (ending)
            ds4_comp_keep(&st->comp, ending, p + 1, NULL, NULL, 0);
    }
    if (ln->tid == 0 && st->index.ratio) {
        ds4_comp_store(ln, &st->index, F->index.ape, p, ln->w->ikv, ln->w->igate);
        if (emits)
            ds4_comp_row(ln, ln->e->s, &st->index, F->index.norm, p / L->ratio, true, NULL, NULL, 0);
        if (ending)
            ds4_comp_keep(&st->index, ending, p + 1, NULL, NULL, 0);
    }
    if (emits)
        ds4_sync(ln);
}

/* The compressed rows this token attends to; picked ones are gathered. */
static size_t compressed(ds4_lane *ln, const ds4_layer *L, ds4_layer_state *st, ds4_rope r, const ds4_acts *qr,
                         ds4_segment *seg) {
    const ds4_hparams *hp = ln->hp;
    size_t n = L->ratio ? (ln->e->pos + 1) / L->ratio : 0, dim = hp->idx_dim, from, to;
    if (!st->index.ratio || n <= hp->idx_top_k)
        return ds4_row_segments(ln->e->s, &st->comp, n, seg);
    ds4_mat w = ds4_mat_of(L->idx_q_b);
    ds4_share(ln, hp->idx_head, 1, &from, &to);
    ds4_matmul(ln->k, &ln->own->mm, &w, from * dim, to * dim, qr, ln->w->iq, 0, NULL);
    ds4_index_query(ln, r, ln->w->iq + from * dim, to - from);
    ds4_sync(ln);
    float *scores = ln->e->f->lanes[0].index_scores;
    ds4_share(ln, n, 64, &from, &to);
    ds4_index_scores(ln, ln->e->s, ln->w->iq, ln->w->iw, &st->index, from, to, scores);
    ds4_sync(ln);
    n = ds4_top_k(scores, n, hp->idx_top_k, ln->own->sel);
    for (size_t i = 0; i < n; i++)
        memcpy(ln->own->gather + i * hp->head_dim, ds4_row(ln->e->s, &st->comp, ln->own->sel[i]),
               hp->head_dim * sizeof(float));
    *seg = (ds4_segment){ln->own->gather, n};
    return 1;
}

/* The last rows, this token's own among them. */
static ds4_visible visible(ds4_lane *ln, uint32_t l, ds4_rope r, const ds4_acts *qr) {
    const ds4_layer *L = &ln->m->layers[l];
    uint32_t p = ln->e->pos, before = p < ln->hp->window - 1 ? p : ln->hp->window - 1;
    ds4_visible v = {.seg = ln->own->segments};
    v.n_win = ds4_window_segments(ln->e->s, l, p - before, p, v.seg);
    v.seg[v.n_win++] = (ds4_segment){ln->own->kv, 1};
    v.n = v.n_win + compressed(ln, L, &ln->e->s->layers[l], r, qr, v.seg + v.n_win);
    return v;
}

/* Group g's output projection of its heads. */
static void group_out(ds4_lane *ln, const ds4_layer *L, size_t g, size_t from, size_t to) {
    ds4_work *w = ln->w;
    size_t k = w->ao.k, ol = ln->hp->o_lora;
    ds4_mat o_a = ds4_mat_of(L->o_a);
    ds4_acts x = {.toks = 1, .k = k, .f = w->o + g * k, .ldf = k, .row = ds4_q8row_at(&w->ao.row, k, g)};
    ds4_matmul(ln->k, &ln->own->mm, &o_a, g * ol + from, g * ol + to, &x, w->low, 0, &ln->own->ahead);
}

static void quantize_groups(ds4_lane *ln, const ds4_layer *L, size_t g0, size_t g1) {
    for (size_t g = g0; ds4_is_int(L->o_a) && g < g1; g++) {
        ds4_q8row q = ds4_q8row_at(&ln->w->ao.row, ln->w->ao.k, g);
        ln->k->quantize(ln->w->o + g * ln->w->ao.k, ln->w->ao.k, &q);
    }
}

static void heads(ds4_lane *ln, uint32_t l, const ds4_acts *qr) {
    const ds4_layer *L = &ln->m->layers[l];
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    ds4_work *w = ln->w;
    size_t D = ln->hp->head_dim, og = ln->hp->n_out_group, g0, g1, h0, h1;
    ds4_rope r = ds4_rope_of(ln, L, 0);
    ds4_visible rows_seen = visible(ln, l, r, qr);
    ds4_mat q_b = ds4_mat_of(L->q_b);
    bool own_groups = ds4_my_heads(ln, &g0, &g1, &h0, &h1);
    if (h1 > h0) {
        ds4_matmul(ln->k, &ln->own->mm, &q_b, h0 * D, h1 * D, qr, w->q, 0, &ln->own->ahead);
        ds4_q_finish(ln, r, w->q + h0 * D, h1 - h0);
        ds4_attend_token(ln, F, w->q, h0, h1, &rows_seen, r, w->o);
    }
    if (own_groups) {
        quantize_groups(ln, L, g0, g1);
        for (size_t g = g0; g < g1; g++)
            group_out(ln, L, g, 0, ln->hp->o_lora);
    } else {
        size_t from, to;
        ds4_sync(ln);
        if (ln->tid == 0)
            quantize_groups(ln, L, 0, og);
        ds4_sync(ln);
        ds4_share(ln, ln->hp->o_lora, 16, &from, &to);
        for (size_t g = 0; g < og; g++)
            group_out(ln, L, g, from, to);
    }
    ds4_sync(ln);
}

static void attention(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    ds4_layer_state *st = &ln->e->s->layers[l];
    ds4_lane_mem *own = ln->own;
    size_t ql = ln->hp->q_lora, D = ln->hp->head_dim, low = ln->w->alow.k, from, to;
    ds4_acts a = block_input(ln, &L->hc_attn, &F->hc_attn, F->attn_norm, F->int_attn);
    project(ln, L, &a);
    if (L->ratio)
        compress(ln, L, F, st);
    ds4_rms(ln, own->qr, ln->w->qr, F->q_a_norm, ql);
    if (F->int_qr)
        ln->k->quantize(own->qr, ql, &own->qqr);
    ds4_kv_finish(ln, F->kv_norm, ds4_rope_of(ln, L, 0), ln->w->kv, own->kv);
    if (ln->tid == 0)
        memcpy(ds4_window_row(ln->e->s, l, ln->e->pos), own->kv, D * sizeof(float));
    ds4_acts qr = {.toks = 1, .k = ql, .f = own->qr, .ldf = ql, .row = own->qqr};
    heads(ln, l, &qr);
    ds4_acts lo = {.toks = 1, .k = low, .f = ln->w->low, .ldf = low, .row = own->qlow};
    if (ds4_is_int(L->o_b))
        ln->k->quantize(ln->w->low, low, &own->qlow);
    rows(ln, L->o_b, 16, &lo, ln->w->y);
    ds4_share(ln, ln->hp->d, 16, &from, &to);
    block_output(ln, from, to);
}

static void experts(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    ds4_lane_mem *own = ln->own;
    size_t E = ln->hp->n_expert, from, to;
    ds4_acts b = block_input(ln, &L->hc_ffn, &F->hc_ffn, F->ffn_norm, F->int_ffn);
    ds4_mat router = ds4_mat_of(L->router);
    if (ds4_router_is_large(ln->hp)) {
        rows(ln, L->router, 4, &b, ln->w->probs);
        ds4_sync(ln);
        memcpy(own->probs, ln->w->probs, E * sizeof(float));
    } else {
        ds4_matmul(ln->k, &own->mm, &router, 0, E, &b, own->probs, 0, &ln->own->ahead);
    }
    ds4_route(ln, l, ln->e->tok[0], own->probs, own->expert, own->weight);
    ds4_ahead_experts(ln, l);
    ds4_moe_token(ln, L, &b, &from, &to);
    block_output(ln, from, to);
}

void ds4_layers_token(ds4_lane *ln) {
    ds4_ahead_begin(ln);
    for (uint32_t l = 0; l < ln->hp->n_layer; l++) {
        attention(ln, l);
        experts(ln, l);
    }
}
