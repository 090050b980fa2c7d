/* quant.c - number formats of GGUF files: f16, and the blocks Q8_0, Q4_K, Q2_K
 * and IQ2_XXS.
 *
 * All integer types are brought to one form, int8 values in blocks of 32 with a
 * float scale and, for the K types, one minimum per 16 values (ds4_unpack_row).
 * That is exact: Q4_K has a scale per 32; Q2_K's 4-bit scale per 16 times its
 * 2-bit value fits int8 under the block's common scale; IQ2_XXS' magnitudes are
 * at most 43. Dequantisation is that form multiplied out.
 */
#include "quant.h"

#include "gguf.h"
#include "quant_iq2.h"

float ds4_f16_to_f32(uint16_t h) {
    uint32_t sign = (uint32_t)(h & 0x8000u) << 16, exp = (h >> 10) & 0x1fu, man = h & 0x3ffu;
    if (exp == 0x1f)
        return ds4_bits_f32(sign | 0x7f800000u | man << 13);
    if (exp != 0)
        return ds4_bits_f32(sign | (exp + 112) << 23 | man << 13);
    float f = (float)man * 0x1p-24f; /* zero and subnormals, exact */
    return sign ? -f : f;
}

uint16_t ds4_f32_to_f16(float f) {
    uint32_t u = ds4_f32_bits(f), a = u & 0x7fffffffu;
    uint16_t sign = (uint16_t)(u >> 16 & 0x8000u);
    if (a > 0x7f800000u)
        return sign | 0x7e00;
    if (a >= 0x477ff000u) /* rounds to 65536 or more */
        return sign | 0x7c00;
    if (a < 0x38800000u) { /* below 2^-14: let the float adder round to 2^-24 */
        float r = ds4_bits_f32(a) + 0.5f;
        return sign | (uint16_t)(ds4_f32_bits(r) - 0x3f000000u);
    }
    a += 0xfffu + (a >> 13 & 1u);
    return sign | (uint16_t)((a - 0x38000000u) >> 13);
}

size_t ds4_row_bytes(uint32_t type, size_t k) {
    return k / gguf_block_elems(type) * gguf_block_bytes(type);
}

bool ds4_type_is_int(uint32_t type) {
    return type == GGUF_Q8_0 || type == GGUF_Q4_K || type == GGUF_Q2_K || type == GGUF_IQ2_XXS;
}

bool ds4_type_has_min(uint32_t type) {
    return type == GGUF_Q4_K || type == GGUF_Q2_K;
}

static float load_f16(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, 2);
    return ds4_f16_to_f32(h);
}

static void unpack_q8_0(const uint8_t *p, size_t k, int8_t *q, float *d, size_t stride) {
    for (size_t b = 0; b < k / 32; b++, p += 34) {
        d[b * stride] = load_f16(p);
        memcpy(q + b * 32, p + 2, 32);
    }
}

/* Eight 6-bit scales and minima in 12 bytes: the first four whole, the upper
 * bits of the last four in the first eight bytes. */
static void q4_k_scale(const uint8_t *s, int j, float *scale, float *min) {
    if (j < 4) {
        *scale = s[j] & 63;
        *min = s[j + 4] & 63;
    } else {
        *scale = (s[j + 4] & 15) | (s[j - 4] >> 6) << 4;
        *min = s[j + 4] >> 4 | (s[j] >> 6) << 4;
    }
}

static void unpack_q4_k(const uint8_t *p, size_t k, int8_t *q, float *d, float *m, size_t stride) {
    for (size_t s = 0; s < k / 256; s++, p += 144) {
        float all = load_f16(p), min_all = load_f16(p + 2);
        for (int j = 0; j < 8; j++) {
            const uint8_t *nib = p + 16 + j / 2 * 32;
            float scale, min;
            q4_k_scale(p + 4, j, &scale, &min);
            for (int i = 0; i < 32; i++)
                *q++ = (int8_t)(j % 2 ? nib[i] >> 4 : nib[i] & 15);
            *d = all * scale;
            m[0] = m[stride] = min_all * min;
            d += stride;
            m += 2 * stride;
        }
    }
}

static void unpack_q2_k(const uint8_t *p, size_t k, int8_t *q, float *d, float *m, size_t stride) {
    for (size_t s = 0; s < k / 256; s++, p += 84) {
        float all = load_f16(p + 80), min_all = load_f16(p + 82);
        for (int h = 0; h < 16; h++) { /* 16 values each */
            const uint8_t *bits = p + 16 + h / 8 * 32 + h % 2 * 16;
            int shift = h % 8 / 2 * 2, scale = p[h] & 15;
            for (int i = 0; i < 16; i++)
                *q++ = (int8_t)((bits[i] >> shift & 3) * scale);
            *m = min_all * (float)(p[h] >> 4);
            m += stride;
            if (h % 2) {
                *d = all;
                d += stride;
            }
        }
    }
}

static void unpack_iq2_xxs(const uint8_t *p, size_t k, int8_t *q, float *d, size_t stride) {
    static const int8_t magnitude[4] = {8, 25, 43, 0};
    for (size_t s = 0; s < k / 256; s++, p += 66) {
        float all = load_f16(p);
        for (int b = 0; b < 8; b++) {
            const uint8_t *code = p + 2 + b * 8;
            uint32_t bits;
            memcpy(&bits, code + 4, 4);
            for (int g = 0; g < 4; g++) {
                uint32_t pattern = ds4_iq2xxs_grid[code[g]], signs = bits >> 7 * g & 127;
                signs |= (uint32_t)__builtin_parity(signs) << 7; /* an even number is negative */
                for (int i = 0; i < 8; i++) {
                    int8_t v = magnitude[pattern >> 2 * i & 3];
                    *q++ = signs >> i & 1 ? (int8_t)-v : v;
                }
            }
            *d = all * (0.5f + (float)(bits >> 28)) * 0.25f;
            d += stride;
        }
    }
}

void ds4_unpack_row(uint32_t type, const void *src, size_t k, int8_t *q, float *d, float *m, size_t stride) {
    switch (type) {
    case GGUF_Q8_0: unpack_q8_0(src, k, q, d, stride); break;
    case GGUF_Q4_K: unpack_q4_k(src, k, q, d, m, stride); break;
    case GGUF_Q2_K: unpack_q2_k(src, k, q, d, m, stride); break;
    default: unpack_iq2_xxs(src, k, q, d, stride); break;
    }
}

static void dequant_int(uint32_t type, const uint8_t *src, float *dst, size_t k) {
    size_t step = gguf_block_elems(type);
    int8_t q[256];
    float d[8], m[16] = {0};
    for (size_t i = 0; i < k; i += step, src += gguf_block_bytes(type)) {
        ds4_unpack_row(type, src, step, q, d, m, 1);
        for (size_t j = 0; j < step; j++)
            dst[i + j] = d[j / 32] * (float)q[j] - m[j / 16];
    }
}

void ds4_dequant_row(uint32_t type, const void *src, float *dst, size_t k) {
    const uint16_t *h = src;
    switch (type) {
    case GGUF_F32: memcpy(dst, src, k * sizeof *dst); break;
    case GGUF_F16:
        for (size_t i = 0; i < k; i++)
            dst[i] = ds4_f16_to_f32(h[i]);
        break;
    case GGUF_BF16:
        for (size_t i = 0; i < k; i++)
            dst[i] = ds4_bf16_to_f32(h[i]);
        break;
    default: dequant_int(type, src, dst, k); break;
    }
}
