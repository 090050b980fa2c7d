/* hparams.h - reading the hyper-parameters, for the loader. Internal. */
#ifndef DS4_HPARAMS_H
#define DS4_HPARAMS_H

#include "model.h"

ds4_status ds4_hparams_read(const gguf *g, ds4_hparams *hp, ds4_error *err);
/* Ratio and clamps of each of hp->n_layer layers. */
ds4_status ds4_hparams_read_layers(const gguf *g, const ds4_hparams *hp, ds4_layer *layers, ds4_error *err);

#endif
