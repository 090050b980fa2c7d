/* gguf_build.h - writing small GGUF files in memory, right or wrong on purpose. For tests. */
#ifndef DS4_GGUF_BUILD_H
#define DS4_GGUF_BUILD_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t *p;
    size_t n, cap;
} byte_buffer;

/* Where a count, length, type, dimension or offset lies in the finished file, for the fuzzer. */
typedef struct {
    size_t at;
    unsigned width, section;
} gguf_field;

enum { BUILD_META, BUILD_DIRECTORY, BUILD_DATA, BUILD_SECTIONS, BUILD_FIELDS = 8192 };

typedef struct {
    byte_buffer sections[BUILD_SECTIONS];
    uint64_t n_kv, n_tensors;
    uint32_t alignment;
    gguf_field fields[BUILD_FIELDS];
    size_t n_fields;
} gguf_builder;

void build_begin(gguf_builder *b);
void build_u32(gguf_builder *b, const char *key, uint32_t v);
void build_u64(gguf_builder *b, const char *key, uint64_t v);
void build_f32(gguf_builder *b, const char *key, float v);
void build_bool(gguf_builder *b, const char *key, uint8_t v);
void build_str(gguf_builder *b, const char *key, const char *s, size_t len);
void build_i32s(gguf_builder *b, const char *key, const int32_t *v, uint64_t n);
void build_f32s(gguf_builder *b, const char *key, const float *v, uint64_t n);
/* A string array is begun, then each element is added. */
void build_strs(gguf_builder *b, const char *key, uint64_t n);
void build_element(gguf_builder *b, const char *s, size_t len);
/* A pair whose value is any bytes after the value type. */
void build_raw(gguf_builder *b, const char *key, uint32_t type, const void *value, size_t size);

/* Adds a directory entry and its data at the next aligned offset. */
void build_tensor(gguf_builder *b, const char *name, uint32_t type, const uint64_t *ne, uint32_t n_dims,
                  const void *data, size_t size);
/* An entry alone, with any offset. */
void build_entry(gguf_builder *b, const char *name, uint32_t type, const uint64_t *ne, uint32_t n_dims,
                 uint64_t offset);

/* The file, aligned to a page and not a byte longer than size; free() it. The
 * builder is empty afterwards but for fields, which are places in the file. */
uint8_t *build_end(gguf_builder *b, size_t *size);

#endif
