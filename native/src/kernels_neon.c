/* kernels_neon.c - NEON as every 64-bit Arm has it. */
#include "kernels.h"

#if defined(__aarch64__)
#include "kernels_neon.h"

const struct kernels *ds4_kernels_neon(void) {
    static const struct kernels set = {.name = "neon", NEON_KERNELS};
    const struct kernels *dot = ds4_kernels_neon_dot();
    return dot ? dot : &set;
}

#else
const struct kernels *ds4_kernels_neon(void) {
    return NULL;
}
#endif
