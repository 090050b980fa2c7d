/* gguf_meta.c - GGUF metadata: reading the pairs, then answering for them. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "gguf_impl.h"
#include "model.h"

/* The least a pair takes: key length, one byte of key, type, one byte of value. */
enum { MIN_PAIR_BYTES = 8 + 1 + 4 + 1, MAX_KEY_BYTES = 65535 };

static const uint8_t elem_bytes[KV_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

static unsigned long long at(const gguf_cursor *c) { return (unsigned long long)(c->p - c->base); }

static ds4_status read_key(gguf_kv *kv, gguf_cursor *c, uint64_t i, ds4_error *err) {
    unsigned long long where = at(c);
    if (!gguf_take_str(c, &kv->key, &kv->key_len))
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: key %llu at byte %llu reaches past the end of the file",
                        (unsigned long long)i, where);
    if (kv->key_len == 0 || kv->key_len > MAX_KEY_BYTES || memchr(kv->key, 0, kv->key_len))
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: key %llu at byte %llu has %llu bytes, expected 1 to %d without NUL",
                        (unsigned long long)i, where, (unsigned long long)kv->key_len, MAX_KEY_BYTES);
    return DS4_OK;
}

static ds4_status past_end(const gguf_kv *kv, unsigned long long where, ds4_error *err) {
    ds4_quoted q;
    return ds4_fail(err, DS4_ERR_FORMAT,
                    "gguf: the value of %s at byte %llu reaches past the end of the file",
                    ds4_quote(&q, kv->key, kv->key_len), where);
}

static ds4_status read_strings(gguf_kv *kv, gguf_cursor *c, ds4_error *err) {
    unsigned long long where = at(c);
    if (kv->n > (uint64_t)(c->end - c->p) / 8) return past_end(kv, where, err);
    kv->strings = malloc((kv->n ? kv->n : 1) * sizeof *kv->strings);
    if (!kv->strings) return ds4_fail(err, DS4_ERR_MEMORY, "gguf: out of memory");
    for (uint64_t i = 0; i < kv->n; i++) {
        const char *s;
        uint64_t len;
        kv->strings[i] = c->p;
        if (!gguf_take_str(c, &s, &len)) {
            ds4_quoted q;
            return ds4_fail(err, DS4_ERR_FORMAT,
                            "gguf: element %llu of %s at byte %llu reaches past the end of the file",
                            (unsigned long long)i, ds4_quote(&q, kv->key, kv->key_len), at(c));
        }
    }
    return DS4_OK;
}

static ds4_status read_fixed(gguf_kv *kv, gguf_cursor *c, ds4_error *err) {
    unsigned long long where = at(c);
    if (kv->n > (uint64_t)(c->end - c->p) / elem_bytes[kv->type]) return past_end(kv, where, err);
    c->p += kv->n * elem_bytes[kv->type];
    for (uint64_t i = 0; kv->type == KV_BOOL && i < kv->n; i++)
        if (kv->value[i] > 1) {
            ds4_quoted q;
            return ds4_fail(err, DS4_ERR_FORMAT, "gguf: bool %s at byte %llu is %u, expected 0 or 1",
                            ds4_quote(&q, kv->key, kv->key_len), where + i, kv->value[i]);
        }
    return DS4_OK;
}

static ds4_status read_array_head(gguf_kv *kv, gguf_cursor *c, ds4_error *err) {
    unsigned long long where = at(c);
    kv->is_array = true;
    if (!gguf_take(c, &kv->type, 4) || !gguf_take(c, &kv->n, 8)) return past_end(kv, where, err);
    if (kv->type >= KV_TYPES || kv->type == KV_ARR) {
        ds4_quoted q;
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: elements of %s at byte %llu have type %u, expected %s",
                        ds4_quote(&q, kv->key, kv->key_len), where, kv->type,
                        kv->type == KV_ARR ? "no nested arrays" : "0 to 12");
    }
    return DS4_OK;
}

static ds4_status read_value(gguf_kv *kv, gguf_cursor *c, ds4_error *err) {
    unsigned long long where = at(c);
    if (!gguf_take(c, &kv->type, 4)) return past_end(kv, where, err);
    if (kv->type >= KV_TYPES) {
        ds4_quoted q;
        return ds4_fail(err, DS4_ERR_FORMAT, "gguf: %s at byte %llu has value type %u, expected 0 to 12",
                        ds4_quote(&q, kv->key, kv->key_len), where, kv->type);
    }
    kv->n = 1;
    if (kv->type == KV_ARR) {
        ds4_status st = read_array_head(kv, c, err);
        if (st != DS4_OK) return st;
    }
    kv->value = c->p;
    if (kv->type != KV_STR) return read_fixed(kv, c, err);
    if (kv->is_array) return read_strings(kv, c, err);
    const char *s;
    if (!gguf_take_str(c, &s, &kv->n)) return past_end(kv, where, err);
    kv->value = (const uint8_t *)s;
    return DS4_OK;
}

static int compare_key(const char *a, uint64_t na, const char *b, uint64_t nb) {
    int d = memcmp(a, b, na < nb ? na : nb);
    return d ? d : (na > nb) - (na < nb);
}

static int by_key(const void *a, const void *b) {
    const gguf_kv *x = *(const gguf_kv *const *)a, *y = *(const gguf_kv *const *)b;
    return compare_key(x->key, x->key_len, y->key, y->key_len);
}

/* Sorted, not hashed: no choice of keys makes the search for duplicates slow. */
static ds4_status index_keys(gguf *g, ds4_error *err) {
    for (uint64_t i = 0; i < g->n_kv; i++) g->kv_by_key[i] = &g->kv[i];
    qsort(g->kv_by_key, g->n_kv, sizeof *g->kv_by_key, by_key);
    for (uint64_t i = 1; i < g->n_kv; i++)
        if (by_key(&g->kv_by_key[i - 1], &g->kv_by_key[i]) == 0) {
            ds4_quoted q;
            return ds4_fail(err, DS4_ERR_FORMAT, "gguf: key %s occurs twice, expected once",
                            ds4_quote(&q, g->kv_by_key[i]->key, g->kv_by_key[i]->key_len));
        }
    return DS4_OK;
}

ds4_status gguf_read_metadata(gguf *g, gguf_cursor *c, ds4_error *err) {
    uint64_t room = (uint64_t)(c->end - c->p) / MIN_PAIR_BYTES, claimed = g->n_kv;
    if (claimed > room) {
        g->n_kv = 0;
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "gguf: %llu metadata pairs at byte 16, but the file has room for at most %llu",
                        (unsigned long long)claimed, (unsigned long long)room);
    }
    g->kv = calloc(claimed ? claimed : 1, sizeof *g->kv);
    g->kv_by_key = calloc(claimed ? claimed : 1, sizeof *g->kv_by_key);
    if (!g->kv || !g->kv_by_key) return ds4_fail(err, DS4_ERR_MEMORY, "gguf: out of memory");
    for (uint64_t i = 0; i < claimed; i++) {
        ds4_status st = read_key(&g->kv[i], c, i, err);
        if (st == DS4_OK) st = read_value(&g->kv[i], c, err);
        if (st != DS4_OK) return st;
    }
    return index_keys(g, err);
}

const gguf_kv *gguf_lookup(const gguf *g, const char *key) {
    uint64_t lo = 0, hi = g->n_kv, len = strlen(key);
    while (lo < hi) {
        uint64_t mid = lo + (hi - lo) / 2;
        const gguf_kv *kv = g->kv_by_key[mid];
        int d = compare_key(key, len, kv->key, kv->key_len);
        if (d == 0) return kv;
        if (d < 0) hi = mid;
        else lo = mid + 1;
    }
    return NULL;
}

/* A number of any metadata type. Integers keep their full range: magnitude and sign apart. */
typedef struct {
    enum { NUM_NONE, NUM_INT, NUM_FLOAT } kind;
    bool negative;
    uint64_t magnitude;
    double value;
} number;

static number from_signed(int64_t v) {
    return (number){NUM_INT, v < 0, v < 0 ? -(uint64_t)v : (uint64_t)v, (double)v};
}

static number from_unsigned(uint64_t v) { return (number){NUM_INT, false, v, (double)v}; }

#define LOAD(type, p)                \
    ({                               \
        type v_;                     \
        memcpy(&v_, (p), sizeof v_); \
        v_;                          \
    })

static number load_number(const gguf_kv *kv, uint64_t i) {
    const uint8_t *p = kv->value + i * elem_bytes[kv->type];
    switch (kv->type) {
    case KV_U8: return from_unsigned(LOAD(uint8_t, p));
    case KV_I8: return from_signed(LOAD(int8_t, p));
    case KV_U16: return from_unsigned(LOAD(uint16_t, p));
    case KV_I16: return from_signed(LOAD(int16_t, p));
    case KV_U32: return from_unsigned(LOAD(uint32_t, p));
    case KV_I32: return from_signed(LOAD(int32_t, p));
    case KV_U64: return from_unsigned(LOAD(uint64_t, p));
    case KV_I64: return from_signed(LOAD(int64_t, p));
    case KV_F32: return (number){NUM_FLOAT, false, 0, (double)LOAD(float, p)};
    case KV_F64: return (number){NUM_FLOAT, false, 0, LOAD(double, p)};
    default: return (number){NUM_NONE, false, 0, 0};
    }
}

static const gguf_kv *scalar(const gguf *g, const char *key) {
    const gguf_kv *kv = gguf_lookup(g, key);
    return kv && !kv->is_array ? kv : NULL;
}

static const gguf_kv *element(const gguf *g, const char *key, uint64_t i) {
    const gguf_kv *kv = gguf_lookup(g, key);
    return kv && kv->is_array && i < kv->n ? kv : NULL;
}

bool gguf_has(const gguf *g, const char *key) { return gguf_lookup(g, key) != NULL; }

bool gguf_u64(const gguf *g, const char *key, uint64_t *out) {
    const gguf_kv *kv = scalar(g, key);
    if (!kv) return false;
    number v = load_number(kv, 0);
    if (v.kind != NUM_INT || v.negative) return false;
    *out = v.magnitude;
    return true;
}

bool gguf_f32(const gguf *g, const char *key, float *out) {
    const gguf_kv *kv = scalar(g, key);
    if (!kv) return false;
    number v = load_number(kv, 0);
    if (v.kind == NUM_NONE) return false;
    *out = (float)v.value;
    return true;
}

bool gguf_bool(const gguf *g, const char *key, bool *out) {
    const gguf_kv *kv = scalar(g, key);
    if (!kv || kv->type != KV_BOOL) return false;
    *out = kv->value[0] != 0;
    return true;
}

bool gguf_str(const gguf *g, const char *key, const char **s, uint64_t *len) {
    const gguf_kv *kv = scalar(g, key);
    if (!kv || kv->type != KV_STR) return false;
    *s = (const char *)kv->value;
    *len = kv->n;
    return true;
}

int64_t gguf_arr_len(const gguf *g, const char *key) {
    const gguf_kv *kv = gguf_lookup(g, key);
    return kv && kv->is_array ? (int64_t)kv->n : -1;
}

static bool load_i64(const gguf_kv *kv, uint64_t i, int64_t *out) {
    number v = load_number(kv, i);
    if (v.kind != NUM_INT || v.magnitude > (uint64_t)INT64_MAX) return false;
    *out = v.negative ? -(int64_t)v.magnitude : (int64_t)v.magnitude;
    return true;
}

bool gguf_arr_i64(const gguf *g, const char *key, uint64_t i, int64_t *out) {
    const gguf_kv *kv = element(g, key, i);
    return kv && load_i64(kv, i, out);
}

bool gguf_arr_i64s(const gguf *g, const char *key, uint64_t n, int64_t *out) {
    const gguf_kv *kv = gguf_lookup(g, key);
    if (!kv || !kv->is_array || n > kv->n) return false;
    for (uint64_t i = 0; i < n; i++)
        if (!load_i64(kv, i, &out[i])) return false;
    return true;
}

bool gguf_arr_f32(const gguf *g, const char *key, uint64_t i, float *out) {
    const gguf_kv *kv = element(g, key, i);
    if (!kv) return false;
    number v = load_number(kv, i);
    if (v.kind == NUM_NONE) return false;
    *out = (float)v.value;
    return true;
}

bool gguf_arr_str(const gguf *g, const char *key, uint64_t i, const char **s, uint64_t *len) {
    const gguf_kv *kv = element(g, key, i);
    if (!kv || kv->type != KV_STR) return false;
    gguf_strings v = {kv->strings, kv->n};
    *s = gguf_string_at(&v, i, len);
    return true;
}

bool gguf_arr_strings(const gguf *g, const char *key, gguf_strings *out) {
    const gguf_kv *kv = gguf_lookup(g, key);
    if (!kv || !kv->is_array || kv->type != KV_STR) return false;
    *out = (gguf_strings){kv->strings, kv->n};
    return true;
}

static int64_t copy_text(const char *s, uint64_t len, char *buf, size_t size) {
    if (size) {
        size_t n = len < size ? (size_t)len : size - 1;
        memcpy(buf, s, n);
        buf[n] = '\0';
    }
    return (int64_t)len;
}

int64_t gguf_scalar_text(const gguf *g, const char *key, char *buf, size_t size) {
    const gguf_kv *kv = scalar(g, key);
    if (!kv) return -1;
    if (kv->type == KV_STR) return copy_text((const char *)kv->value, kv->n, buf, size);
    if (kv->type == KV_BOOL)
        return copy_text(kv->value[0] ? "true" : "false", kv->value[0] ? 4 : 5, buf, size);
    char text[40];
    number v = load_number(kv, 0);
    int n;
    if (v.kind == NUM_INT) n = snprintf(text, sizeof text, "%s%" PRIu64, v.negative ? "-" : "", v.magnitude);
    else n = snprintf(text, sizeof text, "%.*g", kv->type == KV_F32 ? 9 : 17, v.value);
    return copy_text(text, (uint64_t)n, buf, size);
}
