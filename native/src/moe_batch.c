/* moe_batch.c - the experts of a chunk of tokens.
 *
 * Tokens are sorted by expert, so each expert's weights are read once for all its
 * tokens. An entry is a (token, expert) pair; the shared expert is one more
 * expert, number E, that every token uses. Rows are shared out over the threads
 * and outputs added in expert order.
 */
#include "forward.h"
#include "quant.h"

/* Counting sort of the chunk's (token, expert) pairs; tiles start anew with each expert. */
static void sort_entries(const ds4_lane *ln) {
    const ds4_hparams *hp = ln->hp;
    ds4_work *w = ln->w;
    size_t T = ln->e->toks, K = hp->n_expert_used, E = hp->n_expert, lanes = ln->k->lanes;
    memset(w->first, 0, (E + 2) * sizeof *w->first);
    for (size_t i = 0; i < T * K; i++)
        w->first[w->expert[i] + 1]++;
    w->first[E + 1] = (uint32_t)T;
    w->first_tile[0] = 0;
    for (size_t e = 0; e <= E; e++) {
        size_t tiles = (w->first[e + 1] + lanes - 1) / lanes;
        w->first_tile[e + 1] = w->first_tile[e] + (uint32_t)tiles;
        w->first[e + 1] += w->first[e];
    }
    for (size_t i = 0; i < T * K; i++) { /* first[e] runs up to first[e + 1] */
        uint32_t at = w->first[w->expert[i]]++;
        w->entry_tok[at] = (uint32_t)(i / K);
        w->entry_weight[at] = w->weight[i];
    }
    for (size_t e = E; e > 0; e--)
        w->first[e] = w->first[e - 1];
    w->first[0] = 0;
    for (size_t t = 0; t < T; t++) {
        w->entry_tok[T * K + t] = (uint32_t)t;
        w->entry_weight[T * K + t] = 1.0f;
    }
}

/* Every n-th tile is packed by this thread. source(entry) gives the row. */
static void pack_tiles(const ds4_lane *ln, ds4_acts *a, bool by_token) {
    const ds4_work *w = ln->w;
    size_t lanes = ln->k->lanes;
    for (size_t e = 0; e <= ln->hp->n_expert; e++)
        for (size_t i = w->first_tile[e]; i < w->first_tile[e + 1]; i++) {
            if (i % (size_t)ln->n != (size_t)ln->tid)
                continue;
            size_t at = w->first[e] + (i - w->first_tile[e]) * lanes, n = w->first[e + 1] - at;
            ds4_q8row rows[LANES_MAX];
            n = n < lanes ? n : lanes;
            for (size_t j = 0; j < n; j++)
                rows[j] = by_token ? ds4_q8row_at(&w->ax.row, a->k, w->entry_tok[at + j])
                                   : ds4_q8row_at(&a->row, a->k, at + j);
            ds4_q8tile tile = ds4_q8tile_at(&a->tile, lanes, a->k, i);
            ln->k->pack(rows, n, a->k, &tile);
        }
}

/* Inputs of routed experts that take float rows, in expert order. */
static void gather_float(const ds4_lane *ln) {
    const ds4_work *w = ln->w;
    size_t d = ln->hp->d, from, to;
    ds4_share(ln, ln->e->toks * ln->hp->n_expert_used, 1, &from, &to);
    for (size_t i = from; i < to; i++)
        memcpy(w->xe + i * d, w->x + w->entry_tok[i] * d, d * sizeof *w->xe);
}

typedef struct {
    ds4_mat gate, up, down;
    float clamp;
    size_t at, n; /* entries */
    ds4_acts in, mid;
} expert;

static expert expert_at(const ds4_lane *ln, const ds4_layer *L, size_t e) {
    const ds4_work *w = ln->w;
    size_t d = ln->hp->d, F = ln->hp->d_expert, lanes = ln->k->lanes;
    bool shared = e == ln->hp->n_expert;
    expert x = {.at = w->first[e], .n = w->first[e + 1] - w->first[e]};
    x.gate = shared ? ds4_mat_of(L->gate_sh) : ds4_mat_slice(L->gate_exps, e);
    x.up = shared ? ds4_mat_of(L->up_sh) : ds4_mat_slice(L->up_exps, e);
    x.down = shared ? ds4_mat_of(L->down_sh) : ds4_mat_slice(L->down_exps, e);
    x.clamp = shared ? L->clamp_shexp : L->clamp_exp;
    x.in = (ds4_acts){.toks = x.n, .k = d, .f = shared ? w->x : w->xe + x.at * d, .ldf = d};
    x.mid = (ds4_acts){.toks = x.n, .k = F, .f = w->gate + x.at * F, .ldf = F};
    x.mid.row = ds4_q8row_at(&w->amid.row, F, x.at);
    if (x.n > 0)
        x.in.row = ds4_q8row_at(&w->ax.row, d, w->entry_tok[x.at]);
    x.in.tile = ds4_q8tile_at(&w->amoe.tile, lanes, d, w->first_tile[e]);
    x.mid.tile = ds4_q8tile_at(&w->amid.tile, lanes, F, w->first_tile[e]);
    return x;
}

static void gate_and_up(ds4_lane *ln, const expert *x, size_t f0, size_t f1) {
    ds4_work *w = ln->w;
    size_t F = ln->hp->d_expert;
    float *gate = w->gate + x->at * F, *up = w->up + x->at * F;
    ds4_matmul(ln->k, &ln->own->mm, &x->gate, f0, f1, &x->in, gate, F, NULL);
    ds4_matmul(ln->k, &ln->own->mm, &x->up, f0, f1, &x->in, up, F, NULL);
    for (size_t i = 0; i < x->n; i++, gate += F, up += F) {
        ln->k->swiglu(gate + f0, gate + f0, up + f0, x->clamp, w->entry_weight[x->at + i], f1 - f0);
        if (!ds4_type_is_int(x->down.type))
            continue;
        ds4_q8row q = ds4_q8row_at(&w->amid.row, F, x->at + i), part = ds4_q8row_at(&q, 32, f0 / 32);
        ln->k->quantize(gate + f0, f1 - f0, &part);
    }
}

static void down(ds4_lane *ln, const expert *x, size_t r0, size_t r1) {
    ds4_work *w = ln->w;
    size_t d = ln->hp->d;
    ds4_matmul(ln->k, &ln->own->mm, &x->down, r0, r1, &x->mid, w->ye, d, NULL);
    for (size_t i = 0; i < x->n; i++)
        ln->k->add(w->y + w->entry_tok[x->at + i] * d + r0, w->ye + i * d + r0, r1 - r0);
}

void ds4_moe_batch(ds4_lane *ln, const ds4_layer *L) {
    ds4_work *w = ln->w;
    size_t E = ln->hp->n_expert, d = ln->hp->d, from, to;
    if (ln->tid == 0)
        sort_entries(ln);
    ds4_sync(ln);
    if (ds4_is_int(L->gate_exps) || ds4_is_int(L->gate_sh))
        pack_tiles(ln, &w->amoe, true);
    if (!ds4_is_int(L->gate_exps))
        gather_float(ln);
    ds4_sync(ln);
    ds4_share(ln, ln->hp->d_expert, 32, &from, &to);
    for (size_t e = 0; e <= E; e++) {
        expert x = expert_at(ln, L, e);
        if (x.n > 0 && to > from)
            gate_and_up(ln, &x, from, to);
    }
    ds4_sync(ln);
    if (ds4_is_int(L->down_exps) || ds4_is_int(L->down_sh)) {
        pack_tiles(ln, &w->amid, false);
        ds4_sync(ln);
    }
    ds4_share(ln, d, 16, &from, &to);
    for (size_t t = 0; t < ln->e->toks; t++)
        memset(w->y + t * d + from, 0, (to - from) * sizeof *w->y);
    for (size_t e = 0; e <= E; e++) {
        expert x = expert_at(ln, L, e);
        if (x.n > 0 && to > from)
            down(ln, &x, from, to);
    }
    ds4_sync(ln);
}
