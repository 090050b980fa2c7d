/* vocab.h - a vocabulary: texts to ids, ids to bytes. Internal. */
#ifndef DS4_VOCAB_H
#define DS4_VOCAB_H

#include "gguf.h"

enum { VOCAB_NONE = -1, TOKEN_NORMAL = 1, TOKEN_CONTROL = 3, TOKEN_USER = 4 };

typedef struct {
    gguf_strings texts; /* in the file; byte-level: one character a byte */
    uint64_t *slots;    /* open addressing: high half of the hash, id + 1 */
    uint64_t mask, seed;
    char *bytes;     /* all tokens' bytes, one after the other */
    uint32_t *begin; /* n + 1 places in bytes */
    int32_t byte_id[256];
} vocab;

/* Reads tokenizer.ggml.tokens, which must hold n_vocab different texts, among them
 * a symbol for every byte. On failure vocab_free() is still due. */
ds4_status vocab_load(vocab *v, const gguf *g, uint32_t n_vocab, ds4_error *err);
void vocab_free(vocab *v);

/* The id of a text; VOCAB_NONE if there is none. */
int32_t vocab_find(const vocab *v, const char *s, uint64_t len);

/* Byte-level spelling: writes at most 2 * len characters, returns how many. */
size_t vocab_spell(const uint8_t *bytes, size_t len, char *out);

#endif
