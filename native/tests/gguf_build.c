#include "gguf_build.h"

#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "gguf_impl.h"

static void put(gguf_builder *b, unsigned section, const void *bytes, size_t n) {
    byte_buffer *s = &b->sections[section];
    if (s->n + n > s->cap) {
        s->cap = 2 * (s->n + n);
        s->p = realloc(s->p, s->cap);
        CHECK(s->p, "out of memory");
    }
    if (n) memcpy(s->p + s->n, bytes, n);
    s->n += n;
}

static void put_field(gguf_builder *b, unsigned section, const void *bytes, unsigned width) {
    CHECK(b->n_fields < BUILD_FIELDS, "too many fields");
    b->fields[b->n_fields++] = (gguf_field){b->sections[section].n, width, section};
    put(b, section, bytes, width);
}

static void put_text(gguf_builder *b, unsigned section, const char *s, uint64_t len) {
    put_field(b, section, &len, 8);
    put(b, section, s, len);
}

static void begin_pair(gguf_builder *b, const char *key, uint32_t type) {
    put_text(b, BUILD_META, key, strlen(key));
    put_field(b, BUILD_META, &type, 4);
    b->n_kv++;
}

static void begin_array(gguf_builder *b, const char *key, uint32_t type, uint64_t n) {
    begin_pair(b, key, KV_ARR);
    put_field(b, BUILD_META, &type, 4);
    put_field(b, BUILD_META, &n, 8);
}

void build_begin(gguf_builder *b) {
    memset(b, 0, sizeof *b);
    b->alignment = 32;
}

void build_u32(gguf_builder *b, const char *key, uint32_t v) {
    begin_pair(b, key, KV_U32);
    put_field(b, BUILD_META, &v, 4);
}

void build_u64(gguf_builder *b, const char *key, uint64_t v) {
    begin_pair(b, key, KV_U64);
    put_field(b, BUILD_META, &v, 8);
}

void build_f32(gguf_builder *b, const char *key, float v) {
    begin_pair(b, key, KV_F32);
    put_field(b, BUILD_META, &v, 4);
}

void build_bool(gguf_builder *b, const char *key, uint8_t v) {
    begin_pair(b, key, KV_BOOL);
    put_field(b, BUILD_META, &v, 1);
}

void build_str(gguf_builder *b, const char *key, const char *s, size_t len) {
    begin_pair(b, key, KV_STR);
    put_text(b, BUILD_META, s, len);
}

void build_i32s(gguf_builder *b, const char *key, const int32_t *v, uint64_t n) {
    begin_array(b, key, KV_I32, n);
    put(b, BUILD_META, v, n * 4);
}

void build_f32s(gguf_builder *b, const char *key, const float *v, uint64_t n) {
    begin_array(b, key, KV_F32, n);
    put(b, BUILD_META, v, n * 4);
}

void build_strs(gguf_builder *b, const char *key, uint64_t n) { begin_array(b, key, KV_STR, n); }
void build_element(gguf_builder *b, const char *s, size_t len) { put_text(b, BUILD_META, s, len); }

void build_raw(gguf_builder *b, const char *key, uint32_t type, const void *value, size_t size) {
    begin_pair(b, key, type);
    put(b, BUILD_META, value, size);
}

void build_entry(gguf_builder *b, const char *name, uint32_t type, const uint64_t *ne, uint32_t n_dims,
                 uint64_t offset) {
    put_text(b, BUILD_DIRECTORY, name, strlen(name));
    put_field(b, BUILD_DIRECTORY, &n_dims, 4);
    for (uint32_t d = 0; d < n_dims; d++) put_field(b, BUILD_DIRECTORY, &ne[d], 8);
    put_field(b, BUILD_DIRECTORY, &type, 4);
    put_field(b, BUILD_DIRECTORY, &offset, 8);
    b->n_tensors++;
}

static void pad(gguf_builder *b, byte_buffer *s, unsigned section) {
    static const uint8_t zero;
    while (s->n % b->alignment) put(b, section, &zero, 1);
}

void build_tensor(gguf_builder *b, const char *name, uint32_t type, const uint64_t *ne, uint32_t n_dims,
                  const void *data, size_t size) {
    pad(b, &b->sections[BUILD_DATA], BUILD_DATA);
    build_entry(b, name, type, ne, n_dims, b->sections[BUILD_DATA].n);
    put(b, BUILD_DATA, data, size);
}

uint8_t *build_end(gguf_builder *b, size_t *size) {
    enum { HEADER = 24 };
    const byte_buffer *s = b->sections;
    size_t start[BUILD_SECTIONS] = {HEADER, HEADER + s[BUILD_META].n};
    start[BUILD_DATA] =
        (start[BUILD_DIRECTORY] + s[BUILD_DIRECTORY].n + b->alignment - 1) / b->alignment * b->alignment;
    *size =
        s[BUILD_DATA].n ? start[BUILD_DATA] + s[BUILD_DATA].n : start[BUILD_DIRECTORY] + s[BUILD_DIRECTORY].n;
    uint8_t *file = NULL;
    CHECK(posix_memalign((void **)&file, 4096, *size) == 0, "out of memory");
    memset(file, 0, *size);
    memcpy(file, "GGUF\3\0\0\0", 8);
    memcpy(file + 8, &b->n_tensors, 8);
    memcpy(file + 16, &b->n_kv, 8);
    for (int i = 0; i < BUILD_SECTIONS; i++) {
        if (s[i].n) memcpy(file + start[i], s[i].p, s[i].n);
        free(s[i].p);
    }
    for (size_t i = 0; i < b->n_fields; i++) b->fields[i].at += start[b->fields[i].section];
    memset(b->sections, 0, sizeof b->sections);
    return file;
}
