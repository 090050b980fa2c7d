/* Files that contradict themselves are refused with a sentence that names the
 * place; files that do not are read back as written. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "gguf.h"
#include "gguf_build.h"
#include "gguf_impl.h"

static ds4_error err;
static gguf_builder b;

static gguf *open_built(uint8_t **file) {
    size_t size;
    gguf *g = NULL;
    *file = build_end(&b, &size);
    CHECK(gguf_open_bytes(*file, size, &g, &err) == DS4_OK, "%s", err.message);
    return g;
}

static void expect(const char *what, uint8_t *file, size_t size, ds4_status status, const char *part) {
    gguf *g = NULL;
    ds4_status st = gguf_open_bytes(file, size, &g, &err);
    CHECK(st == status, "%s: status %s, %s", what, ds4_status_name(st), st ? err.message : "accepted");
    CHECK(strstr(err.message, part), "%s: \"%s\" lacks \"%s\"", what, err.message, part);
    CHECK(g == NULL, "%s", what);
    free(file);
}

static void expect_refused(const char *what, ds4_status status, const char *part) {
    size_t size;
    uint8_t *file = build_end(&b, &size);
    expect(what, file, size, status, part);
}

static void one_tensor(uint32_t type, uint64_t ne0, uint32_t n_dims, uint64_t offset) {
    uint64_t ne[8] = {ne0, 1, 1, 1, 1, 1, 1, 1};
    build_begin(&b);
    build_tensor(&b, "first", GGUF_F32, (uint64_t[]){8}, 1, (float[8]){0}, 32);
    build_entry(&b, "second", type, ne, n_dims, offset);
}

static void test_headers(void) {
    for (size_t size = 0; size < 24; size++) {
        uint8_t *file = calloc(1, size + 1);
        memcpy(file, "GGUF", size < 4 ? size : 4);
        expect("short header", file, size, DS4_ERR_FORMAT, "a header alone needs 24");
    }
    build_begin(&b);
    size_t size;
    uint8_t *file = build_end(&b, &size);
    file[0] = 'g';
    expect("magic", file, size, DS4_ERR_FORMAT, "starts with \"gGUF\"");
    file = build_end(&b, &size);
    file[4] = 2;
    expect("version", file, size, DS4_ERR_UNSUPPORTED, "version is 2, expected 3");
    file = build_end(&b, &size);
    memset(file + 8, 0xff, 8);
    expect("tensor count", file, size, DS4_ERR_FORMAT, "18446744073709551615 tensors");
    file = build_end(&b, &size);
    file[16] = 1;
    expect("pair count", file, size, DS4_ERR_FORMAT,
           "1 metadata pairs at byte 16, but the file has room for at most 0");
}

static void test_metadata(void) {
    static const uint8_t nested[] = {9, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t endless[] = {5, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0};
    static const uint8_t strings[] = {8, 0, 0, 0, 2, 0,   0,    0,    0,    0,    0,    0,    1,    0,   0,
                                      0, 0, 0, 0, 0, 'x', 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f};
    build_begin(&b);
    build_raw(&b, "k", KV_ARR, nested, sizeof nested);
    expect_refused("nested array", DS4_ERR_FORMAT, "no nested arrays");
    build_begin(&b);
    build_raw(&b, "k", KV_ARR, endless, sizeof endless);
    expect_refused("huge array", DS4_ERR_FORMAT, "the value of \"k\" at byte");
    build_begin(&b);
    build_raw(&b, "k", KV_ARR, strings, sizeof strings);
    expect_refused("overlong string", DS4_ERR_FORMAT, "element 1 of \"k\"");
    build_begin(&b);
    build_raw(&b, "k", 13, "\0\0\0\0", 4);
    expect_refused("value type", DS4_ERR_FORMAT, "value type 13, expected 0 to 12");
    build_begin(&b);
    build_raw(&b, "k", KV_STR, "\xff\0\0\0\0\0\0\0", 8);
    expect_refused("string past the end", DS4_ERR_FORMAT, "the value of \"k\"");
    build_begin(&b);
    build_bool(&b, "flag", 2);
    expect_refused("bool", DS4_ERR_FORMAT, "bool \"flag\"");
    build_begin(&b);
    build_u32(&b, "a", 1);
    build_u32(&b, "b", 1);
    build_u32(&b, "a", 2);
    expect_refused("duplicate key", DS4_ERR_FORMAT, "key \"a\" occurs twice");
    build_begin(&b);
    build_u32(&b, "", 1);
    expect_refused("empty key", DS4_ERR_FORMAT, "key 0 at byte 24 has 0 bytes");
    build_begin(&b);
    build_bool(&b, "esc\033[2J\"", 7);
    expect_refused("quoting", DS4_ERR_FORMAT, "bool \"esc\\x1b[2J\\x22\"");
}

static void test_alignment(void) {
    static const uint32_t wrong[] = {0, 1, 4, 24, 33, 1u << 25};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        build_begin(&b);
        build_u32(&b, "general.alignment", wrong[i]);
        expect_refused("alignment", DS4_ERR_FORMAT, "expected a power of two from 8 to");
    }
    build_begin(&b);
    build_str(&b, "general.alignment", "32", 2);
    expect_refused("alignment type", DS4_ERR_FORMAT, "general.alignment is not an integer");
    build_begin(&b);
    b.alignment = 4096;
    build_u64(&b, "general.alignment", 4096);
    build_tensor(&b, "t", GGUF_F32, (uint64_t[]){4}, 1, (float[]){1, 2, 3, 4}, 16);
    uint8_t *file;
    gguf *g = open_built(&file);
    CHECK(((const float *)gguf_find(g, "t")->data)[3] == 4, "wide alignment");
    gguf_close(g);
    free(file);
}

static void test_tensors(void) {
    one_tensor(GGUF_F32, 8, 1, 16);
    expect_refused("offset", DS4_ERR_FORMAT,
                   "\"second\": the offset is 16, expected a multiple of the alignment 32");
    one_tensor(GGUF_F32, 8, 1, 1 << 20);
    expect_refused("far offset", DS4_ERR_FORMAT, "\"second\": the offset is 1048576, but the file ends at");
    one_tensor(GGUF_F32, 8, 1, ~31ull);
    expect_refused("wrapping offset", DS4_ERR_FORMAT, "\"second\": the offset");
    one_tensor(GGUF_F32, 8, 1, 32);
    expect_refused("past the end", DS4_ERR_FORMAT, "but the file ends at");
    one_tensor(GGUF_F32, 8, 1, 0);
    expect_refused("overlap", DS4_ERR_FORMAT, "\"first\" and \"second\" overlap");
    one_tensor(GGUF_F32, 0, 1, 0);
    expect_refused("empty dimension", DS4_ERR_FORMAT, "a dimension is 0, expected at least 1");
    one_tensor(GGUF_F32, 8, 0, 0);
    expect_refused("no dimensions", DS4_ERR_FORMAT, "number of dimensions is 0, expected 1 to 4");
    one_tensor(GGUF_F32, 8, 5, 0);
    expect_refused("five dimensions", DS4_ERR_FORMAT, "number of dimensions is 5, expected 1 to 4");
    one_tensor(GGUF_Q8_0, 33, 1, 0);
    expect_refused("odd row", DS4_ERR_FORMAT, "33 elements, expected a multiple of 32 for Q8_0");
    one_tensor(GGUF_Q4_K, 128, 1, 0);
    expect_refused("odd k-quant row", DS4_ERR_FORMAT, "128 elements, expected a multiple of 256 for Q4_K");
    build_begin(&b);
    build_entry(&b, "wide", GGUF_F32, (uint64_t[]){1ull << 40, 1ull << 40}, 2, 0);
    expect_refused("overflow", DS4_ERR_FORMAT, "takes more bytes than the file's");
    build_begin(&b);
    build_tensor(&b, "t", GGUF_F32, (uint64_t[]){8}, 1, (float[8]){0}, 32);
    build_tensor(&b, "t", GGUF_F32, (uint64_t[]){8}, 1, (float[8]){0}, 32);
    expect_refused("duplicate tensor", DS4_ERR_FORMAT, "have the same name");
}

static void test_truncation(void) {
    build_begin(&b);
    build_str(&b, "general.architecture", "deepseek4", 9);
    build_strs(&b, "list", 3);
    for (int i = 0; i < 3; i++) build_element(&b, "element", 7);
    build_tensor(&b, "t", GGUF_F32, (uint64_t[]){8}, 1, (float[8]){0}, 32);
    size_t size;
    uint8_t *file = build_end(&b, &size);
    for (size_t n = 0; n < size; n++) { /* a copy of its own, so that the sanitizer sees one byte too many */
        uint8_t *cut = NULL;
        gguf *g = NULL;
        CHECK(posix_memalign((void **)&cut, 4096, n ? n : 1) == 0, "memory");
        memcpy(cut, file, n);
        CHECK(gguf_open_bytes(cut, n, &g, &err) != DS4_OK, "%zu of %zu bytes were accepted", n, size);
        free(cut);
    }
    free(file);
}

static void test_getters(void) {
    int32_t ints[] = {-1, 7};
    float floats[] = {0.5f, 2};
    uint64_t u;
    int64_t i;
    float f;
    bool flag;
    const char *s;
    uint64_t len;
    char text[8];
    uint8_t *file;
    build_begin(&b);
    build_u32(&b, "u32", 4000000000u);
    build_u64(&b, "u64", UINT64_MAX);
    build_raw(&b, "i8", KV_I8, "\xff", 1);
    build_raw(&b, "i64", KV_I64, "\0\0\0\0\0\0\0\x80", 8);
    build_f32(&b, "f32", 0.25f);
    build_raw(&b, "f64", KV_F64, &(double){1.5}, 8);
    build_bool(&b, "bool", 1);
    build_str(&b, "str", "long enough", 11);
    build_i32s(&b, "ints", ints, 2);
    build_f32s(&b, "floats", floats, 2);
    build_strs(&b, "strs", 2);
    build_element(&b, "", 0);
    build_element(&b, "two", 3);
    gguf *g = open_built(&file);
    CHECK(gguf_u64(g, "u32", &u) && u == 4000000000u, "u32");
    CHECK(gguf_u64(g, "u64", &u) && u == UINT64_MAX, "u64");
    CHECK(!gguf_u64(g, "i8", &u) && !gguf_u64(g, "f32", &u) && !gguf_u64(g, "bool", &u) &&
              !gguf_u64(g, "none", &u),
          "not unsigned");
    CHECK(gguf_f32(g, "f32", &f) && f == 0.25f && gguf_f32(g, "f64", &f) && f == 1.5f, "floats");
    CHECK(gguf_f32(g, "i8", &f) && f == -1 && !gguf_f32(g, "str", &f) && !gguf_f32(g, "bool", &f),
          "numbers as floats");
    CHECK(gguf_bool(g, "bool", &flag) && flag && !gguf_bool(g, "u32", &flag), "bool");
    CHECK(gguf_str(g, "str", &s, &len) && len == 11 && memcmp(s, "long enough", 11) == 0 &&
              !gguf_str(g, "strs", &s, &len),
          "str");
    CHECK(gguf_arr_len(g, "ints") == 2 && gguf_arr_len(g, "str") == -1 && gguf_arr_len(g, "none") == -1,
          "lengths");
    CHECK(gguf_arr_i64(g, "ints", 0, &i) && i == -1 && !gguf_arr_i64(g, "ints", 2, &i) &&
              !gguf_arr_i64(g, "floats", 0, &i),
          "ints");
    CHECK(gguf_arr_f32(g, "floats", 1, &f) && f == 2 && gguf_arr_f32(g, "ints", 1, &f) && f == 7 &&
              !gguf_arr_f32(g, "strs", 0, &f),
          "float array");
    CHECK(gguf_arr_str(g, "strs", 0, &s, &len) && len == 0 && gguf_arr_str(g, "strs", 1, &s, &len) &&
              len == 3,
          "string array");
    CHECK(!gguf_arr_str(g, "strs", 2, &s, &len) && !gguf_arr_str(g, "ints", 0, &s, &len), "no string");
    CHECK(gguf_scalar_text(g, "str", text, sizeof text) == 11 && strcmp(text, "long en") == 0,
          "text is cut: %s", text);
    CHECK(gguf_scalar_text(g, "i64", NULL, 0) == 20 && gguf_scalar_text(g, "bool", text, sizeof text) == 4,
          "text of scalars");
    CHECK(gguf_scalar_text(g, "f32", text, sizeof text) == 4 && strcmp(text, "0.25") == 0,
          "text of a float: %s", text);
    CHECK(gguf_scalar_text(g, "ints", text, sizeof text) == -1 &&
              gguf_scalar_text(g, "none", text, sizeof text) == -1,
          "no text");
    gguf_close(g);
    free(file);
}

static void test_paths(void) {
    char folder[] = "/tmp/ds4-gguf-XXXXXX", path[64];
    gguf *g;
    CHECK(mkdtemp(folder), "no temporary folder");
    snprintf(path, sizeof path, "%s/f", folder);
    CHECK(gguf_open(path, &g, &err) == DS4_ERR_IO && strstr(err.message, path), "%s", err.message);
    CHECK(gguf_open(folder, &g, &err) == DS4_ERR_IO && strstr(err.message, "not a regular file"), "%s",
          err.message);
    CHECK(mkfifo(path, 0600) == 0, "no fifo");
    CHECK(gguf_open(path, &g, &err) == DS4_ERR_IO && strstr(err.message, "not a regular file"), "%s",
          err.message);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    CHECK(gguf_open(path, &g, &err) == DS4_ERR_FORMAT && strstr(err.message, "is empty"), "%s", err.message);
    unlink(path);
    rmdir(folder);
}

int main(void) {
    test_headers();
    test_metadata();
    test_alignment();
    test_tensors();
    test_truncation();
    test_getters();
    test_paths();
    return 0;
}
