/* attention.c - one key/value row per token, shared by all heads.
 *
 * A row serves as key and as value, so scores are a batched dot of rows with
 * queries and the result is a weighted sum of the same rows. A token sees the
 * last `window` rows, itself included, oldest first, then its compressed rows.
 * The sink is a logit without a value: it only enters the denominator.
 *
 * A block of tokens in prefill shares one pass over the union of their windows.
 * Every token's softmax runs over its own rows only, with lanes counted from its
 * first row as in decode, and the weights of the others are set to 0, which
 * leaves the weighted sum unchanged to the bit.
 */
#include <math.h>

#include "forward.h"
#include "quant.h"

#define FEW_TOKENS 8
#define FEW_FLOATS (1u << 17)

void ds4_kv_finish(const ds4_lane *ln, const float *norm, ds4_rope r, const float *raw, float *out) {
    size_t D = ln->hp->head_dim, R = ln->hp->n_rot;
    ds4_rms(ln, out, raw, norm, D);
    ln->k->rope(out + D - R, r.cos, r.sin, R);
    if (ln->m->kv_mode == DS4_KV_FAKE_QUANT) {
        ds4_fp8_rows(out, D - R);
        ds4_round_f16(out, D);
    }
}

void ds4_q_finish(const ds4_lane *ln, ds4_rope r, float *q, size_t heads) {
    size_t D = ln->hp->head_dim, R = ln->hp->n_rot;
    for (size_t h = 0; h < heads; h++, q += D) {
        ds4_rms(ln, q, q, NULL, D);
        ln->k->rope(q + D - R, r.cos, r.sin, R);
    }
}

/* Raw scores of one head to weights e^(s - m), not yet divided; returns 1 / sum. */
static float soften(const ds4_lane *ln, float *win, size_t n_win, float *comp, size_t n_comp, float sink) {
    float scale = 1.0f / sqrtf((float)ln->hp->head_dim), sum[LANES_MAX] = {0};
    float top = ln->k->max(comp, n_comp, ln->k->max(win, n_win, -INFINITY)) * scale;
    float m = top > sink ? top : sink;
    ln->k->exp_sum(win, n_win, scale, m, sum);
    ln->k->exp_sum(comp, n_comp, scale, m, sum);
    return 1.0f / (ln->k->sum_lanes(sum) + expf(sink - m));
}

static void finish_head(const ds4_lane *ln, float *o, float inv, ds4_rope r) {
    size_t D = ln->hp->head_dim, R = ln->hp->n_rot;
    ln->k->scale(o, o, inv, NULL, D);
    ln->k->rope(o + D - R, r.cos, r.neg, R);
}

void ds4_attend_token(ds4_lane *ln, const ds4_layer_f32 *F, const float *q, size_t h0, size_t h1,
                      const ds4_visible *v, ds4_rope r, float *o) {
    size_t D = ln->hp->head_dim, heads = h1 - h0, n_win = 0, ld = 0, at = 0;
    const ds4_segment *seg = v->seg;
    for (size_t i = 0; i < v->n; ld += seg[i].n, i++)
        n_win += i < v->n_win ? seg[i].n : 0;
    float *s = ln->own->scores;
    q += h0 * D;
    o += h0 * D;
    for (size_t i = 0; i < v->n; at += seg[i].n, i++)
        ln->k->dot_f32(seg[i].rows, D, seg[i].n, q, D, heads, D, s + at, ld);
    float inv[heads];
    for (size_t h = 0; h < heads; h++)
        inv[h] = soften(ln, s + h * ld, n_win, s + h * ld + n_win, ld - n_win, F->sinks[h0 + h]);
    memset(o, 0, heads * D * sizeof *o);
    at = 0;
    for (size_t i = 0; i < v->n; at += seg[i].n, i++)
        ln->k->weigh(o, D, s + at, ld, heads, seg[i].rows, D, seg[i].n, D);
    for (size_t h = 0; h < heads; h++)
        finish_head(ln, o + h * D, inv[h], r);
}

size_t ds4_attend_together(const ds4_hparams *hp, size_t comp_rows) {
    size_t per = (size_t)hp->n_head * (hp->window + FEW_TOKENS + comp_rows), n = FEW_FLOATS / per;
    return n < 1 ? 1 : n < FEW_TOKENS ? n : FEW_TOKENS;
}

/* With fewer rows more tokens go together, so the most rows do not need the most room. */
size_t ds4_attend_block_size(const ds4_hparams *hp, size_t comp_rows) {
    size_t per = (size_t)hp->n_head * (hp->window + FEW_TOKENS + comp_rows);
    size_t most = per > FEW_FLOATS ? per : FEW_FLOATS;
    return FEW_TOKENS * per < most ? FEW_TOKENS * per : most;
}

/* A token's rows within the block's: window [a, a + n), compressed [0, c). */
typedef struct {
    size_t a, n, c;
} visible;

static visible visible_rows(const ds4_lane *ln, const ds4_layer *L, size_t t, size_t base) {
    size_t p = ln->e->pos + t, n = p + 1 < ln->hp->window ? p + 1 : ln->hp->window;
    return (visible){p + 1 - n - base, n, L->ratio ? (p + 1) / L->ratio : 0};
}

/* Tokens [t0, t1), a few: base is the position of the first staged row they see. */
static void attend_few(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, size_t t0, size_t t1,
                       const float *stage, size_t base, const ds4_comp_state *comp) {
    size_t D = ln->hp->head_dim, H = ln->hp->n_head, n = t1 - t0, nq = n * H, at = 0;
    size_t rows = ln->e->pos + t1 - base, n_comp = visible_rows(ln, L, t1 - 1, base).c, ld = rows + n_comp;
    float *s = ln->own->scores, *o = ln->w->o + t0 * H * D, inv[FEW_TOKENS * H];
    ln->k->dot_f32(stage, D, rows, ln->w->q + t0 * H * D, D, nq, D, s, ld);
    ds4_segment *seg = ln->own->segments;
    size_t n_seg = ds4_row_segments(ln->e->s, comp, n_comp, seg);
    for (size_t i = 0; i < n_seg; at += seg[i].n, i++)
        ln->k->dot_f32(seg[i].rows, D, seg[i].n, ln->w->q + t0 * H * D, D, nq, D, s + rows + at, ld);
    for (size_t i = 0; i < nq; i++) {
        visible v = visible_rows(ln, L, t0 + i / H, base);
        float *p = s + i * ld;
        inv[i] = soften(ln, p + v.a, v.n, p + rows, v.c, F->sinks[i % H]);
        memset(p, 0, v.a * sizeof *p);
        memset(p + v.a + v.n, 0, (rows - v.a - v.n) * sizeof *p);
        memset(p + rows + v.c, 0, (n_comp - v.c) * sizeof *p);
    }
    memset(o, 0, nq * D * sizeof *o);
    ln->k->weigh(o, D, s, ld, nq, stage, D, rows, D);
    at = 0;
    for (size_t i = 0; i < n_seg; at += seg[i].n, i++)
        ln->k->weigh(o, D, s + rows + at, ld, nq, seg[i].rows, D, seg[i].n, D);
    for (size_t i = 0; i < nq; i++)
        finish_head(ln, o + i * D, inv[i], ds4_rope_of(ln, L, t0 + i / H));
}

void ds4_attend_block(ds4_lane *ln, const ds4_layer *L, const ds4_layer_f32 *F, size_t t0, size_t t1,
                      size_t carry, const ds4_comp_state *comp) {
    size_t first = ln->e->pos - carry;
    size_t step = ds4_attend_together(ln->hp, L->ratio ? (ln->e->pos + t1) / L->ratio : 0);
    for (size_t t = t0; t < t1; t += step) {
        size_t end = t + step < t1 ? t + step : t1, p = ln->e->pos + t;
        size_t base = p + 1 > ln->hp->window ? p + 1 - ln->hp->window : 0;
        attend_few(ln, L, F, t, end, ln->w->stage + (base - first) * ln->hp->head_dim, base, comp);
    }
}
