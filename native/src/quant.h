/* quant.h - the block formats of GGUF weights and conversions between number
 * formats, in portable C. Internal. */
#ifndef DS4_QUANT_H
#define DS4_QUANT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline float ds4_bits_f32(uint32_t u) {
    float f;
    memcpy(&f, &u, 4);
    return f;
}

static inline uint32_t ds4_f32_bits(float f) {
    uint32_t u;
    memcpy(&u, &f, 4);
    return u;
}

float ds4_f16_to_f32(uint16_t h);
uint16_t ds4_f32_to_f16(float f); /* nearest, ties to even */

static inline float ds4_bf16_to_f32(uint16_t h) {
    return ds4_bits_f32((uint32_t)h << 16);
}

size_t ds4_row_bytes(uint32_t type, size_t k);
/* Whether rows of this type are multiplied with int8 activations. */
bool ds4_type_is_int(uint32_t type);
/* Whether the type has an offset (a minimum) beside its scale. */
bool ds4_type_has_min(uint32_t type);

/* One row as floats. k is a multiple of the type's block. */
void ds4_dequant_row(uint32_t type, const void *src, float *dst, size_t k);

/* One row of an integer type as int8 blocks of 32: value = d[b] * q - m[h], b
 * counting 32 and h 16 values; d and m are written `stride` apart. m may be
 * NULL for types without a minimum. */
void ds4_unpack_row(uint32_t type, const void *src, size_t k, int8_t *q, float *d, float *m, size_t stride);

/* quant_kv.c: the rounding ds4-server applies to cached rows. */
void ds4_fp8_rows(float *x, size_t n);            /* e4m3 in blocks of 64 */
void ds4_hadamard_fp4(float *x, size_t n);        /* n a power of two, >= 32 */
void ds4_round_f16(float *x, size_t n);

#endif
