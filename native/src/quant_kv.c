/* quant_kv.c - the rounding ds4-server applies to the rows it caches.
 *
 * Attention rows: e4m3 floats in blocks of 64 under a power-of-two scale.
 * Indexer rows and queries: a Walsh-Hadamard turn, then e2m1 floats in blocks of
 * 32. Both keep float32 storage here; what matters is that the values are those
 * the server computes with.
 */
#include <math.h>

#include "quant.h"

/* 2^ceil(log2(x)) for a positive normal x. */
static float pow2_ceil(float x) {
    uint32_t u = ds4_f32_bits(x), man = u & 0x7fffffu;
    u &= 0x7f800000u;
    return ds4_bits_f32(man ? u + 0x800000u : u);
}

/* To the e4m3 grid (3 bits of mantissa, smallest step 2^-9), ties to even. */
static float round_e4m3(float x) {
    float a = fminf(fabsf(x), 448.0f);
    int e;
    frexpf(a, &e);
    float step = ldexpf(1.0f, (e - 1 > -6 ? e - 1 : -6) - 3);
    return copysignf(rintf(a / step) * step, x);
}

void ds4_fp8_rows(float *x, size_t n) {
    for (size_t b = 0; b + 64 <= n; b += 64) {
        float amax = 1e-4f;
        for (size_t i = b; i < b + 64; i++)
            amax = fmaxf(amax, fabsf(x[i]));
        float scale = pow2_ceil(amax / 448.0f);
        for (size_t i = b; i < b + 64; i++)
            x[i] = round_e4m3(x[i] / scale) * scale;
    }
}

/* To {0, .5, 1, 1.5, 2, 3, 4, 6}, ties to the even code. */
static float round_e2m1(float x) {
    float a = fminf(fabsf(x), 6.0f);
    float step = a < 2.0f ? 0.5f : a < 4.0f ? 1.0f : 2.0f;
    return copysignf(rintf(a / step) * step, x);
}

static void hadamard(float *x, size_t n) {
    for (size_t s = 1; s < n; s *= 2)
        for (size_t i = 0; i < n; i += 2 * s)
            for (size_t j = i; j < i + s; j++) {
                float a = x[j], b = x[j + s];
                x[j] = a + b;
                x[j + s] = a - b;
            }
    float norm = 1.0f / sqrtf((float)n);
    for (size_t i = 0; i < n; i++)
        x[i] *= norm;
}

void ds4_hadamard_fp4(float *x, size_t n) {
    hadamard(x, n);
    for (size_t b = 0; b + 32 <= n; b += 32) {
        float amax = 7.052966104933725e-38f;
        for (size_t i = b; i < b + 32; i++)
            amax = fmaxf(amax, fabsf(x[i]));
        float scale = pow2_ceil(amax / 6.0f);
        for (size_t i = b; i < b + 32; i++)
            x[i] = round_e2m1(x[i] / scale) * scale;
    }
}

void ds4_round_f16(float *x, size_t n) {
    for (size_t i = 0; i < n; i++)
        x[i] = ds4_f16_to_f32(ds4_f32_to_f16(x[i]));
}
