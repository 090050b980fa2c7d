/* vocab.c - the vocabulary of a byte-level BPE.
 *
 * Token texts spell bytes as printable characters: 33-126, 161-172 and 174-255
 * stand for themselves, the other 68 for U+0100 and up, in order. Texts stay in
 * the mapped file; one open-addressing table finds ids by text, one arena holds
 * the bytes that each token stands for. The table's hash takes a seed that a
 * file cannot know, so no file can make the look-ups slow on purpose.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "error.h"
#include "model.h"
#include "vocab.h"

static const char KEY[] = "tokenizer.ggml.tokens";

static uint32_t byte_to_code(unsigned b) {
    if ((b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174) return b;
    if (b <= 32) return 256 + b;
    return b <= 160 ? 256 + 33 + (b - 127) : 256 + 67;
}

/* The inverse; -1 for a character that stands for no byte. */
static int code_to_byte(uint32_t code) {
    if (code < 256) return byte_to_code(code) == code ? (int)code : -1;
    if (code < 256 + 33) return (int)code - 256;
    if (code < 256 + 67) return (int)code - (256 + 33) + 127;
    return code == 256 + 67 ? 173 : -1;
}

size_t vocab_spell(const uint8_t *bytes, size_t len, char *out) {
    char *w = out;
    for (size_t i = 0; i < len; i++) {
        uint32_t code = byte_to_code(bytes[i]);
        if (code >= 0x80) *w++ = (char)(0xc0 | code >> 6);
        *w++ = (char)(code >= 0x80 ? 0x80 | (code & 0x3f) : code);
    }
    return (size_t)(w - out);
}

static uint64_t mix(uint64_t h, uint64_t word) {
    unsigned __int128 p = (unsigned __int128)(h ^ word) * 0x9e3779b97f4a7c15u;
    return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t load64(const char *s) {
    uint64_t v;
    memcpy(&v, s, 8);
    return v;
}

static uint64_t load32(const char *s) {
    uint32_t v;
    memcpy(&v, s, 4);
    return v;
}

/* The last word is read up to the end of the text, overlapping the one before. */
static uint64_t hash(uint64_t seed, const char *s, uint64_t len) {
    uint64_t h = seed ^ len * 0xd6e8feb86659fd93u, last;
    for (uint64_t i = 0; i + 8 < len; i += 8) h = mix(h, load64(s + i));
    if (len >= 8) last = load64(s + len - 8);
    else if (len >= 4) last = load32(s) | load32(s + len - 4) << 32;
    else
        last = len ? (uint64_t)(uint8_t)s[0] | (uint64_t)(uint8_t)s[len / 2] << 8 |
                         (uint64_t)(uint8_t)s[len - 1] << 16
                   : 0;
    return mix(mix(h, last), seed);
}

/* The slot that holds the text or, if none does, the free one where it belongs. */
static uint64_t *find_slot(const vocab *v, uint64_t h, const char *s, uint64_t len) {
    for (uint64_t i = h & v->mask;; i = (i + 1) & v->mask) {
        uint64_t n, *slot = &v->slots[i];
        if (*slot == 0) return slot;
        if ((*slot ^ h) >> 32) continue;
        const char *text = gguf_string_at(&v->texts, (uint32_t)*slot - 1, &n);
        if (n == len && memcmp(text, s, len) == 0) return slot;
    }
}

int32_t vocab_find(const vocab *v, const char *s, uint64_t len) {
    return (int32_t)(uint32_t)*find_slot(v, hash(v->seed, s, len), s, len) - 1;
}

static ds4_status insert(vocab *v, uint32_t id, ds4_error *err) {
    uint64_t len;
    const char *s = gguf_string_at(&v->texts, id, &len);
    uint64_t h = hash(v->seed, s, len), *slot = find_slot(v, h, s, len);
    if (*slot != 0) {
        ds4_quoted q;
        return ds4_fail(err, DS4_ERR_FORMAT,
                        "%s: ids %u and %u have the same text %s, expected different ones", KEY,
                        (uint32_t)*slot - 1, id, ds4_quote(&q, s, len));
    }
    *slot = (h >> 32 << 32) | (id + 1);
    return DS4_OK;
}

static ds4_status index_texts(vocab *v, ds4_error *err) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    v->seed = mix((uint64_t)now.tv_nsec ^ (uint64_t)now.tv_sec << 30, (uint64_t)(uintptr_t)&now);
    uint64_t size = 16;
    while (size < 2 * v->texts.n) size *= 2;
    v->mask = size - 1;
    v->slots = calloc(size, sizeof *v->slots);
    if (!v->slots) return ds4_fail(err, DS4_ERR_MEMORY, "%s: out of memory", KEY);
    for (uint32_t id = 0; id < v->texts.n; id++) {
        ds4_status st = insert(v, id, err);
        if (st != DS4_OK) return st;
    }
    return DS4_OK;
}

/* U+FF5C marks DeepSeek's own tokens, whose text is no spelling of bytes. */
static bool is_verbatim(const char *s, uint64_t len) {
    for (uint64_t i = 0; i + 3 <= len; i++)
        if (memcmp(s + i, "\xef\xbd\x9c", 3) == 0) return true;
    return false;
}

/* Characters that spell no byte are kept as they are. Never longer than the text. */
static size_t unspell(const char *s, uint64_t len, char *out) {
    char *w = out;
    for (uint64_t i = 0; i < len;) {
        unsigned c = (uint8_t)s[i];
        bool two = c >= 0xc2 && c < 0xe0 && i + 1 < len && ((uint8_t)s[i + 1] & 0xc0) == 0x80;
        int byte = two        ? code_to_byte((c & 0x1f) << 6 | ((uint8_t)s[i + 1] & 0x3f))
                   : c < 0x80 ? code_to_byte(c)
                              : -1;
        if (byte >= 0) {
            *w++ = (char)byte;
            i += two ? 2 : 1;
        } else {
            *w++ = s[i++];
            if (two) *w++ = s[i++];
        }
    }
    return (size_t)(w - out);
}

static ds4_status decode_texts(vocab *v, ds4_error *err) {
    uint64_t total = 0, len;
    for (uint64_t id = 0; id < v->texts.n; id++) {
        gguf_string_at(&v->texts, id, &len);
        total += len;
    }
    if (total > UINT32_MAX)
        return ds4_fail(err, DS4_ERR_UNSUPPORTED, "%s: the texts have %llu bytes, expected less than 2^32",
                        KEY, (unsigned long long)total);
    v->bytes = malloc(total + 1);
    v->begin = malloc((v->texts.n + 1) * sizeof *v->begin);
    if (!v->bytes || !v->begin) return ds4_fail(err, DS4_ERR_MEMORY, "%s: out of memory", KEY);
    char *w = v->bytes;
    for (uint64_t id = 0; id < v->texts.n; id++) {
        const char *s = gguf_string_at(&v->texts, id, &len);
        v->begin[id] = (uint32_t)(w - v->bytes);
        if (is_verbatim(s, len)) {
            memcpy(w, s, len);
            w += len;
        } else {
            w += unspell(s, len, w);
        }
    }
    v->begin[v->texts.n] = (uint32_t)(w - v->bytes);
    return DS4_OK;
}

static ds4_status find_bytes(vocab *v, ds4_error *err) {
    for (unsigned b = 0; b < 256; b++) {
        char text[2];
        uint8_t byte = (uint8_t)b;
        v->byte_id[b] = vocab_find(v, text, vocab_spell(&byte, 1, text));
        if (v->byte_id[b] == VOCAB_NONE)
            return ds4_fail(err, DS4_ERR_FORMAT,
                            "%s: no token stands for byte 0x%02x, expected one for each of the 256", KEY, b);
    }
    return DS4_OK;
}

ds4_status vocab_load(vocab *v, const gguf *g, uint32_t n_vocab, ds4_error *err) {
    if (!gguf_arr_strings(g, KEY, &v->texts))
        return ds4_fail(err, DS4_ERR_FORMAT, "%s is %s, expected an array of strings", KEY,
                        gguf_has(g, KEY) ? "of another type" : "missing");
    if (v->texts.n != n_vocab)
        return ds4_fail(err, DS4_ERR_FORMAT, "%s has %llu elements, expected the vocabulary size %u", KEY,
                        (unsigned long long)v->texts.n, n_vocab);
    ds4_status st = index_texts(v, err);
    if (st == DS4_OK) st = decode_texts(v, err);
    if (st == DS4_OK) st = find_bytes(v, err);
    return st;
}

void vocab_free(vocab *v) {
    free(v->slots);
    free(v->bytes);
    free(v->begin);
}
