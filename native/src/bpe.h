/* bpe.h - the merges of a BPE and how a word is merged. Internal. */
#ifndef DS4_BPE_H
#define DS4_BPE_H

#include "vocab.h"

enum { BPE_SHORT = 64 }; /* words up to so many symbols need no scratch memory */

typedef struct {
    uint64_t pair; /* left id, right id */
    uint32_t rank, merged;
} bpe_merge;

typedef struct {
    bpe_merge *slots; /* open addressing; rank BPE_NO_RANK: free */
    uint64_t mask;
} bpe;

#define BPE_NO_RANK UINT32_MAX

/* Reads tokenizer.ggml.merges. On failure bpe_free() is still due. */
ds4_status bpe_load(bpe *b, const vocab *v, const gguf *g, ds4_error *err);
void bpe_free(bpe *b);

/* Memory for long words, kept from word to word. */
typedef struct {
    void *memory;
    size_t size;
} bpe_scratch;

/* Merges the n symbols in ids in place and returns how many are left; 0 for
 * want of memory. Takes O(n log n). */
size_t bpe_merge_word(const bpe *b, int32_t *ids, size_t n, bpe_scratch *scratch);

#endif
