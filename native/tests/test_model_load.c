/* A model binds when every key and tensor is there and fits; each that is not is
 * named with what was found and what was expected. */
#include <string.h>

#include "check.h"
#include "model.h"
#include "tiny_model.h"

static ds4_error err;
static gguf_builder b;

static ds4_status bind(const tiny_change *change) {
    size_t size;
    tiny_model(&b, change);
    uint8_t *file = build_end(&b, &size);
    ds4_model m = {0};
    CHECK(gguf_open_bytes(file, size, &m.file, &err) == DS4_OK, "%s", err.message);
    ds4_status st = ds4_model_bind(&m, &err);
    if (st == DS4_OK) ds4_model_unbind(&m);
    CHECK(m.layers == NULL && m.tok == NULL, "something is left bound");
    gguf_close(m.file);
    free(file);
    return st;
}

static void refuse(tiny_change change, ds4_status status, const char *sentence) {
    ds4_status st = bind(&change);
    CHECK(st == status, "\"%s\": status %s, %s", sentence, ds4_status_name(st),
          st ? err.message : "accepted");
    CHECK(strstr(err.message, sentence), "\"%s\" lacks \"%s\"", err.message, sentence);
}

/* Leaving out any key or tensor but these is an error that names it. */
static bool may_be_missing(const char *name) {
    static const char *const optional[] = {"deepseek4.vocab_size", "deepseek4.expert_gating_func",
                                           "deepseek4.rope.scaling.type"};
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++)
        if (strcmp(name, optional[i]) == 0) return true;
    return false;
}

static void test_every_key_and_tensor_is_missed(void) {
    size_t size, keys = 0, tensors = 0;
    static gguf_builder whole;
    gguf *g;
    tiny_model(&whole, NULL);
    uint8_t *file = build_end(&whole, &size);
    CHECK(gguf_open_bytes(file, size, &g, &err) == DS4_OK, "%s", err.message);
    char name[96];
    /* Keys are found by their lengths: fields of eight bytes before the prefix. */
    for (size_t i = 0; i < whole.n_fields; i++) {
        const gguf_field *f = &whole.fields[i];
        uint64_t len;
        memcpy(&len, file + f->at, f->width == 8 ? 8 : 0);
        if (f->width != 8 || f->section != BUILD_META || len >= sizeof name || len < 11) continue;
        if (memcmp(file + f->at + 8, "deepseek4.", 10) != 0) continue;
        snprintf(name, sizeof name, "%.*s", (int)len, (const char *)file + f->at + 8);
        if (may_be_missing(name)) {
            CHECK(bind(&(tiny_change){.skip = name}) == DS4_OK, "%s", err.message);
        } else {
            char sentence[128];
            snprintf(sentence, sizeof sentence, "%s is missing, expected", name);
            refuse((tiny_change){.skip = name}, DS4_ERR_FORMAT, sentence);
        }
        keys++;
    }
    for (uint64_t i = 0; i < gguf_n_tensors(g); i++) {
        const char *tensor = gguf_tensor_at(g, i)->name;
        char sentence[128];
        snprintf(sentence, sizeof sentence, "tensor %s is missing, expected", tensor);
        refuse((tiny_change){.skip = tensor}, DS4_ERR_FORMAT, sentence);
        snprintf(sentence, sizeof sentence, "tensor %s is ", tensor);
        refuse((tiny_change){.resize = tensor}, DS4_ERR_FORMAT, sentence);
        tensors++;
    }
    CHECK(keys == 37 && tensors == 92, "%zu keys and %zu tensors were tried", keys, tensors);
    gguf_close(g);
    free(file);
}

static void test_values(void) {
    static const struct {
        const char *key;
        uint32_t value;
        const char *sentence;
    } cases[] = {
        {"deepseek4.block_count", 0, "deepseek4.block_count is 0, expected 1 to 1024"},
        {"deepseek4.block_count", 4, "compress_ratios has 3 elements, expected at least the block_count 4"},
        {"deepseek4.context_length", 0x80000000u, "context_length is 2147483648, expected 1 to 2147483647"},
        {"deepseek4.attention.head_count", 3,
         "output_group_count is 2, expected a divisor of the attention.head_count 3"},
        {"deepseek4.attention.head_count_kv", 2, "head_count_kv is 2, expected 1 to 1"},
        {"deepseek4.attention.value_length", 16, "value_length is 16, expected the attention.key_length 32"},
        {"deepseek4.rope.dimension_count", 7, "dimension_count is 7, expected a multiple of 2"},
        {"deepseek4.rope.dimension_count", 34,
         "dimension_count is 34, expected at most the attention.key_length 32"},
        {"deepseek4.rope.dimension_count", 18, "expected at most the attention.indexer.key_length 16"},
        {"deepseek4.attention.indexer.key_length", 24, "key_length is 24, expected a power of 2"},
        {"deepseek4.expert_used_count", 5, "expert_used_count is 5, expected at most the expert_count 4"},
        {"deepseek4.expert_gating_func", 2, "expert_gating_func is 2, expected 4 to 4"},
        {"deepseek4.expert_shared_count", 2, "expert_shared_count is 2, expected 1 to 1"},
        {"deepseek4.hash_layer_count", 4, "hash_layer_count is 4, expected at most the block_count 3"},
        {"deepseek4.hyper_connection.count", 9, "hyper_connection.count is 9, expected 1 to 8"},
        {"deepseek4.vocab_size", 100, "is 32x271, expected 32x100"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tiny_change change = {.key = cases[i].key, .value = cases[i].value};
        ds4_status st = bind(&change);
        CHECK(st != DS4_OK && strstr(err.message, cases[i].sentence), "%s",
              st ? err.message : cases[i].sentence);
    }
}

static void test_types(void) {
    refuse((tiny_change){.retype = "blk.1.attn_norm.weight", .type = GGUF_F16}, DS4_ERR_UNSUPPORTED,
           "tensor blk.1.attn_norm.weight has type F16 (1), expected F32");
    refuse((tiny_change){.retype = "blk.1.attn_kv.weight", .type = GGUF_I32}, DS4_ERR_UNSUPPORTED,
           "has type I32 (26), expected F32, F16, Q8_0, Q2_K, Q4_K, IQ2_XXS, BF16");
    refuse((tiny_change){.retype = "blk.0.ffn_gate_tid2eid.weight", .type = GGUF_F32}, DS4_ERR_UNSUPPORTED,
           "expected I32");
    refuse((tiny_change){.retype = "blk.2.ffn_up_exps.weight", .type = GGUF_F16}, DS4_ERR_UNSUPPORTED,
           "blk.2.ffn_up_exps.weight has type F16, expected Q8_0 as in blk.2.ffn_gate_exps.weight");
    refuse((tiny_change){.bad_expert = 1}, DS4_ERR_FORMAT, "expert 1 of token 2 is 7, expected 0 to 3");
    CHECK(bind(&(tiny_change){.retype = "blk.1.attn_kv.weight", .type = GGUF_BF16}) == DS4_OK, "%s",
          err.message);
}

static void test_tokenizer_keys(void) {
    CHECK(bind(&(tiny_change){.no_tokenizer = 1}) == DS4_OK, "%s", err.message);
    refuse((tiny_change){.no_tokenizer = 1, .skip = "deepseek4.vocab_size"}, DS4_ERR_FORMAT,
           "deepseek4.vocab_size is missing, expected an integer");
    refuse((tiny_change){.skip = "tokenizer.ggml.model"}, DS4_ERR_FORMAT, "tokenizer.ggml.model is missing");
}

int main(void) {
    CHECK(bind(NULL) == DS4_OK, "%s", err.message);
    test_every_key_and_tensor_is_missed();
    test_values();
    test_types();
    test_tokenizer_keys();
    return 0;
}
