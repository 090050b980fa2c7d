/* error.h - building error sentences out of untrusted text. Internal. */
#ifndef DS4_ERROR_H
#define DS4_ERROR_H

#include <stdint.h>

/* Text of a file, quoted: control and non-ASCII bytes as \xNN, cut when long,
 * so that a hostile name cannot garble a terminal or push the rest of the sentence out. */
typedef struct {
    char text[96];
} ds4_quoted;

const char *ds4_quote(ds4_quoted *out, const char *s, uint64_t len);

#endif
