/* kernels_neon.h - the NEON set, included once without and once with the dot
 * product instructions (NEON_DOT), which give the same integers. */
#include <arm_neon.h>

#include "quant.h"

#define VL 4
typedef float32x4_t vf;
#define V_LOAD(p) vld1q_f32(p)
#define V_STORE(p, v) vst1q_f32(p, v)
#define V_LOADN(p, n) load_some4(p, n)
#define V_STOREN(p, v, n) store_some4(p, v, n)
#define V_LOADH(p) vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)))
#define V_LOADHN(p, n) load_half4(p, n)
#define V_SET1(x) vdupq_n_f32(x)
#define V_ADD(a, b) vaddq_f32(a, b)
#define V_SUB(a, b) vsubq_f32(a, b)
#define V_MUL(a, b) vmulq_f32(a, b)
#define V_DIV(a, b) vdivq_f32(a, b)
#define V_MAX(a, b) vmaxq_f32(a, b)
#define V_MIN(a, b) vminq_f32(a, b)
#define V_FMA(a, b, c) vfmaq_f32(c, a, b)
#define V_SWAP(v) vrev64q_f32(v)
#define V_EXP2I(y, t) \
    vreinterpretq_f32_s32(vaddq_s32(vreinterpretq_s32_f32(y), vshlq_n_s32(vreinterpretq_s32_f32(t), 23)))
#define V_ZERO_BELOW(x, l, y) vreinterpretq_f32_u32(vandq_u32(vcgeq_f32(x, l), vreinterpretq_u32_f32(y)))
#define V_SUM(v) vgetq_lane_f32(vpaddq_f32(vpaddq_f32(v, v), v), 0)
#define V_SUM_TILE(acc, out) sum16(acc, out)
#define TILE_R 4
#define TILE_C 4
#define GEMV_R 16
#define WEIGH_Q 4
#define WEIGH_C 4

static inline float32x4_t load_some4(const float *p, size_t n) {
    float v[4] = {0};
    for (size_t i = 0; i < n; i++)
        v[i] = p[i];
    return vld1q_f32(v);
}

static inline void store_some4(float *p, float32x4_t x, size_t n) {
    float v[4];
    vst1q_f32(v, x);
    for (size_t i = 0; i < n; i++)
        p[i] = v[i];
}

static inline float32x4_t load_half4(const uint16_t *p, size_t n) {
    uint16_t v[4] = {0};
    for (size_t i = 0; i < n; i++)
        v[i] = p[i];
    return V_LOADH(v);
}

/* Neighbours first, then the pairs: V_SUM's tree. */
static inline __attribute__((always_inline)) void sum16(const float32x4_t *v, float *out) {
    for (int i = 0; i < 16; i += 4)
        vst1q_f32(out + i, vpaddq_f32(vpaddq_f32(v[i], v[i + 1]), vpaddq_f32(v[i + 2], v[i + 3])));
}

#include "kernels_float.h"

/* acc lane i plus the products of bytes 4i .. 4i + 3. */
INLINE int32x4_t dot4(int32x4_t acc, int8x16_t a, int8x16_t b) {
#ifdef NEON_DOT
    return vdotq_s32(acc, a, b);
#else
    int32x4_t lo = vpaddlq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)));
    int32x4_t hi = vpaddlq_s16(vmull_s8(vget_high_s8(a), vget_high_s8(b)));
    return vaddq_s32(acc, vpaddq_s32(lo, hi));
#endif
}

static void quantize(const float *x, size_t k, const ds4_q8row *out) {
    for (size_t b = 0; b < k / 32; b++) {
        float32x4_t v[8], top = vdupq_n_f32(0.0f);
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < 8; i++) {
            v[i] = vld1q_f32(x + b * 32 + i * 4);
            top = vmaxq_f32(top, vabsq_f32(v[i]));
        }
        float d = vmaxvq_f32(top) / 127.0f, inv = d > 0.0f ? 1.0f / d : 0.0f;
        for (int i = 0; i < 8; i += 2) {
            int32x4_t lo = vcvtnq_s32_f32(vmulq_n_f32(v[i], inv)), hi = vcvtnq_s32_f32(vmulq_n_f32(v[i + 1], inv));
            int8x8_t v8 = vmovn_s16(vcombine_s16(vmovn_s32(lo), vmovn_s32(hi)));
            vst1_s8(out->q + b * 32 + i * 4, v8);
            sum[i / 4] += vaddlv_s8(v8);
        }
        out->d[b] = d;
        out->fix[b] = -128 * (sum[0] + sum[1]);
        out->xs[2 * b] = d * (float)sum[0];
        out->xs[2 * b + 1] = d * (float)sum[1];
    }
}

static void pack(const ds4_q8row *rows, size_t n, size_t k, const ds4_q8tile *tile) {
    for (size_t t = 0; t < VL; t++) {
        for (size_t i = 0; i < k / 4; i++) {
            uint32_t word = 0;
            if (t < n)
                memcpy(&word, rows[t].q + i * 4, 4);
            memcpy(tile->q + (i * VL + t) * 4, &word, 4);
        }
        for (size_t b = 0; b < k / 32; b++)
            tile->d[b * VL + t] = t < n ? rows[t].d[b] : 0.0f;
        for (size_t h = 0; tile->xs && h < k / 16; h++)
            tile->xs[h * VL + t] = t < n ? rows[t].xs[h] : 0.0f;
    }
}

static void scales_q8_0(ds4_panel *p, size_t k) {
    for (size_t r = 0; r < p->rows; r++)
        for (size_t b = 0; b < k / 32; b++) {
            uint16_t h;
            memcpy(&h, p->q + r * p->row_stride + b * p->blk_stride - 2, 2);
            p->d[b * PANEL_ROWS + r] = ds4_f16_to_f32(h);
        }
}

/* Signed products need no correction. */
static void block_sums(ds4_panel *p, size_t k) {
    (void)p;
    (void)k;
}

/* Four rows' dots with one block of x, a row per lane. */
INLINE int32x4_t dot_blocks(const int8_t *const *row, size_t at, const int8_t *x) {
    int8x16_t lo = vld1q_s8(x), hi = vld1q_s8(x + 16);
    int32x4_t v[4];
#pragma GCC unroll 4
    for (int i = 0; i < 4; i++)
        v[i] = dot4(dot4(vdupq_n_s32(0), vld1q_s8(row[i] + at), lo), vld1q_s8(row[i] + at + 16), hi);
    return vpaddq_s32(vpaddq_s32(v[0], v[1]), vpaddq_s32(v[2], v[3]));
}

/* Rows past the end repeat the last one. */
INLINE void four_rows(const int8_t *q, size_t stride, size_t r0, size_t rows, const int8_t **row) {
    for (size_t i = 0; i < 4; i++)
        row[i] = q + (r0 + i < rows ? r0 + i : rows - 1) * stride;
}

static void gemv_i8(const ds4_panel *p, size_t k, const ds4_q8row *x, float *y) {
    for (size_t r = 0; r < p->rows; r += 4) {
        const int8_t *row[4];
        float32x4_t acc = vdupq_n_f32(0.0f);
        four_rows(p->q, p->row_stride, r, p->rows, row);
        for (size_t b = 0; b < k / 32; b++) {
            float32x4_t s = vmulq_n_f32(vld1q_f32(p->d + b * PANEL_ROWS + r), x->d[b]);
            acc = vfmaq_f32(acc, vcvtq_f32_s32(dot_blocks(row, b * p->blk_stride, x->q + b * 32)), s);
            for (size_t h = 2 * b; p->m && h < 2 * b + 2; h++)
                acc = vfmsq_f32(acc, vld1q_f32(p->m + h * PANEL_ROWS + r), vdupq_n_f32(x->xs[h]));
        }
        store_some(y + r, acc, p->rows - r);
    }
}

static void gemv_q8_0(const uint8_t *w, size_t row_bytes, size_t rows, size_t k, const ds4_q8row *x, float *y,
                      ds4_ahead *ahead) {
    const char *streams[AHEAD_STREAMS];
    for (size_t r = 0; r < rows; r += 4) {
        const int8_t *row[4];
        float32x4_t acc = vdupq_n_f32(0.0f);
        ds4_ahead_step(ahead, (rows - r < 4 ? rows - r : 4) * row_bytes, streams);
        four_rows((const int8_t *)w + 2, row_bytes, r, rows, row);
        for (size_t b = 0; b < k / 32; b++) {
            uint16_t half[4];
            for (int i = 0; i < AHEAD_STREAMS; i++) /* 4 * 34 / 4 bytes each */
                __builtin_prefetch(streams[i] + b * 34);
            for (int i = 0; i < 4; i++)
                memcpy(&half[i], row[i] + b * 34 - 2, 2);
            float32x4_t s = vmulq_n_f32(V_LOADH(half), x->d[b]);
            acc = vfmaq_f32(acc, vcvtq_f32_s32(dot_blocks(row, b * 34, x->q + b * 32)), s);
        }
        store_some(y + r, acc, rows - r);
    }
}

/* One row against 4 tokens. */
INLINE float32x4_t gemm_row(const ds4_panel *p, size_t r, size_t k, const uint8_t *q, const float *d,
                            const float *xs) {
    float32x4_t acc = vdupq_n_f32(0.0f);
    for (size_t b = 0; b < k / 32; b++) {
        const int8_t *w = p->q + r * p->row_stride + b * p->blk_stride;
        int32x4_t even = vdupq_n_s32(0), odd = even;
#pragma GCC unroll 8
        for (size_t j = 0; j < 8; j++) {
            int8x16_t x = vreinterpretq_s8_u8(vld1q_u8(q + (b * 8 + j) * 16));
            int32_t word;
            memcpy(&word, w + 4 * j, 4);
            if (j % 2)
                odd = dot4(odd, x, vreinterpretq_s8_s32(vdupq_n_s32(word)));
            else
                even = dot4(even, x, vreinterpretq_s8_s32(vdupq_n_s32(word)));
        }
        float32x4_t s = vmulq_n_f32(vld1q_f32(d + b * 4), p->d[b * PANEL_ROWS + r]);
        acc = vfmaq_f32(acc, vcvtq_f32_s32(vaddq_s32(even, odd)), s);
        for (size_t h = 2 * b; p->m && h < 2 * b + 2; h++)
            acc = vfmsq_f32(acc, vdupq_n_f32(p->m[h * PANEL_ROWS + r]), vld1q_f32(xs + h * 4));
    }
    return acc;
}

static void gemm_i8(const ds4_panel *p, size_t k, const ds4_q8tile *tiles, size_t toks, float *y, size_t ldy) {
    for (size_t t = 0; t < toks; t += 4) {
        const float *xs = p->m ? tiles->xs + t * (k / 16) : NULL;
        for (size_t r = 0; r < p->rows; r++) {
            float out[4];
            vst1q_f32(out, gemm_row(p, r, k, tiles->q + t * k, tiles->d + t * (k / 32), xs));
            for (size_t j = 0; j < 4 && t + j < toks; j++)
                y[(t + j) * ldy + r] = out[j];
        }
    }
}

#define NEON_KERNELS                                                                              \
    .lanes = VL, .quantize = quantize, .pack = pack, .scales_q8_0 = scales_q8_0,                  \
    .block_sums = block_sums, .gemv_i8 = gemv_i8, .gemv_q8_0 = gemv_q8_0, .gemm_i8 = gemm_i8, FLOAT_KERNELS
