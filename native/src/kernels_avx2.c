/* kernels_avx2.c - AVX2 with FMA and F16C.
 *
 * Signed bytes are multiplied as |w| * (x with w's sign), which vpmaddubsw can do
 * without overflow since activations keep to +-127. Eight weight rows are summed
 * to eight lanes for one token; in the batch eight tokens lie in the lanes.
 */
#include "kernels.h"

#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#include <immintrin.h>

#include "quant.h"

#define VL 8
typedef __m256 vf;
#define V_LOAD(p) _mm256_loadu_ps(p)
#define V_STORE(p, v) _mm256_storeu_ps(p, v)
#define V_LOADN(p, n) _mm256_maskload_ps(p, tail(n))
#define V_STOREN(p, v, n) _mm256_maskstore_ps(p, tail(n), v)
#define V_LOADH(p) _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(p)))
#define V_LOADHN(p, n) load_half(p, n)
#define V_SET1(x) _mm256_set1_ps(x)
#define V_ADD(a, b) _mm256_add_ps(a, b)
#define V_SUB(a, b) _mm256_sub_ps(a, b)
#define V_MUL(a, b) _mm256_mul_ps(a, b)
#define V_DIV(a, b) _mm256_div_ps(a, b)
#define V_MAX(a, b) _mm256_max_ps(a, b)
#define V_MIN(a, b) _mm256_min_ps(a, b)
#define V_FMA(a, b, c) _mm256_fmadd_ps(a, b, c)
#define V_SWAP(v) _mm256_permute_ps(v, 0xb1)
#define V_EXP2I(y, t)                                                                     \
    _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(y),                          \
                                         _mm256_slli_epi32(_mm256_castps_si256(t), 23)))
#define V_ZERO_BELOW(x, l, y) _mm256_and_ps(_mm256_cmp_ps(x, l, _CMP_GE_OQ), y)
#define V_SUM(v) sum_lanes(v)
#define V_SUM_TILE(acc, out) _mm256_storeu_ps(out, sum8(acc))
#define TILE_R 4
#define TILE_C 2
#define GEMV_R 8
#define WEIGH_Q 4
#define WEIGH_C 2

static inline __m256i tail(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_set_epi32(7, 6, 5, 4, 3, 2, 1, 0));
}

static inline __m256 load_half(const uint16_t *p, size_t n) {
    uint16_t h[8] = {0};
    for (size_t i = 0; i < n; i++)
        h[i] = p[i];
    return V_LOADH(h);
}

/* Lanes 4 apart, then 2, 1: the tree sum8 uses as well. */
static inline float sum_lanes(__m256 v) {
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

static inline __attribute__((always_inline)) __m256 fold2(__m256 a, __m256 b) {
    return _mm256_add_ps(_mm256_permute2f128_ps(a, b, 0x20), _mm256_permute2f128_ps(a, b, 0x31));
}

/* Lane i of the result is the sum of v[i]. */
static inline __attribute__((always_inline)) __m256 sum8(const __m256 *v) {
    __m256 a = fold2(v[0], v[4]), b = fold2(v[1], v[5]), c = fold2(v[2], v[6]), d = fold2(v[3], v[7]);
    __m256 ab = _mm256_add_ps(_mm256_shuffle_ps(a, b, 0x44), _mm256_shuffle_ps(a, b, 0xee));
    __m256 cd = _mm256_add_ps(_mm256_shuffle_ps(c, d, 0x44), _mm256_shuffle_ps(c, d, 0xee));
    return _mm256_add_ps(_mm256_shuffle_ps(ab, cd, 0x88), _mm256_shuffle_ps(ab, cd, 0xdd));
}

#include "kernels_float.h"

static void quantize(const float *x, size_t k, const ds4_q8row *out) {
    const __m256 sign = _mm256_set1_ps(-0.0f);
    for (size_t b = 0; b < k / 32; b++) {
        __m256 v[4], top = _mm256_setzero_ps();
        for (int i = 0; i < 4; i++) {
            v[i] = _mm256_loadu_ps(x + b * 32 + i * 8);
            top = _mm256_max_ps(top, _mm256_andnot_ps(sign, v[i]));
        }
        __m128 m = _mm_max_ps(_mm256_castps256_ps128(top), _mm256_extractf128_ps(top, 1));
        m = _mm_max_ps(m, _mm_movehl_ps(m, m));
        float amax = _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
        float d = amax / 127.0f, inv = d > 0.0f ? 1.0f / d : 0.0f;
        int32_t sum[2] = {0, 0};
        for (int i = 0; i < 4; i++) {
            __m256i q = _mm256_cvtps_epi32(_mm256_mul_ps(v[i], _mm256_set1_ps(inv)));
            int32_t lane[8];
            _mm256_storeu_si256((__m256i *)lane, q);
            for (int j = 0; j < 8; j++) {
                int8_t v8 = (int8_t)lane[j]; /* also where x is no number */
                out->q[b * 32 + i * 8 + j] = v8;
                sum[i / 2] += v8;
            }
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
            p->d[b * PANEL_ROWS + r] = _cvtsh_ss(h);
        }
}

/* Signed products need no correction. */
static void block_sums(ds4_panel *p, size_t k) {
    (void)p;
    (void)k;
}

/* Eight sums of four products each; w in place of either side. */
INLINE __m256i dot4(__m256i w, __m256i x) {
    __m256i p = _mm256_maddubs_epi16(_mm256_sign_epi8(w, w), _mm256_sign_epi8(x, w));
    return _mm256_madd_epi16(p, _mm256_set1_epi16(1));
}

/* Lane i: the sum of v[i]'s lanes. */
INLINE __m256i sum_rows(const __m256i *v) {
    __m256i a = _mm256_hadd_epi32(_mm256_hadd_epi32(v[0], v[1]), _mm256_hadd_epi32(v[2], v[3]));
    __m256i b = _mm256_hadd_epi32(_mm256_hadd_epi32(v[4], v[5]), _mm256_hadd_epi32(v[6], v[7]));
    return _mm256_add_epi32(_mm256_permute2x128_si256(a, b, 0x20), _mm256_permute2x128_si256(a, b, 0x31));
}

INLINE __m256i dot_blocks(const int8_t *const *row, size_t at, const int8_t *x) {
    __m256i xv = _mm256_loadu_si256((const __m256i *)x), v[8];
#pragma GCC unroll 8
    for (int i = 0; i < 8; i++)
        v[i] = dot4(_mm256_loadu_si256((const __m256i *)(row[i] + at)), xv);
    return sum_rows(v);
}

/* Rows r0 .. r0 + 7; those past the end repeat the last one. */
INLINE void eight_rows(const int8_t *q, size_t stride, size_t r0, size_t rows, const int8_t **row) {
    for (size_t i = 0; i < 8; i++)
        row[i] = q + (r0 + i < rows ? r0 + i : rows - 1) * stride;
}

INLINE void store_rows(float *y, __m256 v, size_t n) {
    if (n >= 8)
        _mm256_storeu_ps(y, v);
    else
        _mm256_maskstore_ps(y, tail(n), v);
}

static void gemv_i8(const ds4_panel *p, size_t k, const ds4_q8row *x, float *y) {
    for (size_t r = 0; r < p->rows; r += 8) {
        const int8_t *row[8];
        __m256 acc = _mm256_setzero_ps();
        eight_rows(p->q, p->row_stride, r, p->rows, row);
        for (size_t b = 0; b < k / 32; b++) {
            __m256 s = _mm256_mul_ps(V_LOAD(p->d + b * PANEL_ROWS + r), V_SET1(x->d[b]));
            acc = V_FMA(_mm256_cvtepi32_ps(dot_blocks(row, b * p->blk_stride, x->q + b * 32)), s, acc);
            for (size_t h = 2 * b; p->m && h < 2 * b + 2; h++)
                acc = _mm256_fnmadd_ps(V_LOAD(p->m + h * PANEL_ROWS + r), V_SET1(x->xs[h]), acc);
        }
        store_rows(y + r, acc, p->rows - r);
    }
}

static void gemv_q8_0(const uint8_t *w, size_t row_bytes, size_t rows, size_t k, const ds4_q8row *x, float *y,
                      ds4_ahead *ahead) {
    const char *streams[AHEAD_STREAMS];
    for (size_t r = 0; r < rows; r += 8) {
        const int8_t *row[8];
        __m256 acc = _mm256_setzero_ps();
        ds4_ahead_step(ahead, (rows - r < 8 ? rows - r : 8) * row_bytes, streams);
        eight_rows((const int8_t *)w + 2, row_bytes, r, rows, row);
        for (size_t b = 0; b < k / 32; b++) {
            uint16_t half[8];
            for (int i = 0; i < AHEAD_STREAMS; i++) { /* 8 * 34 / 4 bytes each */
                _mm_prefetch(streams[i] + b * 68, _MM_HINT_T0);
                _mm_prefetch(streams[i] + b * 68 + 64, _MM_HINT_T0);
            }
            for (int i = 0; i < 8; i++)
                memcpy(&half[i], row[i] + b * 34 - 2, 2);
            __m256 s = _mm256_mul_ps(V_LOADH(half), V_SET1(x->d[b]));
            acc = V_FMA(_mm256_cvtepi32_ps(dot_blocks(row, b * 34, x->q + b * 32)), s, acc);
        }
        store_rows(y + r, acc, rows - r);
    }
}

/* One row against 8 tokens. */
INLINE __m256 gemm_row(const ds4_panel *p, size_t r, size_t k, const uint8_t *q, const float *d, const float *xs) {
    __m256 acc = _mm256_setzero_ps();
    for (size_t b = 0; b < k / 32; b++) {
        const int8_t *w = p->q + r * p->row_stride + b * p->blk_stride;
        __m256i sum = _mm256_setzero_si256();
#pragma GCC unroll 8
        for (size_t j = 0; j < 8; j++) {
            int32_t word;
            memcpy(&word, w + 4 * j, 4);
            sum = _mm256_add_epi32(sum, dot4(_mm256_set1_epi32(word),
                                             _mm256_loadu_si256((const __m256i *)(q + (b * 8 + j) * 32))));
        }
        __m256 s = _mm256_mul_ps(V_SET1(p->d[b * PANEL_ROWS + r]), V_LOAD(d + b * 8));
        acc = V_FMA(_mm256_cvtepi32_ps(sum), s, acc);
        for (size_t h = 2 * b; p->m && h < 2 * b + 2; h++)
            acc = _mm256_fnmadd_ps(V_SET1(p->m[h * PANEL_ROWS + r]), V_LOAD(xs + h * 8), acc);
    }
    return acc;
}

static void gemm_i8(const ds4_panel *p, size_t k, const ds4_q8tile *tiles, size_t toks, float *y, size_t ldy) {
    for (size_t t = 0; t < toks; t += 8) {
        const uint8_t *q = tiles->q + t * k;
        const float *d = tiles->d + t * (k / 32), *xs = p->m ? tiles->xs + t * (k / 16) : NULL;
        for (size_t r = 0; r < p->rows; r++) {
            float out[8];
            _mm256_storeu_ps(out, gemm_row(p, r, k, q, d, xs));
            for (size_t i = 0; i < 8 && t + i < toks; i++)
                y[(t + i) * ldy + r] = out[i];
        }
    }
}

const struct kernels *ds4_kernels_avx2(void) {
    static const struct kernels set = {
        .name = "avx2", .lanes = VL, .quantize = quantize, .pack = pack, .scales_q8_0 = scales_q8_0,
        .block_sums = block_sums, .gemv_i8 = gemv_i8, .gemv_q8_0 = gemv_q8_0, .gemm_i8 = gemm_i8,
        FLOAT_KERNELS
    };
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("f16c"))
        return NULL;
    return &set;
}

#else
const struct kernels *ds4_kernels_avx2(void) {
    return NULL;
}
#endif
