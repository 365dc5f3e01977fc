/* Runs one kernel on the CPU. Standard input: name (16 bytes), blocks and number of arguments
 * (i32 each), then for each argument its kind (i32: 0 value, 1 buffer), its bytes (i64) and its
 * content. Standard output: the contents of the buffers afterwards. A buffer of no bytes is null. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void emulate_find_peaks(int blocks, void **a);
void emulate_distances(int blocks, void **a);

static void take(void *to, size_t bytes)
{
    if (bytes && fread(to, 1, bytes, stdin) != bytes) {
        exit(2);
    }
}

int main(void)
{
    char name[17] = {0};
    int head[2], kind[16];
    long long bytes[16];
    void *content[16], *argument[16];
    take(name, 16);
    take(head, sizeof head);
    if (head[1] > 16) {
        return 2;
    }
    for (int k = 0; k < head[1]; ++k) {
        take(&kind[k], sizeof kind[k]);
        take(&bytes[k], sizeof bytes[k]);
        content[k] = bytes[k] ? malloc((size_t)bytes[k]) : NULL;
        take(content[k], (size_t)bytes[k]);
        argument[k] = kind[k] ? (void *)&content[k] : content[k];
    }
    if (strcmp(name, "find_peaks") == 0) {
        emulate_find_peaks(head[0], argument);
    } else if (strcmp(name, "distances") == 0) {
        emulate_distances(head[0], argument);
    } else {
        return 3;
    }
    for (int k = 0; k < head[1]; ++k) {
        if (kind[k] && bytes[k]) {
            fwrite(content[k], 1, (size_t)bytes[k], stdout);
        }
    }
    return 0;
}
