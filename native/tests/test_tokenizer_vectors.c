/* Ids against llama.cpp's: test_tokenizer_vectors [VOCAB.gguf IDS.bin]
 * The files and their format come from make_tokenizer_vectors.py. */
#include <string.h>

#include "check.h"
#include "gguf.h"
#include "model.h"
#include "tokenizer.h"

typedef struct {
    const uint8_t *p, *end;
} reader;

static uint32_t take_u32(reader *r) {
    uint32_t v;
    CHECK(r->end - r->p >= 4, "the vectors end early");
    memcpy(&v, r->p, 4);
    r->p += 4;
    return v;
}

static const uint8_t *take(reader *r, size_t n) {
    CHECK((size_t)(r->end - r->p) >= n, "the vectors end early");
    r->p += n;
    return r->p - n;
}

static uint8_t *read_file(const char *path, size_t *size) {
    FILE *f = fopen(path, "rb");
    CHECK(f, "cannot open %s", path);
    fseek(f, 0, SEEK_END);
    *size = (size_t)ftell(f);
    rewind(f);
    uint8_t *bytes = malloc(*size + 1);
    CHECK(bytes && fread(bytes, 1, *size, f) == *size, "cannot read %s", path);
    fclose(f);
    return bytes;
}

static void show(const char *title, const int32_t *ids, size_t n) {
    fprintf(stderr, "%s:", title);
    for (size_t i = 0; i < n; i++) fprintf(stderr, " %d", ids[i]);
    fputc('\n', stderr);
}

static void compare(const struct tokenizer *t, reader *r, uint32_t number) {
    bool rendered = take_u32(r) != 0;
    uint32_t len = take_u32(r);
    const char *text = (const char *)take(r, len);
    uint32_t n = take_u32(r);
    const uint8_t *packed = take(r, (size_t)n * 2);
    int32_t *expected = malloc((n + 1) * sizeof *expected),
            *found = malloc((3 * (size_t)len + 1) * sizeof *found);
    for (uint32_t i = 0; i < n; i++) expected[i] = packed[2 * i] | packed[2 * i + 1] << 8;
    size_t n_found = 0;
    ds4_error err;
    CHECK(ds4_tokenizer_encode(t, text, len, rendered, found, 3 * (size_t)len, &n_found, &err) == DS4_OK,
          "%s", err.message);
    if (n_found != n || memcmp(found, expected, n * sizeof *found) != 0) {
        fprintf(stderr, "text %u, rendered %d: %.*s\n", number, rendered, (int)len, text);
        show("expected", expected, n);
        show("found", found, n_found);
        exit(1);
    }
    free(expected);
    free(found);
}

int main(int argc, char **argv) {
    ds4_error err;
    gguf *g;
    struct tokenizer *t;
    size_t size;
    const char *vocab = argc > 1 ? argv[1] : vector_path("tokenizer/vocab.gguf");
    CHECK(gguf_open(vocab, &g, &err) == DS4_OK, "%s", err.message);
    uint32_t n_vocab = (uint32_t)gguf_arr_len(g, "tokenizer.ggml.tokens");
    CHECK(ds4_tokenizer_new(g, n_vocab, &t, &err) == DS4_OK, "%s", err.message);
    uint8_t *bytes = read_file(argc > 2 ? argv[2] : vector_path("tokenizer/ids.bin"), &size);
    reader r = {bytes, bytes + size};
    uint32_t count = take_u32(&r);
    for (uint32_t i = 0; i < count; i++) compare(t, &r, i);
    CHECK(r.p == r.end, "%td bytes are left over", r.end - r.p);
    printf("%u texts have the ids that llama.cpp gives\n", count);
    free(bytes);
    ds4_tokenizer_free(t);
    gguf_close(g);
    return 0;
}
