#include "../objective.cu"

void emulate_distances(int blocks, void **a);

void emulate_distances(int blocks, void **a)
{
    for (BLOCK = 0; BLOCK < blocks; ++BLOCK) {
        distances(*(const float **)a[0], *(int *)a[1], *(const double **)a[2],
                  *(const int **)a[3], *(const double **)a[4], *(double **)a[5],
                  *(double **)a[6]);
    }
}
