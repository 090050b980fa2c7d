/* kernels_avx512.h - the AVX-512 set (F, BW, DQ, VL), included once with VNNI and
 * once without (AVX512_VNNI), which give the same integers.
 *
 * Integer dots multiply unsigned by signed bytes. For one token the weights are
 * made unsigned (w + 128) and 128 * sum(x) is taken off again; in the batch the
 * activations are (they were shifted when packed) and 128 * sum(w), known per
 * block of weights, is taken off: then a weight is just a broadcast from the file
 * and 16 tokens lie in the lanes. Both give the exact integer, hence the same
 * float after it.
 */
#include <immintrin.h>

#define VL 16
typedef __m512 vf;
#define TAIL(n) ((__mmask16)((1u << (n)) - 1))
#define V_LOAD(p) _mm512_loadu_ps(p)
#define V_STORE(p, v) _mm512_storeu_ps(p, v)
#define V_LOADN(p, n) _mm512_maskz_loadu_ps(TAIL(n), p)
#define V_STOREN(p, v, n) _mm512_mask_storeu_ps(p, TAIL(n), v)
#define V_LOADH(p) _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(p)))
#define V_LOADHN(p, n) _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(TAIL(n), p))
#define V_SET1(x) _mm512_set1_ps(x)
#define V_ADD(a, b) _mm512_add_ps(a, b)
#define V_SUB(a, b) _mm512_sub_ps(a, b)
#define V_MUL(a, b) _mm512_mul_ps(a, b)
#define V_DIV(a, b) _mm512_div_ps(a, b)
#define V_MAX(a, b) _mm512_max_ps(a, b)
#define V_MIN(a, b) _mm512_min_ps(a, b)
#define V_FMA(a, b, c) _mm512_fmadd_ps(a, b, c)
#define V_SWAP(v) _mm512_permute_ps(v, 0xb1)
#define V_EXP2I(y, t)                                                                     \
    _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(y),                          \
                                         _mm512_slli_epi32(_mm512_castps_si512(t), 23)))
#define V_ZERO_BELOW(x, l, y) _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, l, _CMP_GE_OQ), y)
#define V_SUM(v) sum_lanes(v)
#define V_SUM_TILE(acc, out) _mm512_storeu_ps(out, sum16(acc))
#define TILE_R 4
#define TILE_C 4
#define GEMV_R 16
#define WEIGH_Q 4
#define WEIGH_C 4

/* Lanes 8 apart, then 4, 2, 1: the tree sum16 uses as well. */
static inline float sum_lanes(__m512 v) {
    __m256 h = _mm256_add_ps(_mm512_castps512_ps256(v), _mm512_extractf32x8_ps(v, 1));
    __m128 q = _mm_add_ps(_mm256_castps256_ps128(h), _mm256_extractf128_ps(h, 1));
    q = _mm_add_ps(q, _mm_movehl_ps(q, q));
    return _mm_cvtss_f32(_mm_add_ss(q, _mm_movehdup_ps(q)));
}

static inline __attribute__((always_inline)) __m512 fold4(__m512 a, __m512 b, __m512 c, __m512 d) {
    __m512 ab = _mm512_add_ps(_mm512_shuffle_f32x4(a, b, 0x44), _mm512_shuffle_f32x4(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_f32x4(c, d, 0x44), _mm512_shuffle_f32x4(c, d, 0xee));
    return _mm512_add_ps(_mm512_shuffle_f32x4(ab, cd, 0x88), _mm512_shuffle_f32x4(ab, cd, 0xdd));
}

/* Lane i of the result is the sum of v[i]. fold4 leaves its four vectors' sums
 * in the four quarters, so each call takes every fourth vector. */
static inline __attribute__((always_inline)) __m512 sum16(const __m512 *v) {
    __m512 a = fold4(v[0], v[4], v[8], v[12]), b = fold4(v[1], v[5], v[9], v[13]);
    __m512 c = fold4(v[2], v[6], v[10], v[14]), d = fold4(v[3], v[7], v[11], v[15]);
    /* pairs of lanes 2 apart, then 1 apart */
    __m512 ab = _mm512_add_ps(_mm512_shuffle_ps(a, b, 0x44), _mm512_shuffle_ps(a, b, 0xee));
    __m512 cd = _mm512_add_ps(_mm512_shuffle_ps(c, d, 0x44), _mm512_shuffle_ps(c, d, 0xee));
    return _mm512_add_ps(_mm512_shuffle_ps(ab, cd, 0x88), _mm512_shuffle_ps(ab, cd, 0xdd));
}

/* acc lane i plus the products of bytes 4i .. 4i + 3, a unsigned. */
static inline __attribute__((always_inline)) __m512i dot4(__m512i acc, __m512i a, __m512i b) {
#ifdef AVX512_VNNI
    return _mm512_dpbusd_epi32(acc, a, b);
#else
    /* a = 128 * its top bit + the rest; neither product leaves 16 bits. */
    __m512i rest = _mm512_maddubs_epi16(_mm512_and_si512(a, _mm512_set1_epi8(127)), b);
    __m512i top = _mm512_maddubs_epi16(_mm512_set1_epi8(1), _mm512_maskz_mov_epi8(_mm512_movepi8_mask(a), b));
    acc = _mm512_add_epi32(acc, _mm512_madd_epi16(rest, _mm512_set1_epi16(1)));
    return _mm512_add_epi32(acc, _mm512_madd_epi16(top, _mm512_set1_epi16(128)));
#endif
}

#include "kernels_float.h"
#include "kernels_avx512_int.h"

#define AVX512_KERNELS                                                                        \
    .lanes = VL, .quantize = quantize, .pack = pack, .scales_q8_0 = scales_q8_0,              \
    .block_sums = block_sums, .gemv_i8 = gemv_i8, .gemv_q8_0 = gemv_q8_0, .gemm_i8 = gemm_i8, FLOAT_KERNELS

static inline int avx512_supported(void) {
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
