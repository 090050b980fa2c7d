/* forward_ahead.c - the queue of weights that a thread reads in decode.
 *
 * It must list the same shares in the same order as forward_token.c, moe.c and the
 * head read them. Everything but the routed experts is known beforehand; they
 * join when the router has spoken, while the shared expert, which comes first, is
 * being read.
 */
#include "forward.h"

static void rows(ds4_lane *ln, const gguf_tensor *t, size_t expert, size_t from, size_t to) {
    ds4_mat w = ds4_mat_slice(t, expert);
    ds4_ahead_push(&ln->own->ahead, w.data + from * w.row_bytes, (to - from) * w.row_bytes);
}

static void share(ds4_lane *ln, const gguf_tensor *t, size_t expert, size_t unit) {
    size_t from, to;
    ds4_share(ln, t->ne[1], unit, &from, &to);
    rows(ln, t, expert, from, to);
}

bool ds4_my_heads(const ds4_lane *ln, size_t *g0, size_t *g1, size_t *h0, size_t *h1) {
    size_t og = ln->hp->n_out_group, H = ln->hp->n_head;
    if (og < (size_t)ln->n) {
        *g0 = *g1 = 0;
        ds4_share(ln, H, 1, h0, h1);
        return false;
    }
    ds4_share(ln, og, 1, g0, g1);
    *h0 = *g0 * (H / og);
    *h1 = *g1 * (H / og);
    return true;
}

bool ds4_router_is_large(const ds4_hparams *hp) {
    return (size_t)hp->n_expert * hp->d > 32768;
}

static void inputs(ds4_lane *ln, const ds4_layer *L) {
    share(ln, L->hc_attn.fn, 0, 4);
    share(ln, L->q_a, 0, 16);
    share(ln, L->kv, 0, 16);
    if (L->ratio) {
        share(ln, L->comp.kv, 0, 16);
        share(ln, L->comp.gate, 0, 16);
    }
    if (L->ratio == 4 && ln->e->f->needs_index) {
        share(ln, L->idx_comp.kv, 0, 16);
        share(ln, L->idx_comp.gate, 0, 16);
        share(ln, L->idx_proj, 0, 4);
    }
}

/* Up to where the routed experts come in. */
static void layer(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    size_t D = ln->hp->head_dim, ol = ln->hp->o_lora, g0, g1, h0, h1, from, to;
    bool own_groups = ds4_my_heads(ln, &g0, &g1, &h0, &h1);
    inputs(ln, L);
    rows(ln, L->q_b, 0, h0 * D, h1 * D);
    if (own_groups) {
        rows(ln, L->o_a, 0, g0 * ol, g1 * ol);
    } else {
        ds4_share(ln, ol, 16, &from, &to);
        for (size_t g = 0; g < ln->hp->n_out_group; g++)
            rows(ln, L->o_a, 0, g * ol + from, g * ol + to);
    }
    share(ln, L->o_b, 0, 16);
    share(ln, L->hc_ffn.fn, 0, 4);
    if (ds4_router_is_large(ln->hp))
        share(ln, L->router, 0, 4);
    else
        rows(ln, L->router, 0, 0, ln->hp->n_expert);
    share(ln, L->gate_sh, 0, 32);
    share(ln, L->up_sh, 0, 32);
}

void ds4_ahead_begin(ds4_lane *ln) {
    ds4_ahead *a = &ln->own->ahead;
    if (a->running)
        return;
    ds4_ahead_clear(a);
    layer(ln, 0);
    ds4_ahead_lead(a);
    a->running = 1;
}

void ds4_ahead_experts(ds4_lane *ln, uint32_t l) {
    const ds4_layer *L = &ln->m->layers[l];
    const uint32_t *e = ln->own->expert;
    for (uint32_t j = 0; j < ln->hp->n_expert_used; j++) {
        share(ln, L->gate_exps, e[j], 32);
        share(ln, L->up_exps, e[j], 32);
    }
    for (uint32_t j = 0; j < ln->hp->n_expert_used; j++)
        share(ln, L->down_exps, e[j], 16);
    share(ln, L->down_sh, 0, 16);
    if (l + 1 < ln->hp->n_layer) {
        layer(ln, l + 1);
        return;
    }
    rows(ln, ln->m->hc_head.fn, 0, 0, ln->hp->n_hc);
    share(ln, ln->m->output, 0, 16);
    layer(ln, 0); /* of the next token */
}
