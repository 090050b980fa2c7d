/* unicode.h - the character classes that the pre-tokeniser's patterns name. Internal. */
#ifndef DS4_UNICODE_H
#define DS4_UNICODE_H

#include <stdint.h>

/* Punctuation and symbols share a bit: no pattern tells them apart. White space
 * excludes the other classes. CJK marks the ranges 4E00-9FA5 and 3040-30FF. */
enum {
    UC_LETTER = 1, UC_MARK = 2, UC_NUMBER = 4, UC_SYMBOL = 8, UC_SPACE = 16, UC_NEWLINE = 32, UC_CJK = 64
};

extern const uint8_t ds4_unicode_page[];
extern const uint8_t ds4_unicode_class[];

/* code must be below 0x110000. */
static inline unsigned ds4_unicode_flags(uint32_t code) {
    return ds4_unicode_class[(unsigned)ds4_unicode_page[code >> 7] << 7 | (code & 127)];
}

#endif
