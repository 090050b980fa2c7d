/* kernels_float.h - the float kernels, written once over vectors of VL floats.
 *
 * A set includes this file after defining the vector words:
 *   VL, vf               lanes and the vector type
 *   V_LOAD V_STORE       unaligned; V_LOADN / V_STOREN the first n < VL lanes (others read as 0)
 *   V_LOADH V_LOADHN     the same from f16
 *   V_SET1 V_ADD V_SUB V_MUL V_DIV V_MAX V_MIN V_FMA(a,b,c) = a*b+c
 *   V_SWAP               swaps the two lanes of each pair (VL = 1: not used)
 *   V_EXP2I(y, t)        y * 2^n, where t = n + 1.5 * 2^23
 *   V_ZERO_BELOW(x, l, y)  y, or 0 in lanes where x < l (or x is no number)
 *   V_SUM                the sum of all lanes, in a fixed tree
 *   TILE_R, TILE_C       tile of the batched dot; V_SUM_TILE adds up its
 *                        TILE_R * TILE_C accumulators with V_SUM's own tree
 *   GEMV_R               rows taken at once for one token (GEMV_R == TILE_R * TILE_C)
 * It leaves static functions f_*; the set puts them into its table.
 */
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))
#define TILE_N (TILE_R * TILE_C)

/* Lane by lane e^x: x = n ln2 + r, a polynomial for e^r, 0 below -87. */
INLINE vf v_exp(vf x) {
    const vf magic = V_SET1(12582912.0f);
    vf lim = V_MIN(V_MAX(x, V_SET1(-87.0f)), V_SET1(88.0f));
    vf t = V_FMA(lim, V_SET1(1.44269504f), magic);
    vf n = V_SUB(t, magic);
    vf r = V_FMA(n, V_SET1(-0.693359375f), lim);
    r = V_FMA(n, V_SET1(2.12194440e-4f), r);
    vf p = V_SET1(1.9875691500e-4f);
    p = V_FMA(p, r, V_SET1(1.3981999507e-3f));
    p = V_FMA(p, r, V_SET1(8.3334519073e-3f));
    p = V_FMA(p, r, V_SET1(4.1665795894e-2f));
    p = V_FMA(p, r, V_SET1(1.6666665459e-1f));
    p = V_FMA(p, r, V_SET1(5.0000001201e-1f));
    p = V_FMA(V_MUL(r, r), p, r);
    p = V_ADD(p, V_SET1(1.0f));
    return V_ZERO_BELOW(x, V_SET1(-87.0f), V_EXP2I(p, t));
}

INLINE vf v_sigmoid(vf x) {
    vf one = V_SET1(1.0f);
    return V_DIV(one, V_ADD(one, v_exp(V_SUB(V_SET1(0.0f), x))));
}

/* ---- dots ---------------------------------------------------------------- */

/* What R f16 rows take per step of VL columns is asked for in each stream's share. */
INLINE void prefetch_step(const char *const *streams, size_t i, const int R) {
    for (int s = 0; s < AHEAD_STREAMS; s++)
        for (int line = 0; line < (R * VL / 2 + 63) / 64; line++)
            __builtin_prefetch(streams[s] + i * (size_t)R / 2 + line * 64);
}

/* R rows by C tokens; out[c * R + r]. half: the weights are f16. */
INLINE void dot_tile(const void *w, size_t ldw, const float *x, size_t ldx, size_t k, float *out,
                     const int R, const int C, const bool half, const char *const *streams) {
    const float *wf = w;
    const uint16_t *wh = w;
    vf acc[TILE_N];
    size_t i = 0;
#pragma GCC unroll 16
    for (int j = 0; j < R * C; j++)
        acc[j] = V_SET1(0.0f);
    for (; i + VL <= k; i += VL) {
        vf wv[TILE_N];
        if (streams)
            prefetch_step(streams, i, R);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            wv[r] = half ? V_LOADH(wh + (size_t)r * ldw + i) : V_LOAD(wf + (size_t)r * ldw + i);
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) {
            vf xv = V_LOAD(x + (size_t)c * ldx + i);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++)
                acc[c * R + r] = V_FMA(wv[r], xv, acc[c * R + r]);
        }
    }
    if (i < k) {
        size_t n = k - i;
#pragma GCC unroll 16
        for (int c = 0; c < C; c++) {
            vf xv = V_LOADN(x + (size_t)c * ldx + i, n);
#pragma GCC unroll 16
            for (int r = 0; r < R; r++) {
                vf wv = half ? V_LOADHN(wh + (size_t)r * ldw + i, n) : V_LOADN(wf + (size_t)r * ldw + i, n);
                acc[c * R + r] = V_FMA(wv, xv, acc[c * R + r]);
            }
        }
    }
    if (R * C == TILE_N) {
        V_SUM_TILE(acc, out);
    } else {
#pragma GCC unroll 16
        for (int j = 0; j < R * C; j++)
            out[j] = V_SUM(acc[j]);
    }
}

static void dot_rows_one(const float *w, size_t ldw, size_t rows, const float *x, size_t k, float *y) {
    float out[TILE_N];
    size_t r = 0;
    for (; r + GEMV_R <= rows; r += GEMV_R)
        dot_tile(w + r * ldw, ldw, x, 0, k, y + r, GEMV_R, 1, false, NULL);
    for (; r + TILE_R <= rows; r += TILE_R) {
        dot_tile(w + r * ldw, ldw, x, 0, k, out, TILE_R, 1, false, NULL);
        memcpy(y + r, out, TILE_R * sizeof *y);
    }
    for (; r < rows; r++)
        dot_tile(w + r * ldw, ldw, x, 0, k, y + r, 1, 1, false, NULL);
}

static void f_gemv_f16(const uint16_t *w, size_t ldw, size_t rows, const float *x, size_t k, float *y,
                       ds4_ahead *ahead) {
    const char *streams[AHEAD_STREAMS];
    float out[TILE_N];
    size_t r = 0;
    for (; r + GEMV_R <= rows; r += GEMV_R) {
        ds4_ahead_step(ahead, GEMV_R * k * 2, streams);
        dot_tile(w + r * ldw, ldw, x, 0, k, y + r, GEMV_R, 1, true, streams);
    }
    for (; r + TILE_R <= rows; r += TILE_R) {
        ds4_ahead_step(ahead, TILE_R * k * 2, streams);
        dot_tile(w + r * ldw, ldw, x, 0, k, out, TILE_R, 1, true, streams);
        memcpy(y + r, out, TILE_R * sizeof *y);
    }
    for (; r < rows; r++) {
        ds4_ahead_step(ahead, k * 2, streams);
        dot_tile(w + r * ldw, ldw, x, 0, k, y + r, 1, 1, true, streams);
    }
}

/* Rows in blocks that stay in the first cache while all tokens pass by. */
static void f_dot_f32(const float *w, size_t ldw, size_t rows, const float *x, size_t ldx, size_t toks,
                      size_t k, float *y, size_t ldy) {
    size_t block = 4096 / (k ? k : 1) / TILE_R * TILE_R;
    size_t batched = toks / TILE_C * TILE_C;
    float out[TILE_N];
    if (block < 4 * TILE_R)
        block = 4 * TILE_R;
    for (size_t r0 = 0; batched && r0 < rows; r0 += block) {
        size_t r1 = r0 + block < rows ? r0 + block : rows;
        for (size_t t = 0; t < batched; t += TILE_C) {
            size_t r = r0;
            for (; r + TILE_R <= r1; r += TILE_R) {
                dot_tile(w + r * ldw, ldw, x + t * ldx, ldx, k, out, TILE_R, TILE_C, false, NULL);
                for (size_t c = 0; c < TILE_C; c++)
                    memcpy(y + (t + c) * ldy + r, out + c * TILE_R, TILE_R * sizeof *y);
            }
            for (; r < r1; r++) {
                dot_tile(w + r * ldw, ldw, x + t * ldx, ldx, k, out, 1, TILE_C, false, NULL);
                for (size_t c = 0; c < TILE_C; c++)
                    y[(t + c) * ldy + r] = out[c];
            }
        }
    }
    for (size_t t = batched; t < toks; t++)
        dot_rows_one(w, ldw, rows, x + t * ldx, k, y + t * ldy);
}

static void f_widen_f16(float *dst, const uint16_t *src, size_t n) {
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        V_STORE(dst + i, V_LOADH(src + i));
    if (i < n)
        V_STOREN(dst + i, V_LOADHN(src + i, n - i), n - i);
}

/* ---- elementwise and small sums -------------------------------------------- */

static float f_sumsq(const float *x, size_t n) {
    vf a = V_SET1(0.0f), b = a;
    size_t i = 0;
    for (; i + 2 * VL <= n; i += 2 * VL) {
        vf u = V_LOAD(x + i), v = V_LOAD(x + i + VL);
        a = V_FMA(u, u, a);
        b = V_FMA(v, v, b);
    }
    for (; i < n; i += VL) {
        vf u = n - i >= VL ? V_LOAD(x + i) : V_LOADN(x + i, n - i);
        a = V_FMA(u, u, a);
    }
    return V_SUM(V_ADD(a, b));
}

static float f_max(const float *x, size_t n, float start) {
    vf a = V_SET1(start);
    size_t i = 0;
    float lanes[VL];
    for (; i + VL <= n; i += VL)
        a = V_MAX(a, V_LOAD(x + i));
    V_STORE(lanes, a);
    for (; i < n; i++)
        lanes[0] = x[i] > lanes[0] ? x[i] : lanes[0];
    for (size_t j = 1; j < VL; j++)
        lanes[0] = lanes[j] > lanes[0] ? lanes[j] : lanes[0];
    return lanes[0];
}

static void f_scale(float *y, const float *x, float s, const float *w, size_t n) {
    vf sv = V_SET1(s);
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf v = V_MUL(V_LOAD(x + i), sv);
        V_STORE(y + i, w ? V_MUL(v, V_LOAD(w + i)) : v);
    }
    if (i < n) {
        vf v = V_MUL(V_LOADN(x + i, n - i), sv);
        V_STOREN(y + i, w ? V_MUL(v, V_LOADN(w + i, n - i)) : v, n - i);
    }
}

static void f_add(float *y, const float *x, size_t n) {
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        V_STORE(y + i, V_ADD(V_LOAD(y + i), V_LOAD(x + i)));
    if (i < n)
        V_STOREN(y + i, V_ADD(V_LOADN(y + i, n - i), V_LOADN(x + i, n - i)), n - i);
}

static void f_exp_sum(float *x, size_t n, float s, float m, float *sum) {
    vf sv = V_SET1(s), mv = V_SET1(-m), total = V_LOAD(sum);
    size_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf e = v_exp(V_FMA(V_LOAD(x + i), sv, mv));
        V_STORE(x + i, e);
        total = V_ADD(total, e);
    }
    if (i < n) {
        V_STOREN(x + i, v_exp(V_FMA(V_LOADN(x + i, n - i), sv, mv)), n - i);
        total = V_ADD(total, V_LOADN(x + i, n - i));
    }
    V_STORE(sum, total);
}

static float f_sum_lanes(const float *sum) {
    return V_SUM(V_LOAD(sum));
}

INLINE vf v_swiglu(vf g, vf u, vf hi, vf lo, vf weight) {
    g = V_MIN(g, hi);
    u = V_MAX(V_MIN(u, hi), lo);
    return V_MUL(V_MUL(V_MUL(g, v_sigmoid(g)), u), weight);
}

static void f_swiglu(float *y, const float *gate, const float *up, float clamp, float weight, size_t n) {
    float limit = clamp > 1e-6f ? clamp : INFINITY;
    vf hi = V_SET1(limit), lo = V_SET1(-limit), wv = V_SET1(weight);
    size_t i = 0;
    for (; i + VL <= n; i += VL)
        V_STORE(y + i, v_swiglu(V_LOAD(gate + i), V_LOAD(up + i), hi, lo, wv));
    if (i < n)
        V_STOREN(y + i, v_swiglu(V_LOADN(gate + i, n - i), V_LOADN(up + i, n - i), hi, lo, wv), n - i);
}

static void f_rope(float *x, const float *cos, const float *sin, size_t n2) {
    size_t i = 0;
#if VL > 1
    for (; i + VL <= n2; i += VL) {
        vf v = V_LOAD(x + i);
        V_STORE(x + i, V_FMA(v, V_LOAD(cos + i), V_MUL(V_SWAP(v), V_LOAD(sin + i))));
    }
#endif
    for (; i < n2; i += 2) {
        float a = x[i], b = x[i + 1];
        x[i] = a * cos[i] + b * sin[i];
        x[i + 1] = b * cos[i + 1] + a * sin[i + 1];
    }
}

/* ---- sums over rows ---------------------------------------------------------- */

/* Q rows of out, C vectors wide, over rows [0, n). */
INLINE void weigh_tile(float *out, size_t ldo, const float *p, size_t ldp, const float *rows, size_t ld,
                       size_t n, const int Q, const int C) {
    vf acc[16];
#pragma GCC unroll 16
    for (int q = 0; q < Q; q++)
#pragma GCC unroll 16
        for (int c = 0; c < C; c++)
            acc[q * C + c] = V_LOAD(out + (size_t)q * ldo + (size_t)c * VL);
    for (size_t t = 0; t < n; t++) {
        vf rv[4];
#pragma GCC unroll 16
        for (int c = 0; c < C; c++)
            rv[c] = V_LOAD(rows + t * ld + (size_t)c * VL);
#pragma GCC unroll 16
        for (int q = 0; q < Q; q++) {
            vf pv = V_SET1(p[(size_t)q * ldp + t]);
#pragma GCC unroll 16
            for (int c = 0; c < C; c++)
                acc[q * C + c] = V_FMA(pv, rv[c], acc[q * C + c]);
        }
    }
#pragma GCC unroll 16
    for (int q = 0; q < Q; q++)
#pragma GCC unroll 16
        for (int c = 0; c < C; c++)
            V_STORE(out + (size_t)q * ldo + (size_t)c * VL, acc[q * C + c]);
}

INLINE void weigh_cols(float *out, size_t ldo, const float *p, size_t ldp, size_t nq, const float *rows,
                       size_t ld, size_t n, const int C) {
    size_t q = 0;
    for (; q + WEIGH_Q <= nq; q += WEIGH_Q)
        weigh_tile(out + q * ldo, ldo, p + q * ldp, ldp, rows, ld, n, WEIGH_Q, C);
    for (; q < nq; q++)
        weigh_tile(out + q * ldo, ldo, p + q * ldp, ldp, rows, ld, n, 1, C);
}

static void f_weigh(float *out, size_t ldo, const float *p, size_t ldp, size_t nq, const float *rows,
                    size_t ld, size_t n_rows, size_t width) {
    enum { BLOCK = 64 };
    for (size_t t = 0; t < n_rows; t += BLOCK) {
        size_t n = n_rows - t < BLOCK ? n_rows - t : BLOCK, c = 0;
        const float *block = rows + t * ld;
        for (; c + WEIGH_C * VL <= width; c += WEIGH_C * VL)
            weigh_cols(out + c, ldo, p + t, ldp, nq, block + c, ld, n, WEIGH_C);
        for (; c + VL <= width; c += VL)
            weigh_cols(out + c, ldo, p + t, ldp, nq, block + c, ld, n, 1);
        for (size_t q = 0; c < width && q < nq; q++)
            for (size_t j = c; j < width; j++)
                for (size_t i = 0; i < n; i++)
                    out[q * ldo + j] += p[q * ldp + t + i] * block[i * ld + j];
    }
}

INLINE vf load_some(const float *p, size_t n) {
    return n >= VL ? V_LOAD(p) : V_LOADN(p, n);
}

INLINE void store_some(float *p, vf v, size_t n) {
    if (n >= VL)
        V_STORE(p, v);
    else
        V_STOREN(p, v, n);
}

static void f_pool(float *out, const float *const *kv, const float *const *gate, size_t n, size_t width) {
    for (size_t j = 0; j < width; j += VL) {
        size_t left = width - j;
        vf m = load_some(gate[0] + j, left), sum = V_SET1(0.0f), acc = sum;
        for (size_t t = 1; t < n; t++)
            m = V_MAX(m, load_some(gate[t] + j, left));
        for (size_t t = 0; t < n; t++) {
            vf e = v_exp(V_SUB(load_some(gate[t] + j, left), m));
            sum = V_ADD(sum, e);
            acc = V_FMA(e, load_some(kv[t] + j, left), acc);
        }
        store_some(out + j, V_DIV(acc, sum), left);
    }
}

#include "kernels_hc.h"

#define FLOAT_KERNELS                                                                             \
    .dot_f32 = f_dot_f32, .gemv_f16 = f_gemv_f16, .widen_f16 = f_widen_f16, .sumsq = f_sumsq,       \
    .max = f_max, .scale = f_scale, .add = f_add, .exp_sum = f_exp_sum,                           \
    .sum_lanes = f_sum_lanes, .weigh = f_weigh, .pool = f_pool, .swiglu = f_swiglu,               \
    .rope = f_rope, .hc_split = f_hc_split, .hc_mix = f_hc_mix, .hc_post = f_hc_post
