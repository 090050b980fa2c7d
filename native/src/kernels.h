/* kernels.h - the arithmetic that depends on the instruction set. Internal.
 *
 * One table of functions per instruction set (a "kernel set"), chosen at run
 * time. Two rules hold in every set:
 *
 *  1. A result belongs to one (row, token) pair and is computed by the same
 *     sequence of operations however many rows or tokens a call covers. So a
 *     token evaluated alone, in a batch of 256 or in chunks of 97 gives the
 *     same bits. Float dots keep `lanes` partial sums over k and add them in a
 *     fixed tree; integer dots are exact inside a block of 32 and then run one
 *     chain of multiply-adds over the blocks.
 *  2. Sums over a varying number of terms (attention) start at +0 and take
 *     their terms in order, so a term that is exactly 0 changes nothing and a
 *     masked row may be padded in.
 */
#ifndef DS4_KERNELS_H
#define DS4_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "ahead.h"
#include "ds4.h"

#define PANEL_ROWS 16 /* weight rows that an integer kernel takes at once */
#define LANES_MAX 16  /* the widest `lanes` of any set */
#define HC_MAX 8      /* most hyper-connection streams */

/* PANEL_ROWS rows of quantised weights: int8 values in blocks of 32 with one
 * scale a block and, for types with an offset, one minimum per 16 values. */
typedef struct {
    const int8_t *q;        /* row r, block b: q + r * row_stride + b * blk_stride */
    size_t row_stride, blk_stride;
    size_t rows;            /* 1 .. PANEL_ROWS */
    float *d;               /* [k/32][PANEL_ROWS] */
    int32_t *fix;           /* [k/32][PANEL_ROWS]: -128 * sum of the block, for gemm_i8 */
    float *m;               /* [k/16][PANEL_ROWS], or NULL */
} ds4_panel;

/* One token's activations as int8: value = q * d of its block of 32. */
typedef struct {
    int8_t *q;              /* [k] */
    float *d;               /* [k/32] */
    int32_t *fix;           /* [k/32]: -128 * sum of the block */
    float *xs;              /* [k/16]: d * sum of 16 values */
} ds4_q8row;

/* Tiles of `lanes` tokens, transposed so that a vector holds 4 bytes of each:
 * q [k/4][lanes][4] (with the set's sign convention), d [k/32][lanes], xs [k/16][lanes]. */
typedef struct {
    uint8_t *q;
    float *d, *xs;
} ds4_q8tile;

/* Where the weights of one hyper-connection go: each array is [..][lanes]. */
typedef struct {
    float pre[HC_MAX * LANES_MAX];
    float post[HC_MAX * LANES_MAX];
    float comb[HC_MAX * HC_MAX * LANES_MAX];
} ds4_hc_weights;

struct kernels {
    const char *name;
    size_t lanes;           /* tokens in a tile */

    /* y[t * ldy + r] = sum_k w[r * ldw + k] * x[t * ldx + k] */
    void (*dot_f32)(const float *w, size_t ldw, size_t rows, const float *x, size_t ldx,
                    size_t toks, size_t k, float *y, size_t ldy);
    /* y[r] for one token, the same bits as dot_f32 with widened weights; ahead may be NULL */
    void (*gemv_f16)(const uint16_t *w, size_t ldw, size_t rows, const float *x, size_t k, float *y,
                     ds4_ahead *ahead);
    void (*widen_f16)(float *dst, const uint16_t *src, size_t n);

    /* k is a multiple of 32. */
    void (*quantize)(const float *x, size_t k, const ds4_q8row *out);
    /* Interleave n <= lanes rows into tile; missing rows count as zeros. */
    void (*pack)(const ds4_q8row *rows, size_t n, size_t k, const ds4_q8tile *tile);
    /* Fill p->d of a panel of Q8_0 rows: each block's f16 scale lies 2 bytes before it. */
    void (*scales_q8_0)(ds4_panel *p, size_t k);
    /* Fill p->fix, which gemm_i8 needs and gemv_i8 does not. */
    void (*block_sums)(ds4_panel *p, size_t k);
    /* y[r] = row r . x, of a panel and of rows of Q8_0 as they lie in the file */
    void (*gemv_i8)(const ds4_panel *p, size_t k, const ds4_q8row *x, float *y);
    void (*gemv_q8_0)(const uint8_t *w, size_t row_bytes, size_t rows, size_t k, const ds4_q8row *x, float *y,
                      ds4_ahead *ahead);
    /* y[t * ldy + r] for toks tokens in consecutive tiles */
    void (*gemm_i8)(const ds4_panel *p, size_t k, const ds4_q8tile *tiles, size_t toks,
                    float *y, size_t ldy);

    float (*sumsq)(const float *x, size_t n);
    float (*max)(const float *x, size_t n, float start);
    /* y = x * s * w (w may be NULL) */
    void (*scale)(float *y, const float *x, float s, const float *w, size_t n);
    void (*add)(float *y, const float *x, size_t n);
    /* x[i] = exp(x[i] * s - m), adding into sum[lanes] lane by lane */
    void (*exp_sum)(float *x, size_t n, float s, float m, float *sum);
    float (*sum_lanes)(const float *sum);
    /* out[q * ldo + c] += sum_t p[q * ldp + t] * rows[t * ld + c], t ascending */
    void (*weigh)(float *out, size_t ldo, const float *p, size_t ldp, size_t nq,
                  const float *rows, size_t ld, size_t n_rows, size_t width);
    /* out[j] = sum_t softmax_t(gate[t][j]) * kv[t][j] */
    void (*pool)(float *out, const float *const *kv, const float *const *gate, size_t n, size_t width);
    /* y = silu(min(gate, c)) * clamp(up, -c, c) * weight; c <= 0: no clamp */
    void (*swiglu)(float *y, const float *gate, const float *up, float clamp, float weight, size_t n);
    /* x (n interleaved pairs as 2n floats) turned: x * cos + swap(x) * sin, both [2n] */
    void (*rope)(float *x, const float *cos, const float *sin, size_t n2);

    /* Hyper-connection weights of `lanes` tokens: mixT [mix][lanes] already normed. */
    void (*hc_split)(ds4_hc_weights *w, const float *mixT, const float *base, const float *scale,
                     size_t n, size_t iters, float eps);
    /* x[i] = sum_h pre[h * step] * s[h * d + i] */
    void (*hc_mix)(float *x, const float *s, const float *pre, size_t step, size_t n, size_t d);
    /* s'[k][i] = post[k] * y[i] + sum_j comb[j][k] * s[j][i] for i in [i0, i1) */
    void (*hc_post)(float *s, const float *y, const float *post, const float *comb, size_t step,
                    size_t n, size_t d, size_t i0, size_t i1);
};

/* name NULL: the best set this machine runs. */
ds4_status ds4_kernels_pick(const char *name, const struct kernels **out, ds4_error *err);

const struct kernels *ds4_kernels_scalar(void);
/* NULL where the compiler or the machine lacks the instructions. */
const struct kernels *ds4_kernels_avx2(void);
const struct kernels *ds4_kernels_avx512(void);
const struct kernels *ds4_kernels_avx512_base(void);
const struct kernels *ds4_kernels_neon(void);
const struct kernels *ds4_kernels_neon_dot(void);

#endif
