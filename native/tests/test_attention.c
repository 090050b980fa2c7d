/* The room for scores does for every number of rows on the way to the most. */
#include "check.h"
#include "forward.h"

int main(void) {
    static const uint32_t heads[] = {1, 8, 64}, windows[] = {32, 128, 256};
    for (size_t h = 0; h < 3; h++)
        for (size_t w = 0; w < 3; w++) {
            ds4_hparams hp = {.n_head = heads[h], .window = windows[w]};
            size_t most = 0;
            for (size_t rows = 0; rows < 40000; rows++) {
                size_t together = ds4_attend_together(&hp, rows);
                size_t need = together * hp.n_head * (hp.window + together + rows);
                most = need > most ? need : most;
                CHECK(together >= 1, "%zu rows: no token", rows);
                CHECK(ds4_attend_block_size(&hp, rows) >= most, "%u heads, window %u, %zu rows: room for %zu of %zu",
                      heads[h], windows[w], rows, ds4_attend_block_size(&hp, rows), most);
            }
        }
    return 0;
}
