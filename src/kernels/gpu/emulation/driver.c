/* A driver library without a GPU: the part of the CUDA driver interface that the program uses,
 * over the C versions of its kernels. With it the host side is run whole, in a test.
 *
 * EMULATED_CUDA sets what the driver has: `none` no device, `old` a version before 12.0, `small`
 * too little memory, `ancient` a device that is too old, `broken` one on which launches fail. */
#include <stdlib.h>
#include <string.h>

void emulate_find_peaks(int blocks, void **a);
void emulate_distances(int blocks, void **a);

typedef int status;
typedef unsigned long long pointer;

enum { SUCCESS = 0, OUT_OF_MEMORY = 2, NO_DEVICE = 100, INVALID_PTX = 218, LAUNCH_FAILED = 719 };

static void *current;
static size_t used;

static int is(const char *mode)
{
    const char *set = getenv("EMULATED_CUDA");
    return set && strcmp(set, mode) == 0;
}

static size_t total(void)
{
    return is("small") ? 1 << 18 : (size_t)1 << 30;
}

status cuDriverGetVersion(int *version) { *version = is("old") ? 11040 : 12000; return SUCCESS; }
status cuInit(unsigned flags) { (void)flags; return is("none") ? NO_DEVICE : SUCCESS; }
status cuDeviceGetCount(int *count) { *count = 1; return SUCCESS; }
status cuDeviceGet(int *device, int ordinal) { *device = ordinal; return SUCCESS; }
status cuDeviceGetName(char *name, int length, int device)
{
    (void)device;
    strncpy(name, "emulated GPU", (size_t)length);
    return SUCCESS;
}
status cuDeviceTotalMem_v2(size_t *bytes, int device) { (void)device; *bytes = total(); return SUCCESS; }
status cuDeviceGetAttribute(int *value, int attribute, int device)
{
    (void)device;
    /* 75 and 76 are the compute capability; memory pools and all else are lacking. */
    *value = attribute != 75 ? 0 : is("ancient") ? 6 : 7;
    return SUCCESS;
}
status cuDevicePrimaryCtxRetain(void **context, int device) { (void)device; *context = &used; return SUCCESS; }
status cuDevicePrimaryCtxRelease_v2(int device) { (void)device; return SUCCESS; }
status cuCtxGetCurrent(void **context) { *context = current; return SUCCESS; }
status cuCtxSetCurrent(void *context) { current = context; return SUCCESS; }
status cuCtxSynchronize(void) { return SUCCESS; }
status cuStreamSynchronize(void *stream) { (void)stream; return SUCCESS; }
status cuMemGetInfo_v2(size_t *left, size_t *all) { *all = total(); *left = *all - used; return SUCCESS; }
status cuMemAlloc_v2(pointer *at, size_t bytes)
{
    size_t *block;
    if (bytes > total() - used || !(block = malloc(bytes + 16))) {
        return OUT_OF_MEMORY;
    }
    *block = bytes;
    used += bytes;
    *at = (pointer)(block + 2);
    return SUCCESS;
}
status cuMemFree_v2(pointer at)
{
    size_t *block = (size_t *)at - 2;
    used -= *block;
    free(block);
    return SUCCESS;
}
status cuMemcpyHtoDAsync_v2(pointer to, const void *from, size_t bytes, void *stream)
{
    (void)stream;
    memcpy((void *)to, from, bytes);
    return SUCCESS;
}
status cuMemcpyDtoHAsync_v2(void *to, pointer from, size_t bytes, void *stream)
{
    (void)stream;
    memcpy(to, (const void *)from, bytes);
    return SUCCESS;
}
status cuMemsetD8Async(pointer to, unsigned char value, size_t bytes, void *stream)
{
    (void)stream;
    memset((void *)to, value, bytes);
    return SUCCESS;
}
status cuModuleLoadData(void **module, const void *text)
{
    if (!strstr(text, ".version")) {
        return INVALID_PTX;
    }
    *module = &current;
    return SUCCESS;
}
status cuModuleUnload(void *module) { (void)module; return SUCCESS; }
status cuModuleGetFunction(void **function, void *module, const char *name)
{
    (void)module;
    *function = strcmp(name, "find_peaks") == 0 ? (void *)emulate_find_peaks
                                                : (void *)emulate_distances;
    return SUCCESS;
}
status cuLaunchKernel(void *function, unsigned x, unsigned y, unsigned z, unsigned bx, unsigned by,
                      unsigned bz, unsigned shared, void *stream, void **arguments, void **extra)
{
    (void)y, (void)z, (void)bx, (void)by, (void)bz, (void)shared, (void)stream, (void)extra;
    if (is("broken")) {
        return LAUNCH_FAILED;
    }
    ((void (*)(int, void **))function)((int)x, arguments);
    return SUCCESS;
}
status cuGetErrorName(int code, const char **name)
{
    *name = code == LAUNCH_FAILED ? "CUDA_ERROR_LAUNCH_FAILED" : "CUDA_ERROR_OTHER";
    return SUCCESS;
}
status cuGetErrorString(int code, const char **text)
{
    *text = code == LAUNCH_FAILED ? "unspecified launch failure" : "another error";
    return SUCCESS;
}
