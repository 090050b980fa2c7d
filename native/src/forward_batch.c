/* forward_batch.c - all layers for a chunk of tokens (prefill).
 *
 * Here time goes into arithmetic, so barriers are cheap and nothing is computed
 * twice. Work alternates between a share of the tokens (everything that is one
 * token's own: norms, rotations, attention, hyper-connections) and a share of the
 * rows (matrices, each row of weights read once for all tokens). Token shares
 * are whole tiles, so that a thread packs the tiles of its own tokens.
 */
#include "forward.h"
#include "quant.h"

typedef struct {
    size_t from, to;
} range;

static range my_tokens(const ds4_lane *ln) {
    range r;
    ds4_share(ln, ln->e->toks, ln->k->lanes, &r.from, &r.to);
    return r;
}

static void rows(ds4_lane *ln, const gguf_tensor *t, size_t unit, const ds4_acts *x, float *y) {
    ds4_mat w = ds4_mat_of(t);
    size_t from, to;
    ds4_share(ln, w.rows, unit, &from, &to);
    if (to > from)
        ds4_matmul(ln->k, &ln->own->mm, &w, from, to, x, y, w.rows, NULL);
}

/* Int8 rows and tiles of tokens [r.from, r.to), r.from the start of a tile. */
static void quantize(const ds4_lane *ln, ds4_acts *a, const float *f, size_t ldf, range r) {
    size_t lanes = ln->k->lanes;
    for (size_t t = r.from; t < r.to; t += lanes) {
        size_t n = r.to - t < lanes ? r.to - t : lanes;
        ds4_q8row row[LANES_MAX];
        for (size_t i = 0; i < n; i++) {
            row[i] = ds4_q8row_at(&a->row, a->k, t + i);
            ln->k->quantize(f + (t + i) * ldf, a->k, &row[i]);
        }
        ds4_q8tile tile = ds4_q8tile_at(&a->tile, lanes, a->k, t / lanes);
        ln->k->pack(row, n, a->k, &tile);
    }
}

/* The tokens of a range as activations of their own. */
static ds4_acts part(const ds4_lane *ln, const ds4_acts *a, range r) {
    ds4_acts p = *a;
    p.toks = r.to - r.from;
    p.f = a->f + r.from * a->ldf;
    p.row = ds4_q8row_at(&a->row, a->k, r.from);
    p.tile = ds4_q8tile_at(&a->tile, ln->k->lanes, a->k, r.from / ln->k->lanes);
    return p;
}

static void block_input(ds4_lane *ln, const ds4_hc *hc, const ds4_hc_f32 *F, const float *norm, bool is_int) {
    ds4_work *w = ln->w;
    size_t d = ln->hp->d, flat = ln->hp->n_hc * d, lanes = ln->k->lanes;
    range r = my_tokens(ln);
    ds4_acts s = {.toks = r.to - r.from, .k = flat, .f = w->S + r.from * flat, .ldf = flat};
    ds4_mat fn = ds4_mat_of(hc->fn);
    if (r.to == r.from)
        return;
    ds4_matmul(ln->k, &ln->own->mm, &fn, 0, fn.rows, &s, w->mix + r.from * ln->hp->mix, ln->hp->mix, NULL);
    for (size_t t = r.from; t < r.to; t += lanes) {
        size_t n = r.to - t < lanes ? r.to - t : lanes;
        ds4_hc_weights *hw = &w->hc[t / lanes];
        ds4_hc_weights_of(ln, F, w->mix + t * ln->hp->mix, w->S + t * flat, n, hw);
        for (size_t i = 0; i < n; i++) {
            float *x = w->x + (t + i) * d;
            ln->k->hc_mix(x, w->S + (t + i) * flat, hw->pre + i, lanes, ln->hp->n_hc, d);
            ds4_rms(ln, x, x, norm, d);
        }
    }
    if (is_int)
        quantize(ln, &w->ax, w->x, d, r);
}

static void block_output(ds4_lane *ln) {
    ds4_work *w = ln->w;
    size_t d = ln->hp->d, flat = ln->hp->n_hc * d, lanes = ln->k->lanes;
    range r = my_tokens(ln);
    for (size_t t = r.from; t < r.to; t++) {
        const ds4_hc_weights *hc = &w->hc[t / lanes];
        size_t i = t % lanes;
        ln->k->hc_post(w->S + t * flat, w->y + t * d, hc->post + i, hc->comb + i, lanes, ln->hp->n_hc, d, 0, d);
    }
}

/* A compressor's projections; the thread that makes a gate's columns adds their bias, if tokens are in order. */
static void project_comp(ds4_lane *ln, const ds4_compressor *c, const ds4_comp_state *st, const float *ape,
                         float *kv, float *gate) {
    size_t from, to;
    rows(ln, c->kv, 16, &ln->w->ax, kv);
    rows(ln, c->gate, 16, &ln->w->ax, gate);
    if (ln->e->many)
        return;
    ds4_share(ln, st->in_width, 16, &from, &to);
    ds4_comp_bias(st, ape, ln->e->pos, ln->e->toks, gate, from, to);
}

static void project(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, ds4_layer_state *st) {
    ds4_work *w = ln->w;
    rows(ln, L->q_a, 16, &w->ax, w->qr);
    rows(ln, L->kv, 16, &w->ax, w->kv);
    if (L->ratio)
        project_comp(ln, &L->comp, &st->comp, F->comp.ape, w->ckv, w->cgate);
    if (st->index.ratio) {
        project_comp(ln, &L->idx_comp, &st->index, F->index.ape, w->ikv, w->igate);
        rows(ln, L->idx_proj, 16, &w->ax, w->iw);
    }
}

/* Rows completed in this chunk, every n-th by this thread. */
static void compress(const ds4_lane *ln, const ds4_comp_state *c, const float *norm, bool is_index, const float *kv,
                     const float *gate) {
    uint32_t end = (ln->e->pos + (uint32_t)ln->e->toks) / c->ratio;
    for (uint32_t row = ln->e->pos / c->ratio; row < end; row++)
        if (row % (uint32_t)ln->n == (uint32_t)ln->tid)
            ds4_comp_row(ln, ln->e->s, c, norm, row, is_index, kv, gate, ln->e->pos);
}

/* Rows of the window that lie before the chunk. */
static size_t carried(const ds4_lane *ln) {
    uint32_t most = ln->hp->window - 1;
    return ln->e->pos < most ? ln->e->pos : most;
}

static void stage_rows(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    ds4_work *w = ln->w;
    size_t D = ln->hp->head_dim, carry = carried(ln), from, to;
    range r = my_tokens(ln);
    ds4_share(ln, carry, 1, &from, &to);
    for (size_t i = from; i < to; i++)
        memcpy(w->stage + i * D, ds4_window_row(ln->e->s, l, ln->e->pos - carry + i), D * sizeof(float));
    for (size_t t = r.from; t < r.to; t++)
        ds4_kv_finish(ln, F->kv_norm, ds4_rope_of(ln, L, t), w->kv + t * D, w->stage + (carry + t) * D);
}

static void finish_inputs(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    const ds4_layer_state *st = &ln->e->s->layers[l];
    ds4_work *w = ln->w;
    size_t ql = ln->hp->q_lora;
    range r = my_tokens(ln);
    for (size_t t = r.from; t < r.to; t++)
        ds4_rms(ln, w->qr + t * ql, w->qr + t * ql, F->q_a_norm, ql);
    if (F->int_qr)
        quantize(ln, &w->aqr, w->qr, ql, r);
    if (ln->e->many) {
        ds4_many_store(ln, l);
        return;
    }
    stage_rows(ln, l);
    if (L->ratio)
        compress(ln, &st->comp, F->comp.norm, false, w->ckv, w->cgate);
    if (st->index.ratio)
        compress(ln, &st->index, F->index.norm, true, w->ikv, w->igate);
}

static void remember_comp(const ds4_lane *ln, ds4_comp_state *c, const float *kv, const float *gate) {
    uint32_t pos = ln->e->pos, to = pos + (uint32_t)ln->e->toks;
    if (!c->ratio)
        return;
    for (uint32_t end = (pos / BLOCK_TOKENS + 1) * BLOCK_TOKENS; end <= to; end += BLOCK_TOKENS)
        ds4_comp_keep(c, ln->e->s->spans[end / BLOCK_TOKENS - 1], end, kv, gate, pos);
    ds4_comp_carry(c, pos, ln->e->toks, kv, gate);
}

/* What the next chunk needs of this one. Nobody reads the rings any more. */
static void remember(const ds4_lane *ln, uint32_t l) {
    const ds4_work *w = ln->w;
    ds4_layer_state *st = &ln->e->s->layers[l];
    size_t D = ln->hp->head_dim, carry = carried(ln), from, to;
    ds4_share(ln, ln->e->toks, 1, &from, &to);
    for (size_t t = from; t < to; t++)
        memcpy(ds4_window_row(ln->e->s, l, ln->e->pos + t), w->stage + (carry + t) * D, D * sizeof(float));
    if (ln->tid == ln->n - 1) {
        remember_comp(ln, &st->comp, w->ckv, w->cgate);
        remember_comp(ln, &st->index, w->ikv, w->igate);
    }
}

/* A token that sees more compressed rows than it may attend to. */
static void attend_sparse(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, const ds4_layer_state *st,
                          size_t t) {
    const ds4_hparams *hp = ln->hp;
    ds4_work *w = ln->w;
    ds4_lane_mem *own = ln->own;
    size_t p = ln->e->pos + t, D = hp->head_dim, H = hp->n_head, n = (p + 1) / L->ratio, carry = carried(ln);
    float *iq = w->iq + t * hp->idx_head * hp->idx_dim;
    ds4_rope r = ds4_rope_of(ln, L, t);
    ds4_index_query(ln, r, iq, hp->idx_head);
    ds4_index_scores(ln, ln->e->s, iq, w->iw + t * hp->idx_head, &st->index, 0, n, own->index_scores);
    n = ds4_top_k(own->index_scores, n, hp->idx_top_k, own->sel);
    for (size_t i = 0; i < n; i++)
        memcpy(own->gather + i * D, ds4_row(ln->e->s, &st->comp, own->sel[i]), D * sizeof(float));
    size_t seen = p + 1 < hp->window ? p + 1 : hp->window;
    ds4_segment seg[2] = {{w->stage + (carry + t + 1 - seen) * D, seen}, {own->gather, n}};
    ds4_attend_token(ln, F, w->q + t * H * D, 0, H, &(ds4_visible){seg, 1, 2}, r, w->o + t * H * D);
}

static void attend(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, const ds4_layer_state *st, range r) {
    ds4_work *w = ln->w;
    size_t D = ln->hp->head_dim, H = ln->hp->n_head, dense = r.to;
    for (size_t t = r.from; t < r.to; t++)
        ds4_q_finish(ln, ds4_rope_of(ln, L, t), w->q + t * H * D, H);
    while (st->index.ratio && dense > r.from && (ln->e->pos + dense) / L->ratio > ln->hp->idx_top_k)
        dense--;
    ds4_attend_block(ln, L, F, r.from, dense, carried(ln), &st->comp);
    for (size_t t = dense; t < r.to; t++)
        attend_sparse(ln, L, F, st, t);
}

/* Group g's activations: a tile holds one group of its tokens. */
static ds4_acts group(const ds4_lane *ln, size_t g) {
    const ds4_work *w = ln->w;
    size_t k = w->ao.k, lanes = ln->k->lanes, T = ln->e->toks;
    ds4_acts a = {.toks = T, .k = k, .f = w->o + g * k, .ldf = k * ln->hp->n_out_group};
    a.row = ds4_q8row_at(&w->ao.row, k, g * T);
    a.tile = ds4_q8tile_at(&w->ao.tile, lanes, k, g * ((T + lanes - 1) / lanes));
    return a;
}

static void heads_many(ds4_lane *ln, uint32_t l) {
    ds4_many_attend(ln, l);
    ds4_sync(ln);
    for (size_t g = 0; ds4_is_int(ln->m->layers[l].o_a) && g < ln->hp->n_out_group; g++) {
        ds4_acts a = group(ln, g);
        quantize(ln, &a, a.f, a.ldf, my_tokens(ln));
    }
}

/* Blocks of tokens go round the threads, since later tokens see more rows. */
static void heads(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, const ds4_layer_state *st) {
    size_t T = ln->e->toks, step = LANES_MAX;
    for (size_t b = (size_t)ln->tid; b * step < T; b += (size_t)ln->n) {
        range r = {b * step, (b + 1) * step < T ? (b + 1) * step : T};
        attend(ln, L, F, st, r);
        for (size_t g = 0; ds4_is_int(L->o_a) && g < ln->hp->n_out_group; g++) {
            ds4_acts a = group(ln, g);
            quantize(ln, &a, a.f, a.ldf, r);
        }
    }
}

static void group_out(ds4_lane *ln, const ds4_layer *L) {
    size_t ol = ln->hp->o_lora, og = ln->hp->n_out_group, from, to;
    ds4_mat o_a = ds4_mat_of(L->o_a);
    ds4_share(ln, ol, 16, &from, &to);
    for (size_t g = 0; to > from && g < og; g++) {
        ds4_acts a = group(ln, g);
        ds4_matmul(ln->k, &ln->own->mm, &o_a, g * ol + from, g * ol + to, &a, ln->w->low, og * ol, NULL);
    }
}

static void attention(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    ds4_layer_state *st = &ln->e->s->layers[l];
    ds4_work *w = ln->w;
    block_input(ln, &L->hc_attn, &F->hc_attn, F->attn_norm, F->int_attn);
    ds4_sync(ln);
    project(ln, L, F, st);
    ds4_sync(ln);
    finish_inputs(ln, l);
    ds4_sync(ln);
    rows(ln, L->q_b, 16, &w->aqr, w->q);
    bool many = ln->e->many != NULL;
    if (many ? ds4_many_sparse(ln, l) : st->index.ratio && (ln->e->pos + ln->e->toks) / L->ratio > ln->hp->idx_top_k)
        rows(ln, L->idx_q_b, 16, &w->aqr, w->iq);
    if (!many)
        remember(ln, l);
    ds4_sync(ln);
    if (many)
        heads_many(ln, l);
    else
        heads(ln, L, F, st);
    ds4_sync(ln);
    group_out(ln, L);
    ds4_sync(ln);
    if (ds4_is_int(L->o_b)) {
        quantize(ln, &w->alow, w->low, w->alow.k, my_tokens(ln));
        ds4_sync(ln);
    }
    rows(ln, L->o_b, 16, &w->alow, w->y);
    ds4_sync(ln);
    block_output(ln);
}

static void route(ds4_lane *ln, uint32_t l) {
    ds4_work *w = ln->w;
    range r = my_tokens(ln);
    size_t E = ln->hp->n_expert, K = ln->hp->n_expert_used;
    ds4_mat router = ds4_mat_of(ln->m->layers[l].router);
    ds4_acts x = part(ln, &w->ax, r);
    if (r.to == r.from)
        return;
    ds4_matmul(ln->k, &ln->own->mm, &router, 0, E, &x, w->probs + r.from * E, E, NULL);
    for (size_t t = r.from; t < r.to; t++)
        ds4_route(ln, l, ln->e->tok[t], w->probs + t * E, w->expert + t * K, w->weight + t * K);
}

/* All threads get the same answer: it is given before a barrier and not changed
 * before the next. */
static bool cancelled(ds4_lane *ln) {
    if (ln->e->many) /* too short */
        return false;
    if (ln->tid == 0)
        ln->e->stop = atomic_exchange(&ln->e->s->cancel, 0);
    ds4_sync(ln);
    return ln->e->stop;
}

void ds4_layers_batch(ds4_lane *ln) {
    for (uint32_t l = 0; l < ln->hp->n_layer; l++) {
        if (cancelled(ln))
            return;
        const ds4_layer *L = &ln->m->layers[l];
        const ds4_layer_f32 *F = &ln->e->f->layers[l];
        attention(ln, l);
        block_input(ln, &L->hc_ffn, &F->hc_ffn, F->ffn_norm, F->int_ffn);
        route(ln, l);
        ds4_sync(ln);
        ds4_moe_batch(ln, L);
        block_output(ln);
    }
    ds4_sync(ln);
}
