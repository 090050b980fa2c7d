/* hc.c - hyper-connections: n residual streams instead of one.
 *
 * Before a block the streams are projected to 2n + n*n numbers: how much of each
 * stream goes in (pre), how much of the block's output each gets (post), and a
 * doubly stochastic matrix that mixes the streams (comb, by Sinkhorn iteration).
 * The norm of the projection's input is a factor per token, so the projection
 * runs on the raw streams and is scaled after. The small arithmetic runs with
 * one token per lane; a lone token takes the same path in lane 0.
 */
#include <math.h>

#include "forward.h"

static float inverse_rms(const ds4_lane *ln, const float *x, size_t n) {
    return 1.0f / sqrtf(ln->k->sumsq(x, n) / (float)n + ln->hp->rms_eps);
}

void ds4_rms(const ds4_lane *ln, float *y, const float *x, const float *w, size_t n) {
    ln->k->scale(y, x, inverse_rms(ln, x, n), w, n);
}

void ds4_hc_weights_of(ds4_lane *ln, const ds4_hc_f32 *hc, const float *mix, const float *S, size_t n,
                       ds4_hc_weights *out) {
    const ds4_hparams *hp = ln->hp;
    size_t lanes = ln->k->lanes, flat = (size_t)hp->n_hc * hp->d;
    float *t = ln->own->mixT;
    for (size_t i = 0; i < lanes; i++) {
        float inv = i < n ? inverse_rms(ln, S + i * flat, flat) : 0.0f;
        for (size_t j = 0; j < hp->mix; j++)
            t[j * lanes + i] = i < n ? mix[i * hp->mix + j] * inv : 0.0f;
    }
    ln->k->hc_split(out, t, hc->base, hc->scale, hp->n_hc, hp->sinkhorn_iters, hp->hc_eps);
}

void ds4_hc_head(ds4_lane *ln, const float *S, float *x) {
    const ds4_hparams *hp = ln->hp;
    const ds4_hc_f32 *hc = &ln->e->f->hc_head;
    size_t flat = (size_t)hp->n_hc * hp->d;
    ds4_mat fn = ds4_mat_of(ln->m->hc_head.fn);
    ds4_acts in = {.toks = 1, .k = flat, .f = S, .ldf = flat};
    float mix[HC_MAX], inv = inverse_rms(ln, S, flat);
    ds4_matmul(ln->k, &ln->own->mm, &fn, 0, hp->n_hc, &in, mix, 0, &ln->own->ahead);
    for (size_t h = 0; h < hp->n_hc; h++)
        mix[h] = 1.0f / (1.0f + expf(-(mix[h] * inv * hc->scale[0] + hc->base[h]))) + hp->hc_eps;
    ln->k->hc_mix(x, S, mix, 1, hp->n_hc, hp->d);
}
