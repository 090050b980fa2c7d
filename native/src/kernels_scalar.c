/* kernels_scalar.c - the reference set: one lane, no intrinsics. */
#include "kernels.h"
#include "quant.h"

#define VL 1
typedef float vf;
#define V_LOAD(p) (*(p))
#define V_STORE(p, v) (*(p) = (v))
#define V_LOADN(p, n) ((void)(n), *(p))
#define V_STOREN(p, v, n) ((void)(n), *(p) = (v))
#define V_LOADH(p) ds4_f16_to_f32(*(p))
#define V_LOADHN(p, n) ((void)(n), ds4_f16_to_f32(*(p)))
#define V_SET1(x) (x)
#define V_ADD(a, b) ((a) + (b))
#define V_SUB(a, b) ((a) - (b))
#define V_MUL(a, b) ((a) * (b))
#define V_DIV(a, b) ((a) / (b))
#define V_MAX(a, b) ((a) > (b) ? (a) : (b))
#define V_MIN(a, b) ((a) < (b) ? (a) : (b))
#define V_FMA(a, b, c) ((a) * (b) + (c))
#define V_EXP2I(y, t) exp2i(y, t)
#define V_ZERO_BELOW(x, l, y) ((x) >= (l) ? (y) : 0.0f)
#define V_SUM(v) (v)
#define TILE_R 4
#define TILE_C 2
#define GEMV_R 8
#define WEIGH_Q 4
#define WEIGH_C 2
#define V_SUM_TILE(acc, out) memcpy(out, acc, sizeof(acc))

static inline float exp2i(float y, float t) {
    union { float f; uint32_t u; } a = {.f = y}, b = {.f = t};
    a.u += b.u << 23;
    return a.f;
}

#include "kernels_float.h"

static void quantize(const float *x, size_t k, const ds4_q8row *out) {
    for (size_t b = 0; b < k / 32; b++) {
        const float *v = x + b * 32;
        float amax = 0.0f;
        for (int i = 0; i < 32; i++)
            amax = fabsf(v[i]) > amax ? fabsf(v[i]) : amax;
        float d = amax / 127.0f, inv = d > 0.0f ? 1.0f / d : 0.0f;
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < 32; i++) {
            out->q[b * 32 + i] = (int8_t)lrintf(v[i] * inv);
            sum[i / 16] += out->q[b * 32 + i];
        }
        out->d[b] = d;
        out->fix[b] = -128 * (sum[0] + sum[1]);
        out->xs[2 * b] = d * (float)sum[0];
        out->xs[2 * b + 1] = d * (float)sum[1];
    }
}

/* One lane: a tile is the row itself. */
static void pack(const ds4_q8row *rows, size_t n, size_t k, const ds4_q8tile *tile) {
    (void)n;
    memcpy(tile->q, rows->q, k);
    memcpy(tile->d, rows->d, k / 32 * sizeof *tile->d);
    if (tile->xs) /* no weight type here asks for it */
        memcpy(tile->xs, rows->xs, k / 16 * sizeof *tile->xs);
}

static void scales_q8_0(ds4_panel *p, size_t k) {
    for (size_t r = 0; r < p->rows; r++)
        for (size_t b = 0; b < k / 32; b++) {
            uint16_t h;
            memcpy(&h, p->q + r * p->row_stride + b * p->blk_stride - 2, 2);
            p->d[b * PANEL_ROWS + r] = ds4_f16_to_f32(h);
        }
}

static void block_sums(ds4_panel *p, size_t k) {
    (void)p; /* signed products need no correction */
    (void)k;
}

static int32_t dot_block(const int8_t *w, const int8_t *x) {
    int32_t sum = 0;
    for (int i = 0; i < 32; i++)
        sum += w[i] * x[i];
    return sum;
}

static float dot_i8(const ds4_panel *p, size_t r, size_t k, const int8_t *x, const float *d, const float *xs) {
    float acc = 0.0f;
    for (size_t b = 0; b < k / 32; b++) {
        int32_t sum = dot_block(p->q + r * p->row_stride + b * p->blk_stride, x + b * 32);
        acc += (float)sum * (p->d[b * PANEL_ROWS + r] * d[b]);
        if (p->m)
            for (size_t h = 2 * b; h < 2 * b + 2; h++)
                acc -= p->m[h * PANEL_ROWS + r] * xs[h];
    }
    return acc;
}

static void gemv_i8(const ds4_panel *p, size_t k, const ds4_q8row *x, float *y) {
    for (size_t r = 0; r < p->rows; r++)
        y[r] = dot_i8(p, r, k, x->q, x->d, x->xs);
}

static void gemv_q8_0(const uint8_t *w, size_t row_bytes, size_t rows, size_t k, const ds4_q8row *x, float *y,
                      ds4_ahead *ahead) {
    (void)ahead; /* arithmetic is the limit here */
    for (size_t r = 0; r < rows; r++, w += row_bytes) {
        float acc = 0.0f;
        for (size_t b = 0; b < k / 32; b++) {
            uint16_t h;
            memcpy(&h, w + b * 34, 2);
            acc += (float)dot_block((const int8_t *)w + b * 34 + 2, x->q + b * 32) * (ds4_f16_to_f32(h) * x->d[b]);
        }
        y[r] = acc;
    }
}

static void gemm_i8(const ds4_panel *p, size_t k, const ds4_q8tile *tiles, size_t toks, float *y, size_t ldy) {
    for (size_t t = 0; t < toks; t++)
        for (size_t r = 0; r < p->rows; r++)
            y[t * ldy + r] = dot_i8(p, r, k, (const int8_t *)tiles->q + t * k, tiles->d + t * (k / 32),
                                    tiles->xs + t * (k / 16));
}

const struct kernels *ds4_kernels_scalar(void) {
    static const struct kernels set = {
        .name = "scalar", .lanes = VL, .quantize = quantize, .pack = pack, .scales_q8_0 = scales_q8_0,
        .block_sums = block_sums, .gemv_i8 = gemv_i8, .gemv_q8_0 = gemv_q8_0, .gemm_i8 = gemm_i8, FLOAT_KERNELS
    };
    return &set;
}
