/* gguf.h - reading GGUF v3 files without trusting them. Internal. */
#ifndef DS4_GGUF_H
#define DS4_GGUF_H

#include "ds4.h"

enum {
    GGUF_F32 = 0, GGUF_F16 = 1, GGUF_Q8_0 = 8, GGUF_Q2_K = 10, GGUF_Q4_K = 12,
    GGUF_IQ2_XXS = 16, GGUF_I32 = 26, GGUF_BF16 = 30
};

/* A tensor as it lies in the mapped file. ne[0] is the contiguous dimension
 * (a row); unused dimensions are 1. data is aligned to the file's alignment. */
typedef struct {
    const char *name;      /* NUL-terminated copy */
    uint32_t type;         /* GGUF_* */
    uint32_t n_dims;
    uint64_t ne[4];
    uint64_t nbytes;
    const void *data;
} gguf_tensor;

typedef struct gguf gguf;

/* Maps the file and checks every count, offset, size, alignment, duplicate name
 * and overlap before anything is used. */
ds4_status gguf_open(const char *path, gguf **out, ds4_error *err);
/* The same over bytes that the caller keeps for as long as the handle lives. They
 * should be aligned to the file's alignment, as a mapping is. */
ds4_status gguf_open_bytes(const void *bytes, uint64_t size, gguf **out, ds4_error *err);
void gguf_close(gguf *g);
uint64_t gguf_file_size(const gguf *g);

uint64_t gguf_n_tensors(const gguf *g);
const gguf_tensor *gguf_tensor_at(const gguf *g, uint64_t i);
const gguf_tensor *gguf_find(const gguf *g, const char *name); /* NULL: none */

/* Metadata. Integer getters accept any integer type that holds the value
 * without loss; float getters accept f32, f64 and integers. Return false if the
 * key is missing or of another kind (gguf_has tells which). */
bool gguf_has(const gguf *g, const char *key);
bool gguf_u64(const gguf *g, const char *key, uint64_t *out);
bool gguf_f32(const gguf *g, const char *key, float *out);
bool gguf_bool(const gguf *g, const char *key, bool *out);
bool gguf_str(const gguf *g, const char *key, const char **s, uint64_t *len); /* not NUL-terminated */
/* Arrays: number of elements, or -1 if missing or not an array. */
int64_t gguf_arr_len(const gguf *g, const char *key);
bool gguf_arr_i64(const gguf *g, const char *key, uint64_t i, int64_t *out);
bool gguf_arr_f32(const gguf *g, const char *key, uint64_t i, float *out);
/* The first n elements at once. */
bool gguf_arr_i64s(const gguf *g, const char *key, uint64_t n, int64_t *out);
/* Element i of a string array; O(1): offsets are indexed at open. */
bool gguf_arr_str(const gguf *g, const char *key, uint64_t i, const char **s, uint64_t *len);
/* All of a string array, for loops over many elements. */
typedef struct {
    const uint8_t *const *at; /* where each element's length field lies */
    uint64_t n;
} gguf_strings;
bool gguf_arr_strings(const gguf *g, const char *key, gguf_strings *out);
static inline const char *gguf_string_at(const gguf_strings *v, uint64_t i, uint64_t *len) {
    __builtin_memcpy(len, v->at[i], 8);
    return (const char *)v->at[i] + 8;
}
/* The value of a scalar key as text, as ds4_model_metadata() returns it. */
int64_t gguf_scalar_text(const gguf *g, const char *key, char *buf, size_t size);

/* Elements per block and bytes per block; 0 for a type this engine lacks. */
uint32_t gguf_block_elems(uint32_t type);
uint32_t gguf_block_bytes(uint32_t type);
const char *gguf_type_name(uint32_t type);

#endif
