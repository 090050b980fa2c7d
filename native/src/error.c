/* error.c - one sentence for every failure, and text safe to print in it. */
#include <stdarg.h>
#include <stdio.h>

#include "error.h"
#include "model.h"

int32_t ds4_abi_version(void) { return DS4_ABI_VERSION; }

const char *ds4_status_name(ds4_status status) {
    switch (status) {
    case DS4_OK: return "ok";
    case DS4_ERR_ARGUMENT: return "argument";
    case DS4_ERR_IO: return "io";
    case DS4_ERR_FORMAT: return "format";
    case DS4_ERR_UNSUPPORTED: return "unsupported";
    case DS4_ERR_MEMORY: return "memory";
    case DS4_ERR_CONTEXT_FULL: return "context-full";
    case DS4_ERR_CANCELLED: return "cancelled";
    case DS4_ERR_CHECKSUM: return "checksum";
    }
    return "unknown";
}

ds4_status ds4_fail(ds4_error *err, ds4_status status, const char *fmt, ...) {
    if (err) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(err->message, sizeof err->message, fmt, args);
        va_end(args);
    }
    return status;
}

const char *ds4_quote(ds4_quoted *out, const char *s, uint64_t len) {
    static const char hex[] = "0123456789abcdef";
    char *w = out->text;
    char *end = out->text + sizeof out->text - 8; /* room for one escape, "...", the quote and NUL */
    uint64_t i = 0;
    *w++ = '"';
    for (; i < len && w < end - 4; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
            *w++ = (char)c;
        } else {
            *w++ = '\\';
            *w++ = 'x';
            *w++ = hex[c >> 4];
            *w++ = hex[c & 15];
        }
    }
    for (int dots = 0; i < len && dots < 3; dots++) *w++ = '.';
    *w++ = '"';
    *w = '\0';
    return out->text;
}
