/* gguf_impl.h - what the GGUF reader's files share; others use gguf.h. */
#ifndef DS4_GGUF_IMPL_H
#define DS4_GGUF_IMPL_H

#include "gguf.h"

enum {
    KV_U8 = 0,
    KV_I8 = 1,
    KV_U16 = 2,
    KV_I16 = 3,
    KV_U32 = 4,
    KV_I32 = 5,
    KV_F32 = 6,
    KV_BOOL = 7,
    KV_STR = 8,
    KV_ARR = 9,
    KV_U64 = 10,
    KV_I64 = 11,
    KV_F64 = 12,
    KV_TYPES = 13
};

/* One metadata pair. A scalar is an array of one element: value points at the
 * first element in the file (a string's bytes, without its length). */
typedef struct {
    const char *key; /* in the file, not NUL-terminated */
    uint64_t key_len;
    uint32_t type; /* of the elements */
    bool is_array;
    uint64_t n; /* elements; for a scalar string its length */
    const uint8_t *value;
    const uint8_t **strings; /* string arrays: where each element's length field lies */
} gguf_kv;

struct gguf {
    const uint8_t *bytes;
    uint64_t size;
    bool mapped; /* bytes come from mmap and are ours */
    uint64_t alignment;
    uint64_t n_kv, n_tensors;
    gguf_kv *kv;
    const gguf_kv **kv_by_key;
    gguf_tensor *tensors;
    const gguf_tensor **tensor_by_name;
    char *names; /* the tensors' NUL-terminated names */
};

/* A place in the file. Every read checks what is left first. */
typedef struct {
    const uint8_t *base, *p, *end;
} gguf_cursor;

bool gguf_take(gguf_cursor *c, void *out, uint64_t n);
bool gguf_take_str(gguf_cursor *c, const char **s, uint64_t *len);

ds4_status gguf_read_metadata(gguf *g, gguf_cursor *c, ds4_error *err);
ds4_status gguf_read_tensors(gguf *g, gguf_cursor *c, ds4_error *err);
const gguf_kv *gguf_lookup(const gguf *g, const char *key);

#endif
