/* model_open.c - the life of a model: map, bind, prepare; and what callers may ask about it.
 *
 * Opening goes file, binding, forward pass; closing the other way round. A model
 * that is handed out is complete: a failure on the way undoes what was done.
 */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "model.h"
#include "pool.h"
#include "tokenizer.h"

/* A long name is cut between characters, so that it stays UTF-8 if it was. */
static void copy_name(char *out, size_t size, const char *s, size_t len) {
    if (len >= size)
        for (len = size - 1; len > 0 && ((unsigned char)s[len] & 0xc0) == 0x80;) len--;
    memcpy(out, s, len);
    out[len] = '\0';
}

static void read_name(ds4_model *m, const char *path) {
    const char *s, *slash = strrchr(path, '/');
    uint64_t len;
    if (!gguf_str(m->file, "general.name", &s, &len) || len == 0) {
        s = slash ? slash + 1 : path;
        len = strlen(s);
    }
    copy_name(m->name, sizeof m->name, s, len);
}

static ds4_status check_params(const ds4_model_params *p, ds4_error *err) {
    if (p->threads < 0)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "threads is %d, expected 0 or more", p->threads);
    if (p->kv_mode < DS4_KV_AUTO || p->kv_mode > DS4_KV_FAKE_QUANT)
        return ds4_fail(err, DS4_ERR_ARGUMENT, "kv_mode is %d, expected %d to %d", p->kv_mode, DS4_KV_AUTO,
                        DS4_KV_FAKE_QUANT);
    return DS4_OK;
}

static ds4_status prepare(ds4_model *m, const char *path, const ds4_model_params *params, ds4_error *err) {
    ds4_status st = gguf_open(path, &m->file, err);
    if (st != DS4_OK) return st;
    read_name(m, path);
    st = ds4_model_bind(m, err);
    if (st != DS4_OK) return st;
    st = ds4_forward_init(m, params, err);
    if (st != DS4_OK) ds4_model_unbind(m);
    return st;
}

ds4_status ds4_model_open(const char *path, const ds4_model_params *params, ds4_model **out, ds4_error *err) {
    static const ds4_model_params defaults;
    if (!path || !out) return ds4_fail(err, DS4_ERR_ARGUMENT, "model: no path or no place for the result");
    if (!params) params = &defaults;
    ds4_status st = check_params(params, err);
    if (st != DS4_OK) return st;
    ds4_model *m = calloc(1, sizeof *m);
    if (!m) return ds4_fail(err, DS4_ERR_MEMORY, "model: out of memory");
    st = prepare(m, path, params, err);
    if (st == DS4_OK) {
        *out = m;
    } else {
        gguf_close(m->file);
        free(m);
    }
    return st;
}

void ds4_model_close(ds4_model *model) {
    if (!model) return;
    ds4_forward_free(model);
    ds4_model_unbind(model);
    gguf_close(model->file);
    free(model);
}

static int32_t expert_bits(uint32_t type) {
    switch (type) {
    case GGUF_F32: return 32;
    case GGUF_Q8_0: return 8;
    case GGUF_Q4_K: return 4;
    case GGUF_Q2_K:
    case GGUF_IQ2_XXS: return 2;
    default: return 16;
    }
}

static uint64_t count_params(const gguf *g) {
    uint64_t n = 0;
    for (uint64_t i = 0; i < gguf_n_tensors(g); i++) {
        const gguf_tensor *t = gguf_tensor_at(g, i);
        n += t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3];
    }
    return n;
}

void ds4_model_get_info(const ds4_model *model, ds4_model_info *out) {
    const ds4_hparams *hp = &model->hp;
    *out = (ds4_model_info){
        .n_vocab = (int32_t)hp->n_vocab,
        .n_layer = (int32_t)hp->n_layer,
        .n_embd = (int32_t)hp->d,
        .context_length = (int32_t)hp->n_ctx_train,
        .bos_id = model->tok ? ds4_tokenizer_bos(model->tok) : -1,
        .eos_id = model->tok ? ds4_tokenizer_eos(model->tok) : -1,
        .has_tokenizer = model->tok != NULL,
        .threads = ds4_pool_size(model->pool),
        .kv_mode = model->kv_mode,
        .quant_bits = expert_bits(model->layers[0].gate_exps->type),
        .file_bytes = gguf_file_size(model->file),
        .n_params = count_params(model->file),
    };
    copy_name(out->name, sizeof out->name, model->name, strlen(model->name));
    copy_name(out->kernels, sizeof out->kernels, model->k->name, strlen(model->k->name));
}

int64_t ds4_model_metadata(const ds4_model *model, const char *key, char *buf, size_t size) {
    return gguf_scalar_text(model->file, key, buf, size);
}

ds4_status ds4_tokenize(const ds4_model *model, const char *text, size_t len, bool rendered, int32_t *out,
                        size_t cap, size_t *n_out, ds4_error *err) {
    if (!n_out || (len && !text) || (cap && !out))
        return ds4_fail(err, DS4_ERR_ARGUMENT,
                        "tokenize: a null pointer in place of text, ids or their number");
    if (!model->tok) return ds4_fail(err, DS4_ERR_UNSUPPORTED, "tokenize: the model file has no tokenizer");
    return ds4_tokenizer_encode(model->tok, len ? text : "", len, rendered, out, cap, n_out, err);
}

const char *ds4_token_bytes(const ds4_model *model, int32_t id, size_t *len) {
    size_t n = 0;
    const char *bytes = model->tok ? ds4_tokenizer_bytes(model->tok, id, &n) : NULL;
    if (len) *len = n;
    return bytes;
}

int32_t ds4_token_find(const ds4_model *model, const char *text, size_t len) {
    return model->tok ? ds4_tokenizer_find(model->tok, text, len) : -1;
}

ds4_status ds4_spelling(const ds4_model *model, const char *rest, size_t len, uint32_t *allowed,
                        ds4_error *err) {
    if (!allowed || (len && !rest))
        return ds4_fail(err, DS4_ERR_ARGUMENT, "spelling: a null pointer in place of text or bits");
    if (!model->tok) return ds4_fail(err, DS4_ERR_UNSUPPORTED, "spelling: the model file has no tokenizer");
    return ds4_tokenizer_spelling(model->tok, rest, len, allowed, err);
}

bool ds4_token_is_control(const ds4_model *model, int32_t id) {
    return model->tok && ds4_tokenizer_is_control(model->tok, id);
}
