/* tokenizer.h - a model's tokenizer, for the loader. Internal; the rest is in ds4.h. */
#ifndef DS4_TOKENIZER_H
#define DS4_TOKENIZER_H

#include "ds4.h"

struct tokenizer;

int32_t ds4_tokenizer_bos(const struct tokenizer *t); /* -1: none */
int32_t ds4_tokenizer_eos(const struct tokenizer *t);

/* ds4_tokenize() and its kin on a tokenizer without a model. */
ds4_status ds4_tokenizer_encode(const struct tokenizer *t, const char *text, size_t len, bool rendered,
                                int32_t *out, size_t cap, size_t *n_out, ds4_error *err);
const char *ds4_tokenizer_bytes(const struct tokenizer *t, int32_t id, size_t *len);
int32_t ds4_tokenizer_find(const struct tokenizer *t, const char *text, size_t len);
bool ds4_tokenizer_is_control(const struct tokenizer *t, int32_t id);
ds4_status ds4_tokenizer_spelling(const struct tokenizer *t, const char *rest, size_t len, uint32_t *allowed,
                                  ds4_error *err);

uint32_t ds4_tokenizer_size(const struct tokenizer *t);
/* Where spelling.c keeps its order of the vocabulary; freed with the tokenizer. */
_Atomic(uint32_t *) *ds4_tokenizer_order(const struct tokenizer *t);

#endif
