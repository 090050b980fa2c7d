/* forward_many.c - one token each of several sessions (decode of many).
 *
 * Weights are read once for all tokens, by forward_batch.c; what depends on whose
 * token it is happens here, token by token: its rows, its compressors, what it
 * attends to. Tokens go round the threads.
 */
#include "forward.h"
#include "quant.h"

static void store_comp(const ds4_lane *ln, const ds4_session *s, ds4_comp_state *c, const ds4_comp_f32 *F, size_t t,
                       bool is_index) {
    uint32_t p = s->n_tokens;
    const float *kv = is_index ? ln->w->ikv : ln->w->ckv, *gate = is_index ? ln->w->igate : ln->w->cgate;
    if (!c->ratio)
        return;
    ds4_comp_store(ln, c, F->ape, p, kv + t * c->in_width, gate + t * c->in_width);
    if ((p + 1) % c->ratio == 0)
        ds4_comp_row(ln, s, c, F->norm, p / c->ratio, is_index, NULL, NULL, 0);
    if ((p + 1) % BLOCK_TOKENS == 0)
        ds4_comp_keep(c, s->spans[p / BLOCK_TOKENS], p + 1, NULL, NULL, 0);
}

void ds4_many_store(ds4_lane *ln, uint32_t l) {
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    size_t D = ln->hp->head_dim;
    for (size_t t = (size_t)ln->tid; t < ln->e->toks; t += (size_t)ln->n) {
        ds4_session *s = ln->e->many[t];
        ds4_rope r = ds4_rope_of(ln, &ln->m->layers[l], t);
        ds4_kv_finish(ln, F->kv_norm, r, ln->w->kv + t * D, ds4_window_row(s, l, s->n_tokens));
        store_comp(ln, s, &s->layers[l].comp, &F->comp, t, false);
        store_comp(ln, s, &s->layers[l].index, &F->index, t, true);
    }
}

static size_t seen(const ds4_lane *ln, uint32_t l, size_t t) {
    uint32_t ratio = ln->m->layers[l].ratio;
    return ratio ? (ln->e->many[t]->n_tokens + 1) / ratio : 0;
}

static bool is_sparse(const ds4_lane *ln, uint32_t l, size_t t) {
    return ln->e->many[t]->layers[l].index.ratio && seen(ln, l, t) > ln->hp->idx_top_k;
}

bool ds4_many_sparse(const ds4_lane *ln, uint32_t l) {
    for (size_t t = 0; t < ln->e->toks; t++)
        if (is_sparse(ln, l, t))
            return true;
    return false;
}

/* The compressed rows that token t attends to; picked ones are gathered. */
static size_t compressed(ds4_lane *ln, uint32_t l, size_t t, ds4_rope r, ds4_segment *seg) {
    const ds4_hparams *hp = ln->hp;
    const ds4_session *s = ln->e->many[t];
    const ds4_layer_state *st = &s->layers[l];
    ds4_lane_mem *own = ln->own;
    size_t n = seen(ln, l, t), D = hp->head_dim;
    if (!is_sparse(ln, l, t))
        return ds4_row_segments(s, &st->comp, n, seg);
    float *iq = ln->w->iq + t * hp->idx_head * hp->idx_dim;
    ds4_index_query(ln, r, iq, hp->idx_head);
    ds4_index_scores(ln, s, iq, ln->w->iw + t * hp->idx_head, &st->index, 0, n, own->index_scores);
    n = ds4_top_k(own->index_scores, n, hp->idx_top_k, own->sel);
    for (size_t i = 0; i < n; i++)
        memcpy(own->gather + i * D, ds4_row(s, &st->comp, own->sel[i]), D * sizeof(float));
    *seg = (ds4_segment){own->gather, n};
    return 1;
}

void ds4_many_attend(ds4_lane *ln, uint32_t l) {
    const ds4_layer_f32 *F = &ln->e->f->layers[l];
    size_t D = ln->hp->head_dim, H = ln->hp->n_head;
    for (size_t t = (size_t)ln->tid; t < ln->e->toks; t += (size_t)ln->n) {
        const ds4_session *s = ln->e->many[t];
        uint32_t end = s->n_tokens + 1, from = end > ln->hp->window ? end - ln->hp->window : 0;
        ds4_rope r = ds4_rope_of(ln, &ln->m->layers[l], t);
        ds4_visible v = {.seg = ln->own->segments};
        v.n_win = ds4_window_segments(s, l, from, end, v.seg);
        v.n = v.n_win + compressed(ln, l, t, r, v.seg + v.n_win);
        ds4_q_finish(ln, r, ln->w->q + t * H * D, H);
        ds4_attend_token(ln, F, ln->w->q + t * H * D, 0, H, &v, r, ln->w->o + t * H * D);
    }
}

void ds4_many_logits(ds4_lane *ln) {
    ds4_work *w = ln->w;
    size_t d = ln->hp->d, lanes = ln->k->lanes, T = ln->e->toks, vocab = ln->hp->n_vocab, from, to;
    ds4_mat out = ds4_mat_of(ln->m->output);
    for (size_t t = (size_t)ln->tid; t < T; t += (size_t)ln->n) {
        float *x = w->x + t * d;
        ds4_q8row q = ds4_q8row_at(&w->ax.row, d, t);
        ds4_hc_head(ln, w->S + t * ln->hp->n_hc * d, x);
        ds4_rms(ln, x, x, ln->e->f->output_norm, d);
        if (ds4_type_is_int(out.type))
            ln->k->quantize(x, d, &q);
    }
    ds4_sync(ln);
    for (size_t i = (size_t)ln->tid; ds4_type_is_int(out.type) && i * lanes < T; i += (size_t)ln->n) {
        size_t n = T - i * lanes < lanes ? T - i * lanes : lanes;
        ds4_q8row row[LANES_MAX];
        for (size_t j = 0; j < n; j++)
            row[j] = ds4_q8row_at(&w->ax.row, d, i * lanes + j);
        ds4_q8tile tile = ds4_q8tile_at(&w->ax.tile, lanes, d, i);
        ln->k->pack(row, n, d, &tile);
    }
    ds4_sync(ln);
    ds4_share(ln, out.rows, 16, &from, &to);
    if (to > from)
        ds4_matmul(ln->k, &ln->own->mm, &out, from, to, &w->ax, ln->e->f->many_logits, vocab, NULL);
}
