#include "tiny_model.h"

#include <string.h>

#include "check.h"
#include "gguf.h"

enum {
    D = 32,
    HEADS = 2,
    HEAD = 32,
    ROT = 8,
    Q_LORA = 32,
    O_LORA = 32,
    GROUPS = 2,
    WINDOW = 8,
    INDEX_HEADS = 2,
    INDEX = 16,
    TOP_K = 4,
    EXPERTS = 4,
    USED = 2,
    FF = 32,
    HASHED = 1,
    HC = 2,
    MIX = 2 * HC + HC * HC,
    CONTEXT = 512,
};

static const int32_t ratios[TINY_LAYERS] = {0, 4, 128};
static const char *const controls[] = {
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜▁pad▁｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<think>",
    "</think>",
    "｜DSML｜",
};
static const char *const merges[] = {"t h", "th e", "i n", "Ġ the", "e r", "Ċ Ċ", "Ã ©"};
enum {
    CONTROLS = sizeof controls / sizeof *controls,
    MERGES = sizeof merges / sizeof *merges,
    VOCAB = CONTROLS + 256 + MERGES
};

typedef struct {
    gguf_builder *b;
    tiny_change change;
    uint64_t rng;
    int layer;
} writer;

static bool is(const char *a, const char *b) { return a && strcmp(a, b) == 0; }

static float noise(writer *w) {
    w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
    return (float)(int32_t)(w->rng >> 32) / 2147483648.0f;
}

static void count(writer *w, const char *name, uint32_t v) {
    char key[96];
    snprintf(key, sizeof key, "deepseek4.%s", name);
    if (is(w->change.skip, key)) return;
    build_u32(w->b, key, is(w->change.key, key) ? w->change.value : v);
}

static void real(writer *w, const char *name, float v) {
    char key[96];
    snprintf(key, sizeof key, "deepseek4.%s", name);
    if (!is(w->change.skip, key)) build_f32(w->b, key, v);
}

static void fill(writer *w, uint32_t type, uint8_t *out, uint64_t elems) {
    for (uint64_t i = 0; i < elems; i++) {
        float v = 0.2f * noise(w);
        _Float16 half = (_Float16)v;
        uint32_t bits;
        memcpy(&bits, &v, 4);
        if (type == GGUF_F32) memcpy(out + 4 * i, &v, 4);
        else if (type == GGUF_F16) memcpy(out + 2 * i, &half, 2);
        else if (type == GGUF_BF16) memcpy(out + 2 * i, (uint8_t *)&bits + 2, 2);
        else out[i / 32 * 34 + 2 + i % 32] = (uint8_t)(int8_t)(v * 600);
    }
    _Float16 scale = (_Float16)0.002f;
    for (uint64_t i = 0; type == GGUF_Q8_0 && i < elems; i += 32) memcpy(out + i / 32 * 34, &scale, 2);
}

static void tensor(writer *w, const char *leaf, uint32_t type, uint64_t a, uint64_t b, uint64_t c) {
    static uint8_t data[1 << 18];
    char name[96];
    if (w->layer >= 0) snprintf(name, sizeof name, "blk.%d.%s", w->layer, leaf);
    else snprintf(name, sizeof name, "%s", leaf);
    if (is(w->change.skip, name)) return;
    uint64_t ne[3] = {a, b, c};
    if (is(w->change.resize, name)) ne[c ? 2 : b ? 1 : 0]++;
    if (is(w->change.retype, name)) type = w->change.type;
    uint32_t dims = c ? 3 : b ? 2 : 1;
    uint64_t elems = ne[0] * (dims > 1 ? ne[1] : 1) * (dims > 2 ? ne[2] : 1);
    size_t size = elems / gguf_block_elems(type) * gguf_block_bytes(type);
    CHECK(size <= sizeof data, "%s does not fit", name);
    if (type == GGUF_I32) {
        for (uint64_t i = 0; i < elems; i++) {
            int32_t id = (int32_t)((i + i / USED) % EXPERTS) + (w->change.bad_expert && i == 5 ? EXPERTS : 0);
            memcpy(data + 4 * i, &id, 4);
        }
    } else {
        fill(w, type, data, elems);
    }
    build_tensor(w->b, name, type, ne, dims, data, size);
}

static void metadata(writer *w) {
    static const float clamps[TINY_LAYERS + 1] = {10, 10, 10, 10};
    build_str(w->b, "general.architecture", "deepseek4", 9);
    build_str(w->b, "general.name", "tiny", 4);
    count(w, "block_count", TINY_LAYERS);
    count(w, "context_length", CONTEXT);
    count(w, "embedding_length", D);
    count(w, "vocab_size", VOCAB);
    count(w, "attention.head_count", HEADS);
    count(w, "attention.head_count_kv", 1);
    count(w, "attention.key_length", HEAD);
    count(w, "attention.value_length", HEAD);
    count(w, "rope.dimension_count", ROT);
    count(w, "attention.q_lora_rank", Q_LORA);
    count(w, "attention.output_lora_rank", O_LORA);
    count(w, "attention.output_group_count", GROUPS);
    count(w, "attention.sliding_window", WINDOW);
    count(w, "attention.indexer.head_count", INDEX_HEADS);
    count(w, "attention.indexer.key_length", INDEX);
    count(w, "attention.indexer.top_k", TOP_K);
    if (!is(w->change.skip, "deepseek4.attention.compress_ratios"))
        build_i32s(w->b, "deepseek4.attention.compress_ratios", ratios, TINY_LAYERS);
    real(w, "attention.compress_rope_freq_base", 160000);
    real(w, "attention.layer_norm_rms_epsilon", 1e-6f);
    real(w, "rope.freq_base", 10000);
    build_str(w->b, "deepseek4.rope.scaling.type", "yarn", 4);
    real(w, "rope.scaling.factor", 16);
    count(w, "rope.scaling.original_context_length", 65536);
    real(w, "rope.scaling.yarn_beta_fast", 32);
    real(w, "rope.scaling.yarn_beta_slow", 1);
    count(w, "expert_count", EXPERTS);
    count(w, "expert_used_count", USED);
    count(w, "expert_shared_count", 1);
    count(w, "expert_feed_forward_length", FF);
    real(w, "expert_weights_scale", 1.5f);
    if (!is(w->change.skip, "deepseek4.expert_weights_norm"))
        build_bool(w->b, "deepseek4.expert_weights_norm", 1);
    count(w, "expert_gating_func", 4);
    count(w, "hash_layer_count", HASHED);
    if (!is(w->change.skip, "deepseek4.swiglu_clamp_exp"))
        build_f32s(w->b, "deepseek4.swiglu_clamp_exp", clamps, TINY_LAYERS + 1);
    count(w, "hyper_connection.count", HC);
    count(w, "hyper_connection.sinkhorn_iterations", 5);
    real(w, "hyper_connection.epsilon", 1e-6f);
}

/* The characters that spell bytes, in the order of the bytes. */
static size_t byte_text(unsigned byte, char *out) {
    bool printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
    unsigned code = printable     ? byte
                    : byte <= 32  ? 256 + byte
                    : byte <= 160 ? 256 + 33 + byte - 127
                                  : 256 + 67;
    if (code < 0x80) return out[0] = (char)code, 1;
    out[0] = (char)(0xc0 | code >> 6);
    out[1] = (char)(0x80 | (code & 0x3f));
    return 2;
}

static void tokenizer(writer *w) {
    int32_t types[VOCAB];
    char text[64];
    build_str(w->b, "tokenizer.ggml.pre", "joyai-llm", 9);
    build_strs(w->b, "tokenizer.ggml.tokens", VOCAB);
    for (size_t i = 0; i < CONTROLS; i++) build_element(w->b, controls[i], strlen(controls[i]));
    for (unsigned b = 0; b < 256; b++) build_element(w->b, text, byte_text(b, text));
    for (size_t i = 0; i < MERGES; i++) {
        const char *space = strchr(merges[i], ' ');
        int n = snprintf(text, sizeof text, "%.*s%s", (int)(space - merges[i]), merges[i], space + 1);
        build_element(w->b, text, (size_t)n);
    }
    for (int i = 0; i < VOCAB; i++) types[i] = i < CONTROLS ? 3 : 1;
    build_i32s(w->b, "tokenizer.ggml.token_type", types, VOCAB);
    build_strs(w->b, "tokenizer.ggml.merges", MERGES);
    for (size_t i = 0; i < MERGES; i++) build_element(w->b, merges[i], strlen(merges[i]));
    build_u32(w->b, "tokenizer.ggml.bos_token_id", 0);
    build_u32(w->b, "tokenizer.ggml.eos_token_id", 1);
}

static void compressor(writer *w, const char *prefix, int ratio, uint64_t width) {
    char leaf[64];
    uint64_t wide = width * (ratio == 4 ? 2 : 1);
    snprintf(leaf, sizeof leaf, "%s_ape.weight", prefix);
    tensor(w, leaf, GGUF_F16, wide, (uint64_t)ratio, 0);
    snprintf(leaf, sizeof leaf, "%s_kv.weight", prefix);
    tensor(w, leaf, GGUF_F16, D, wide, 0);
    snprintf(leaf, sizeof leaf, "%s_gate.weight", prefix);
    tensor(w, leaf, GGUF_BF16, D, wide, 0);
    snprintf(leaf, sizeof leaf, "%s_norm.weight", prefix);
    tensor(w, leaf, GGUF_F32, width, 0, 0);
}

static void hyper_connection(writer *w, const char *prefix, uint64_t rows, uint64_t scales) {
    char leaf[64];
    snprintf(leaf, sizeof leaf, "%s_fn.weight", prefix);
    tensor(w, leaf, GGUF_F16, HC * D, rows, 0);
    snprintf(leaf, sizeof leaf, "%s_base.weight", prefix);
    tensor(w, leaf, GGUF_F32, rows, 0, 0);
    snprintf(leaf, sizeof leaf, "%s_scale.weight", prefix);
    tensor(w, leaf, GGUF_F32, scales, 0, 0);
}

static void attention(writer *w, int ratio) {
    tensor(w, "attn_norm.weight", GGUF_F32, D, 0, 0);
    tensor(w, "attn_q_a.weight", GGUF_Q8_0, D, Q_LORA, 0);
    tensor(w, "attn_q_a_norm.weight", GGUF_F32, Q_LORA, 0, 0);
    tensor(w, "attn_q_b.weight", GGUF_Q8_0, Q_LORA, HEADS * HEAD, 0);
    tensor(w, "attn_kv.weight", GGUF_Q8_0, D, HEAD, 0);
    tensor(w, "attn_kv_a_norm.weight", GGUF_F32, HEAD, 0, 0);
    tensor(w, "attn_sinks.weight", GGUF_F32, HEADS, 0, 0);
    tensor(w, "attn_output_a.weight", GGUF_Q8_0, HEADS * HEAD / GROUPS, GROUPS * O_LORA, 0);
    tensor(w, "attn_output_b.weight", GGUF_Q8_0, GROUPS * O_LORA, D, 0);
    if (ratio) compressor(w, "attn_compressor", ratio, HEAD);
    if (ratio != 4) return;
    tensor(w, "indexer.attn_q_b.weight", GGUF_F16, Q_LORA, INDEX_HEADS * INDEX, 0);
    tensor(w, "indexer.proj.weight", GGUF_F16, D, INDEX_HEADS, 0);
    compressor(w, "indexer_compressor", ratio, INDEX);
}

static void feed_forward(writer *w) {
    tensor(w, "ffn_norm.weight", GGUF_F32, D, 0, 0);
    tensor(w, "ffn_gate_inp.weight", GGUF_F16, D, EXPERTS, 0);
    if (w->layer < HASHED) tensor(w, "ffn_gate_tid2eid.weight", GGUF_I32, USED, VOCAB, 0);
    else tensor(w, "exp_probs_b.bias", GGUF_F32, EXPERTS, 0, 0);
    tensor(w, "ffn_gate_exps.weight", GGUF_Q8_0, D, FF, EXPERTS);
    tensor(w, "ffn_up_exps.weight", GGUF_Q8_0, D, FF, EXPERTS);
    tensor(w, "ffn_down_exps.weight", GGUF_F32, FF, D, EXPERTS);
    tensor(w, "ffn_gate_shexp.weight", GGUF_Q8_0, D, FF, 0);
    tensor(w, "ffn_up_shexp.weight", GGUF_Q8_0, D, FF, 0);
    tensor(w, "ffn_down_shexp.weight", GGUF_Q8_0, FF, D, 0);
}

void tiny_model(gguf_builder *b, const tiny_change *change) {
    writer w = {.b = b, .rng = 1, .layer = -1};
    if (change) w.change = *change;
    build_begin(b);
    metadata(&w);
    if (!is(w.change.skip, "tokenizer.ggml.model"))
        build_str(b, "tokenizer.ggml.model", w.change.no_tokenizer ? "none" : "gpt2", 4);
    if (!w.change.no_tokenizer) tokenizer(&w);
    tensor(&w, "token_embd.weight", GGUF_F16, D, VOCAB, 0);
    tensor(&w, "output_norm.weight", GGUF_F32, D, 0, 0);
    tensor(&w, "output.weight", GGUF_Q8_0, D, VOCAB, 0);
    hyper_connection(&w, "output_hc", HC, 1);
    for (w.layer = 0; w.layer < TINY_LAYERS; w.layer++) {
        hyper_connection(&w, "hc_attn", MIX, 3);
        hyper_connection(&w, "hc_ffn", MIX, 3);
        attention(&w, ratios[w.layer]);
        feed_forward(&w);
    }
}
