/* A model through the public interface: what it says of itself, its tokenizer,
 * and that a failure on the way leaves nothing behind. */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "ds4.h"
#include "tiny_model.h"

static ds4_error err;
static char path[] = "/tmp/ds4-open-XXXXXX";

static size_t write_model(const tiny_change *change) {
    static gguf_builder b;
    size_t size;
    tiny_model(&b, change);
    uint8_t *file = build_end(&b, &size);
    FILE *f = fopen(path, "wb");
    CHECK(f && fwrite(file, 1, size, f) == size && fclose(f) == 0, "cannot write %s", path);
    free(file);
    return size;
}

static ds4_model *open_model(const ds4_model_params *params) {
    ds4_model *m = NULL;
    CHECK(ds4_model_open(path, params, &m, &err) == DS4_OK, "%s", err.message);
    return m;
}

static void test_info(void) {
    ds4_model_info info;
    size_t size = write_model(NULL);
    ds4_model *m = open_model(&(ds4_model_params){.threads = 2, .kernels = "scalar"});
    ds4_model_get_info(m, &info);
    CHECK(strcmp(info.name, "tiny") == 0 && strcmp(info.kernels, "scalar") == 0, "%s, %s", info.name,
          info.kernels);
    CHECK(info.n_vocab == 271 && info.n_layer == TINY_LAYERS && info.n_embd == 32 &&
              info.context_length == 512,
          "shape");
    CHECK(info.bos_id == 0 && info.eos_id == 1 && info.has_tokenizer, "tokenizer");
    CHECK(info.threads == 2 && info.kv_mode == DS4_KV_EXACT && info.quant_bits == 8, "mode");
    CHECK(info.file_bytes == size && info.n_params > 30000 && info.n_params < size, "size");
    ds4_model_close(m);
}

static void test_metadata(void) {
    char text[8];
    ds4_model *m = open_model(NULL);
    CHECK(ds4_model_metadata(m, "general.architecture", text, sizeof text) == 9 &&
              strcmp(text, "deepsee") == 0,
          "%s", text);
    CHECK(ds4_model_metadata(m, "deepseek4.block_count", text, sizeof text) == 1 && strcmp(text, "3") == 0,
          "%s", text);
    CHECK(ds4_model_metadata(m, "deepseek4.expert_weights_norm", text, sizeof text) == 4 &&
              strcmp(text, "true") == 0,
          "%s", text);
    CHECK(ds4_model_metadata(m, "tokenizer.ggml.tokens", text, sizeof text) == -1, "arrays have no text");
    CHECK(ds4_model_metadata(m, "none", NULL, 0) == -1, "a missing key has no text");
    ds4_model_close(m);
}

static void test_tokens(void) {
    int32_t ids[8];
    size_t n, len;
    ds4_model *m = open_model(NULL);
    CHECK(ds4_tokenize(m, "<think>the", 10, true, ids, 8, &n, &err) == DS4_OK && n == 2, "%zu", n);
    CHECK(memcmp(ds4_token_bytes(m, ids[1], &len), "the", 3) == 0 && len == 3, "bytes");
    CHECK(ds4_token_find(m, "the", 3) == ids[1] && ds4_token_is_control(m, ids[0]) &&
              !ds4_token_is_control(m, ids[1]),
          "ids");
    CHECK(ds4_tokenize(m, NULL, 0, true, NULL, 0, &n, &err) == DS4_OK && n == 0, "nothing");
    CHECK(ds4_tokenize(m, NULL, 1, true, ids, 8, &n, &err) == DS4_ERR_ARGUMENT, "no text");
    CHECK(ds4_tokenize(m, "a", 1, true, NULL, 8, &n, NULL) == DS4_ERR_ARGUMENT, "no room");
    ds4_model_close(m);
}

static void test_without_tokenizer(void) {
    ds4_model_info info;
    size_t n = 7;
    write_model(&(tiny_change){.no_tokenizer = 1});
    ds4_model *m = open_model(NULL);
    ds4_model_get_info(m, &info);
    CHECK(info.bos_id == -1 && info.eos_id == -1 && !info.has_tokenizer, "no tokenizer");
    CHECK(ds4_tokenize(m, "a", 1, true, NULL, 0, &n, &err) == DS4_ERR_UNSUPPORTED && n == 7, "%s",
          err.message);
    CHECK(!ds4_token_bytes(m, 0, &n) && ds4_token_find(m, "a", 1) == -1 && !ds4_token_is_control(m, 0),
          "no tokens");
    ds4_model_close(m);
}

static void expect_refused(const ds4_model_params *params, ds4_status status, const char *part) {
    ds4_model *m = NULL;
    ds4_status st = ds4_model_open(path, params, &m, &err);
    CHECK(st == status && !m && strstr(err.message, part), "status %s, %s", ds4_status_name(st),
          st ? err.message : "opened");
}

static void test_refusals(void) {
    expect_refused(&(ds4_model_params){.threads = -1}, DS4_ERR_ARGUMENT, "threads is -1");
    expect_refused(&(ds4_model_params){.kv_mode = 3}, DS4_ERR_ARGUMENT, "kv_mode is 3");
    expect_refused(&(ds4_model_params){.kernels = "abacus"}, DS4_ERR_ARGUMENT, "abacus");
    CHECK(ds4_model_open(NULL, NULL, NULL, NULL) == DS4_ERR_ARGUMENT, "no path");
    write_model(&(tiny_change){.skip = "blk.1.attn_kv.weight"});
    expect_refused(NULL, DS4_ERR_FORMAT, "tensor blk.1.attn_kv.weight is missing");
    unlink(path);
    expect_refused(NULL, DS4_ERR_IO, path);
    ds4_model_close(NULL);
}

int main(void) {
    int fd = mkstemp(path);
    CHECK(fd >= 0 && close(fd) == 0, "no temporary file");
    CHECK(ds4_abi_version() == DS4_ABI_VERSION && strcmp(ds4_status_name(DS4_ERR_CHECKSUM), "checksum") == 0,
          "version");
    test_info();
    test_metadata();
    test_tokens();
    test_without_tokenizer();
    test_refusals();
    return 0;
}
