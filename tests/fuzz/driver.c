/*
 * driver.c - replays a corpus through a fuzz target: for compilers without libFuzzer, and for every ordinary test run.
 *
 * Each argument is a file or a folder; folders are walked in the order of their names, so that two runs do the same. An
 * input lies in a block of exactly its size, where a sanitizer or valgrind sees the first byte read past it.
 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs, failures;

static void fail(const char *path)
{
    fprintf(stderr, "%s: %s\n", path, strerror(errno));
    failures++;
}

static void replay_file(const char *path, size_t size)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = malloc(size ? size : 1);

    if (!file || !data || fread(data, 1, size, file) != size) {
        fail(path);
    } else {
        LLVMFuzzerTestOneInput(data, size);
        inputs++;
    }
    free(data);
    if (file)
        fclose(file);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void replay(const char *path)
{
    struct stat about;

    if (stat(path, &about) != 0) {
        fail(path);
        return;
    }
    if (!S_ISDIR(about.st_mode)) {
        replay_file(path, (size_t)about.st_size);
        return;
    }

    struct dirent **entries;
    int count = scandir(path, &entries, visible, alphasort);
    if (count < 0) {
        fail(path);
        return;
    }
    for (int i = 0; i < count; i++) {
        char *inner = NULL;
        if (asprintf(&inner, "%s/%s", path, entries[i]->d_name) < 0) {
            fail(path);
        } else {
            replay(inner);
            free(inner);
        }
        free(entries[i]);
    }
    free(entries);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay(argv[i]);
    printf("%zu inputs replayed\n", inputs);
    if (inputs == 0)
        fprintf(stderr, "usage: %s FILE|FOLDER...: no input found\n", argv[0]);
    return inputs == 0 || failures != 0;
}
