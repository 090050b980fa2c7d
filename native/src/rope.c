/* rope.c - rotary positions.
 *
 * Layers without compression turn by plain frequencies; the others, their
 * compressed rows and the indexer by the compressed base, stretched the YaRN way:
 * slow pairs as if positions were `factor` times closer, fast pairs as they are.
 * Angles are computed in double from the position, so that they do not drift.
 */
#include <math.h>
#include <stdlib.h>

#include "forward.h"

static double corner(const ds4_hparams *hp, double beta) {
    const double two_pi = 6.283185307179586;
    return hp->n_rot * log((double)hp->rope_orig_ctx / (two_pi * beta)) / (2 * log(hp->rope_compress_base));
}

static double stretched(const ds4_hparams *hp, double freq, double i) {
    double low = fmax(0, floor(corner(hp, hp->yarn_beta_fast)));
    double high = fmin(hp->n_rot - 1, ceil(corner(hp, hp->yarn_beta_slow)));
    double ramp = 1 - fmin(1, fmax(0, (i - low) / fmax(0.001, high - low)));
    return freq / hp->rope_factor * (1 - ramp) + freq * ramp;
}

bool ds4_rope_init(const ds4_hparams *hp, double *freq[2]) {
    for (int base = 0; base < 2; base++) {
        freq[base] = malloc(hp->n_rot / 2 * sizeof **freq);
        if (!freq[base])
            return false;
        for (uint32_t i = 0; i < hp->n_rot / 2; i++) {
            double b = base ? hp->rope_compress_base : hp->rope_base, f = pow(b, -2.0 * i / hp->n_rot);
            freq[base][i] = base ? stretched(hp, f, i) : f;
        }
    }
    return true;
}

void ds4_rope_at(const ds4_lane *ln, int base, uint32_t pos, float *cos_, float *sin_, float *neg) {
    for (uint32_t i = 0; i < ln->hp->n_rot / 2; i++) {
        double angle = pos * ln->e->f->freq[base][i];
        float c = (float)cos(angle), s = (float)sin(angle);
        cos_[2 * i] = cos_[2 * i + 1] = c;
        sin_[2 * i] = neg[2 * i + 1] = -s;
        sin_[2 * i + 1] = neg[2 * i] = s;
    }
}

void ds4_rope_fill(const ds4_lane *ln, size_t t) {
    const ds4_work *w = ln->w;
    size_t at = t * ln->hp->n_rot;
    for (int base = 0; base < 2; base++)
        ds4_rope_at(ln, base, ds4_pos_of(ln->e, t), w->cos[base] + at, w->sin[base] + at,
                    w->neg[base] + at);
}

ds4_rope ds4_rope_of(const ds4_lane *ln, const ds4_layer *L, size_t t) {
    int base = L->ratio != 0;
    size_t at = t * ln->hp->n_rot;
    return (ds4_rope){ln->w->cos[base] + at, ln->w->sin[base] + at, ln->w->neg[base] + at};
}
