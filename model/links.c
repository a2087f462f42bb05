/*
 * links.c - where symbolic links lead.
 */
#include "model/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINKS_MAX = 40 };

/* What the link at `path` points to, as a path; NULL with errno EINVAL if it is no link. */
static char *follow(const char *path)
{
    char text[4096];
    ssize_t length = readlink(path, text, sizeof text);
    if (length < 0)
        return NULL;
    if ((size_t)length == sizeof text) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    const char *slash = text[0] == '/' ? NULL : strrchr(path, '/');
    size_t prefix = slash ? (size_t)(slash - path) + 1 : 0;
    char *next = malloc(prefix + (size_t)length + 1);
    if (next) {
        memcpy(next, path, prefix);
        memcpy(next + prefix, text, (size_t)length);
        next[prefix + (size_t)length] = '\0';
    }
    return next;
}

char *lsq_links_follow(const char *path)
{
    char *at = strdup(path);
    for (int links = 0; at; links++) {
        char *next = follow(at);
        if (!next && (errno == EINVAL || errno == ENOENT))
            return at;
        free(at);
        at = next;
        if (at && links == LINKS_MAX) {
            free(at);
            errno = ELOOP;
            return NULL;
        }
    }
    return NULL;
}
