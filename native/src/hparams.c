/* hparams.c - the hyper-parameters, from metadata to ds4_hparams.
 *
 * Nothing about the published models is built in. Every key is in a table with
 * the range this engine can run; what is missing, of another type or out of
 * range is refused by name. Keys that only one published converter writes have a
 * default: the value that both known engines assume without the key.
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "error.h"
#include "hparams.h"

#define PREFIX "deepseek4."
enum { MAX_KEY = 96, MAX_WIDTH = 1 << 20, GATING_SQRT_SOFTPLUS = 4 };

typedef struct {
    const char *name;
    size_t field; /* a uint32_t of ds4_hparams */
    uint32_t min, max;
} count_key;

static const count_key counts[] = {
    {"block_count", offsetof(ds4_hparams, n_layer), 1, 1024},
    {"context_length", offsetof(ds4_hparams, n_ctx_train), 1, INT32_MAX},
    {"embedding_length", offsetof(ds4_hparams, d), 1, MAX_WIDTH},
    {"attention.head_count", offsetof(ds4_hparams, n_head), 1, 4096},
    {"attention.key_length", offsetof(ds4_hparams, head_dim), 2, 65536},
    {"rope.dimension_count", offsetof(ds4_hparams, n_rot), 2, 65536},
    {"attention.q_lora_rank", offsetof(ds4_hparams, q_lora), 1, MAX_WIDTH},
    {"attention.output_lora_rank", offsetof(ds4_hparams, o_lora), 1, MAX_WIDTH},
    {"attention.output_group_count", offsetof(ds4_hparams, n_out_group), 1, 4096},
    {"attention.sliding_window", offsetof(ds4_hparams, window), 1, 1 << 20},
    {"attention.indexer.head_count", offsetof(ds4_hparams, idx_head), 1, 4096},
    {"attention.indexer.key_length", offsetof(ds4_hparams, idx_dim), 2, 65536},
    {"attention.indexer.top_k", offsetof(ds4_hparams, idx_top_k), 1, INT32_MAX},
    {"expert_count", offsetof(ds4_hparams, n_expert), 1, 65536},
    {"expert_used_count", offsetof(ds4_hparams, n_expert_used), 1, 65536},
    {"expert_feed_forward_length", offsetof(ds4_hparams, d_expert), 1, MAX_WIDTH},
    {"hash_layer_count", offsetof(ds4_hparams, n_hash_layer), 0, 1024},
    {"hyper_connection.count", offsetof(ds4_hparams, n_hc), 1, 8},
    {"hyper_connection.sinkhorn_iterations", offsetof(ds4_hparams, sinkhorn_iters), 1, 1000},
};

typedef struct {
    const char *name;
    size_t field; /* a float of ds4_hparams */
    float min, max;
} real_key;

static const real_key reals[] = {
    {"attention.layer_norm_rms_epsilon", offsetof(ds4_hparams, rms_eps), 0, 1},
    {"hyper_connection.epsilon", offsetof(ds4_hparams, hc_eps), 0, 1},
    {"expert_weights_scale", offsetof(ds4_hparams, expert_scale), 1e-6f, 1e6f},
    {"rope.freq_base", offsetof(ds4_hparams, rope_base), 1.001f, 1e12f},
    {"attention.compress_rope_freq_base", offsetof(ds4_hparams, rope_compress_base), 1.001f, 1e12f},
    {"rope.scaling.factor", offsetof(ds4_hparams, rope_factor), 1e-3f, 1e6f},
    {"rope.scaling.yarn_beta_fast", offsetof(ds4_hparams, yarn_beta_fast), 1e-3f, 1e6f},
    {"rope.scaling.yarn_beta_slow", offsetof(ds4_hparams, yarn_beta_slow), 1e-3f, 1e6f},
};

/* Values that another engine might vary and this one cannot. */
static const struct {
    const char *name;
    uint32_t value;
    bool required;
} fixed[] = {
    {"attention.head_count_kv", 1, true},
    {"expert_shared_count", 1, true},
    {"expert_gating_func", GATING_SQRT_SOFTPLUS, false},
    {"expert_group_count", 0, false},
    {"expert_group_used_count", 0, false},
};

#define COUNT(table) (sizeof(table) / sizeof *(table))

static const char *full(char key[MAX_KEY], const char *name) {
    snprintf(key, MAX_KEY, PREFIX "%s", name);
    return key;
}

static ds4_status absent(const gguf *g, const char *key, const char *expected, ds4_error *err) {
    return ds4_fail(err, DS4_ERR_FORMAT, "%s is %s, expected %s", key,
                    gguf_has(g, key) ? "of another type" : "missing", expected);
}

static ds4_status read_count(const gguf *g, const char *key, uint64_t min, uint64_t max, uint64_t *out,
                             ds4_error *err) {
    if (!gguf_u64(g, key, out)) return absent(g, key, "an integer", err);
    if (*out < min || *out > max)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s is %llu, expected %llu to %llu", key,
                        (unsigned long long)*out, (unsigned long long)min, (unsigned long long)max);
    return DS4_OK;
}

static ds4_status read_counts(const gguf *g, ds4_hparams *hp, ds4_error *err) {
    char key[MAX_KEY];
    for (size_t i = 0; i < COUNT(counts); i++) {
        uint64_t value;
        ds4_status st = read_count(g, full(key, counts[i].name), counts[i].min, counts[i].max, &value, err);
        if (st != DS4_OK) return st;
        *(uint32_t *)((char *)hp + counts[i].field) = (uint32_t)value;
    }
    return read_count(g, PREFIX "rope.scaling.original_context_length", 1, (uint64_t)1 << 40,
                      &hp->rope_orig_ctx, err);
}

static ds4_status read_reals(const gguf *g, ds4_hparams *hp, ds4_error *err) {
    char key[MAX_KEY];
    for (size_t i = 0; i < COUNT(reals); i++) {
        float value;
        if (!gguf_f32(g, full(key, reals[i].name), &value)) return absent(g, key, "a number", err);
        if (!(value >= reals[i].min && value <= reals[i].max))
            return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s is %g, expected %g to %g", key, (double)value,
                            (double)reals[i].min, (double)reals[i].max);
        *(float *)((char *)hp + reals[i].field) = value;
    }
    return DS4_OK;
}

static ds4_status check_fixed(const gguf *g, ds4_error *err) {
    char key[MAX_KEY];
    for (size_t i = 0; i < COUNT(fixed); i++) {
        uint64_t value;
        if (!fixed[i].required && !gguf_has(g, full(key, fixed[i].name))) continue;
        ds4_status st = read_count(g, full(key, fixed[i].name), fixed[i].value, fixed[i].value, &value, err);
        if (st != DS4_OK) return st;
    }
    return DS4_OK;
}

static ds4_status check_text(const gguf *g, const char *key, const char *expected, ds4_error *err) {
    const char *s;
    uint64_t len;
    ds4_quoted q;
    if (!gguf_str(g, key, &s, &len)) return absent(g, key, "a string", err);
    if (len != strlen(expected) || memcmp(s, expected, len) != 0)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s is %s, expected \"%s\"", key, ds4_quote(&q, s, len),
                        expected);
    return DS4_OK;
}

/* Without the key the vocabulary itself says how large it is. */
static ds4_status read_vocab_size(const gguf *g, ds4_hparams *hp, ds4_error *err) {
    uint64_t value;
    int64_t tokens = gguf_arr_len(g, "tokenizer.ggml.tokens");
    if (!gguf_has(g, PREFIX "vocab_size") && tokens > 0 && tokens <= INT32_MAX) {
        hp->n_vocab = (uint32_t)tokens;
        return DS4_OK;
    }
    ds4_status st = read_count(g, PREFIX "vocab_size", 1, INT32_MAX, &value, err);
    if (st == DS4_OK) hp->n_vocab = (uint32_t)value;
    return st;
}

static ds4_status contradiction(ds4_error *err, const char *key, uint64_t found, const char *rule,
                                uint64_t other) {
    return ds4_fail(err, DS4_ERR_UNSUPPORTED, PREFIX "%s is %llu, expected %s %llu", key,
                    (unsigned long long)found, rule, (unsigned long long)other);
}

static ds4_status check_relations(const gguf *g, const ds4_hparams *hp, ds4_error *err) {
    uint64_t value_length = 0;
    if (!gguf_u64(g, PREFIX "attention.value_length", &value_length))
        return absent(g, PREFIX "attention.value_length", "an integer", err);
    if (value_length != hp->head_dim)
        return contradiction(err, "attention.value_length", value_length, "the attention.key_length",
                             hp->head_dim);
    if (hp->n_rot % 2 != 0) return contradiction(err, "rope.dimension_count", hp->n_rot, "a multiple of", 2);
    if (hp->n_rot > hp->head_dim)
        return contradiction(err, "rope.dimension_count", hp->n_rot, "at most the attention.key_length",
                             hp->head_dim);
    if (hp->n_rot > hp->idx_dim)
        return contradiction(err, "rope.dimension_count", hp->n_rot,
                             "at most the attention.indexer.key_length", hp->idx_dim);
    if (hp->idx_dim & (hp->idx_dim - 1))
        return contradiction(err, "attention.indexer.key_length", hp->idx_dim, "a power of", 2);
    if (hp->n_head % hp->n_out_group != 0)
        return contradiction(err, "attention.output_group_count", hp->n_out_group,
                             "a divisor of the attention.head_count", hp->n_head);
    if (hp->n_expert_used > hp->n_expert)
        return contradiction(err, "expert_used_count", hp->n_expert_used, "at most the expert_count",
                             hp->n_expert);
    if (hp->n_hash_layer > hp->n_layer)
        return contradiction(err, "hash_layer_count", hp->n_hash_layer, "at most the block_count",
                             hp->n_layer);
    return DS4_OK;
}

ds4_status ds4_hparams_read(const gguf *g, ds4_hparams *hp, ds4_error *err) {
    ds4_status st = check_text(g, "general.architecture", "deepseek4", err);
    if (st == DS4_OK) st = read_counts(g, hp, err);
    if (st == DS4_OK) st = read_reals(g, hp, err);
    if (st == DS4_OK) st = check_fixed(g, err);
    if (st == DS4_OK && gguf_has(g, PREFIX "rope.scaling.type"))
        st = check_text(g, PREFIX "rope.scaling.type", "yarn", err);
    if (st == DS4_OK) st = read_vocab_size(g, hp, err);
    if (st == DS4_OK) st = check_relations(g, hp, err);
    if (st != DS4_OK) return st;
    if (!gguf_bool(g, PREFIX "expert_weights_norm", &hp->expert_norm))
        return absent(g, PREFIX "expert_weights_norm", "a bool", err);
    hp->mix = 2 * hp->n_hc + hp->n_hc * hp->n_hc;
    return DS4_OK;
}

static ds4_status check_length(const gguf *g, const char *key, uint32_t n_layer, ds4_error *err) {
    int64_t n = gguf_arr_len(g, key);
    if (n < 0) return absent(g, key, "an array", err);
    if (n < n_layer)
        return ds4_fail(err, DS4_ERR_FORMAT, "%s has %lld elements, expected at least the block_count %u",
                        key, (long long)n, n_layer);
    return DS4_OK;
}

/* Both known engines take the routed experts' clamp for the shared expert when the file gives none. */
static ds4_status read_clamp(const gguf *g, const char *key, uint32_t i, float *out, ds4_error *err) {
    if (!gguf_arr_f32(g, key, i, out)) return absent(g, key, "an array of numbers", err);
    if (!(*out >= 0 && *out <= 1e30f))
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s: element %u is %g, expected 0 to 1e30", key, i,
                        (double)*out);
    return DS4_OK;
}

static ds4_status read_ratio(const gguf *g, uint32_t i, uint32_t *ratio, ds4_error *err) {
    int64_t value;
    if (!gguf_arr_i64(g, PREFIX "attention.compress_ratios", i, &value))
        return absent(g, PREFIX "attention.compress_ratios", "an array of integers", err);
    if (value != 0 && value != 4 && value != 128)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED,
                        PREFIX "attention.compress_ratios: element %u is %lld, expected 0, 4 or 128", i,
                        (long long)value);
    *ratio = (uint32_t)value;
    return DS4_OK;
}

ds4_status ds4_hparams_read_layers(const gguf *g, const ds4_hparams *hp, ds4_layer *layers, ds4_error *err) {
    const char *shared =
        gguf_has(g, PREFIX "swiglu_clamp_shexp") ? PREFIX "swiglu_clamp_shexp" : PREFIX "swiglu_clamp_exp";
    ds4_status st = check_length(g, PREFIX "attention.compress_ratios", hp->n_layer, err);
    if (st == DS4_OK) st = check_length(g, PREFIX "swiglu_clamp_exp", hp->n_layer, err);
    if (st == DS4_OK) st = check_length(g, shared, hp->n_layer, err);
    for (uint32_t i = 0; st == DS4_OK && i < hp->n_layer; i++) {
        st = read_ratio(g, i, &layers[i].ratio, err);
        if (st == DS4_OK) st = read_clamp(g, PREFIX "swiglu_clamp_exp", i, &layers[i].clamp_exp, err);
        if (st == DS4_OK) st = read_clamp(g, shared, i, &layers[i].clamp_shexp, err);
    }
    return st;
}
