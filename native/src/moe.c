/* moe.c - routing, and the experts of one token.
 *
 * The experts of a token are taken in ascending order and the shared one last,
 * here as in the batch, so that their sum does not depend on the batch.
 */
#include <math.h>

#include "forward.h"
#include "quant.h"

static float sqrt_softplus(float x) {
    float sp = x > 20.0f ? x : x < -20.0f ? expf(x) : log1pf(expf(x));
    return sqrtf(sp);
}

/* The k best of probs + bias, ties to the lowest index. */
static void pick(const float *probs, const float *bias, uint32_t n, uint32_t k, uint32_t *expert) {
    for (uint32_t j = 0; j < k; j++) {
        uint32_t best = n;
        for (uint32_t i = 0; i < n; i++) {
            bool used = false;
            for (uint32_t u = 0; u < j; u++)
                used |= expert[u] == i;
            if (!used && (best == n || probs[i] + bias[i] > probs[best] + bias[best]))
                best = i;
        }
        expert[j] = best;
    }
}

static void sort(uint32_t *a, uint32_t n) {
    for (uint32_t i = 1; i < n; i++)
        for (uint32_t j = i; j > 0 && a[j - 1] > a[j]; j--) {
            uint32_t t = a[j];
            a[j] = a[j - 1];
            a[j - 1] = t;
        }
}

/* probs: the router's logits, turned into scores in place. */
void ds4_route(const ds4_lane *ln, uint32_t l, int32_t token, float *probs, uint32_t *expert, float *weight) {
    const ds4_hparams *hp = ln->hp;
    const gguf_tensor *table = ln->m->layers[l].tid2eid;
    uint32_t k = hp->n_expert_used;
    float sum = 0.0f;
    for (uint32_t i = 0; i < hp->n_expert; i++)
        probs[i] = sqrt_softplus(probs[i]);
    if (table)
        for (uint32_t j = 0; j < k; j++)
            expert[j] = (uint32_t)((const int32_t *)table->data)[(size_t)token * k + j];
    else
        pick(probs, ln->e->f->layers[l].router_bias, hp->n_expert, k, expert);
    sort(expert, k);
    for (uint32_t j = 0; j < k; j++)
        sum += probs[expert[j]];
    for (uint32_t j = 0; j < k; j++)
        weight[j] = (hp->expert_norm ? probs[expert[j]] / fmaxf(sum, 0x1p-14f) : probs[expert[j]]) *
                    hp->expert_scale;
}

/* Slot j of one token: its j-th expert, or the shared one after the last. */
typedef struct {
    ds4_mat gate, up, down;
    float clamp, weight;
} slot;

static slot slot_at(const ds4_lane *ln, const ds4_layer *L, uint32_t j) {
    if (j == ln->hp->n_expert_used)
        return (slot){ds4_mat_of(L->gate_sh), ds4_mat_of(L->up_sh), ds4_mat_of(L->down_sh), L->clamp_shexp, 1};
    uint32_t e = ln->own->expert[j];
    return (slot){ds4_mat_slice(L->gate_exps, e), ds4_mat_slice(L->up_exps, e), ds4_mat_slice(L->down_exps, e),
                  L->clamp_exp, ln->own->weight[j]};
}

void ds4_moe_token(ds4_lane *ln, const ds4_layer *L, const ds4_acts *x, size_t *from, size_t *to) {
    const ds4_hparams *hp = ln->hp;
    ds4_work *w = ln->w;
    size_t F = hp->d_expert, f0, f1;
    ds4_share(ln, F, 32, &f0, &f1);
    for (uint32_t i = 0; i <= hp->n_expert_used; i++) {
        uint32_t j = i == 0 ? hp->n_expert_used : i - 1; /* the shared one first: its rows are on their way */
        slot s = slot_at(ln, L, j);
        float *gate = w->gate + j * F, *up = w->up + j * F;
        ds4_matmul(ln->k, &ln->own->mm, &s.gate, f0, f1, x, gate, 0, &ln->own->ahead);
        ds4_matmul(ln->k, &ln->own->mm, &s.up, f0, f1, x, up, 0, &ln->own->ahead);
        ln->k->swiglu(gate + f0, gate + f0, up + f0, s.clamp, s.weight, f1 - f0);
        ds4_q8row q = ds4_q8row_at(&w->amid.row, F, j), part = ds4_q8row_at(&q, 32, f0 / 32);
        if (ds4_type_is_int(s.down.type))
            ln->k->quantize(gate + f0, f1 - f0, &part);
    }
    ds4_sync(ln);
    ds4_share(ln, hp->d, 16, from, to);
    memset(w->y + *from, 0, (*to - *from) * sizeof *w->y);
    for (uint32_t j = 0; j <= hp->n_expert_used; j++) {
        slot s = slot_at(ln, L, j);
        ds4_acts mid = {.toks = 1, .k = F, .f = w->gate + j * F, .ldf = F};
        mid.row = ds4_q8row_at(&w->amid.row, F, j);
        ds4_matmul(ln->k, &ln->own->mm, &s.down, *from, *to, &mid, ln->own->tmp, 0, &ln->own->ahead);
        ln->k->add(w->y + *from, ln->own->tmp + *from, *to - *from);
    }
}
