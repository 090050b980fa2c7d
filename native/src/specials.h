/* specials.h - the control tokens of a vocabulary. Internal. */
#ifndef DS4_SPECIALS_H
#define DS4_SPECIALS_H

#include "vocab.h"

typedef struct {
    const char *text;
    uint64_t len;
    int32_t id;
} special;

typedef struct {
    special *sorted; /* by text, byte by byte */
    uint32_t n;
    uint32_t first[257]; /* where texts that start with a byte begin in sorted */
} specials;

/* Control and user-defined tokens, and those of the chat and infilling formats
 * whatever their type. On failure specials_free() is still due. */
ds4_status specials_load(specials *s, const vocab *v, const gguf *g, ds4_error *err);
void specials_free(specials *s);
/* The longest special text at the start of text; its length, 0 if there is none. */
size_t specials_match(const specials *s, const uint8_t *text, size_t len, int32_t *id);

#endif
