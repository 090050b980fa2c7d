/* tiny_model.h - a whole deepseek4 model of some 100 KB with made-up weights. For tests. */
#ifndef DS4_TINY_MODEL_H
#define DS4_TINY_MODEL_H

#include "gguf_build.h"

enum { TINY_LAYERS = 3 };

/* What to leave out or change; NULL: nothing. */
typedef struct {
    const char *skip;   /* a key or tensor that is not written */
    const char *resize; /* a tensor that gets one row more */
    const char *retype; /* a tensor that becomes ... */
    uint32_t type;      /* ... of this type */
    const char *key;    /* an integer key that gets ... */
    uint32_t value;     /* ... this value */
    int no_tokenizer;
    int bad_expert; /* an expert id in the hash table past the last */
} tiny_change;

/* Fills b; finish with build_end(). */
void tiny_model(gguf_builder *b, const tiny_change *change);

#endif
