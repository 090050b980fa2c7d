/* kernels_neon_dot.c - NEON with dot products of four bytes (Armv8.2 and later). */
#include "kernels.h"

#if defined(__aarch64__) && defined(__linux__) && defined(__GNUC__) && !defined(__clang__)
#pragma GCC target("arch=armv8.2-a+dotprod")
#endif

#if defined(__ARM_FEATURE_DOTPROD)
#define NEON_DOT
#include "kernels_neon.h"

#if defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

static int supported(void) {
#if defined(__linux__)
    return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0;
#else
    return 1; /* the compiler's baseline has it */
#endif
}

const struct kernels *ds4_kernels_neon_dot(void) {
    static const struct kernels set = {.name = "neon-dotprod", NEON_KERNELS};
    return supported() ? &set : NULL;
}

#else
const struct kernels *ds4_kernels_neon_dot(void) {
    return NULL;
}
#endif
