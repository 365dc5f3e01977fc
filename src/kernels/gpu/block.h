/* What lets one source be a CUDA kernel and a plain C function.
 *
 * A kernel is a row of phases. EACH(i, n) spreads n items over the threads of a block, SYNC ends
 * the phase; what crosses a phase lives in SHARED arrays. As C, a block is one thread: items of a
 * phase run one after the other, backwards with -DREVERSED. Both orders giving the same bytes is
 * the check that no item reads what another one of its phase writes. */
#ifdef __CUDACC__
#define KERNEL extern "C" __global__
#define DEVICE static __device__
#define SHARED __shared__
#define DYNAMIC_SHARED(name) extern __shared__ float name[]
#define BLOCK ((int)blockIdx.x)
#define EACH(i, n) for (int i = (int)threadIdx.x; i < (n); i += (int)blockDim.x)
#define SYNC __syncthreads()
#else
#include <math.h>
#define KERNEL
#define DEVICE static
#define SHARED static
#define DYNAMIC_SHARED(name) static float name[1 << 16]
static int BLOCK;
#ifdef REVERSED
#define EACH(i, n) for (int i = (n) - 1; i >= 0; --i)
#else
#define EACH(i, n) for (int i = 0; i < (n); ++i)
#endif
#define SYNC
#endif
