#include "../traces.cu"

void emulate_find_peaks(int blocks, void **a);

void emulate_find_peaks(int blocks, void **a)
{
    for (BLOCK = 0; BLOCK < blocks; ++BLOCK) {
        find_peaks(*(const short **)a[0], *(int *)a[1], *(const double **)a[2], *(int *)a[3],
                   *(int *)a[4], *(double *)a[5], *(double *)a[6], *(double *)a[7],
                   *(double *)a[8], *(int **)a[9]);
    }
}
