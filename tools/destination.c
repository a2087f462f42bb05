/*
 * destination.c - where a command may write.
 */
#include "tools/destination.h"
#include "tools/messages.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int is_terminal(const char *path)
{
    int fd = open(path, O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    int yes = fd >= 0 && isatty(fd);
    if (fd >= 0)
        close(fd);
    return yes;
}

int destination_check(const arguments *args, const char *path, int force)
{
    struct stat there;
    if (!*path || strcmp(path, "-") == 0)
        return usage_error(args, "the output must be a file that can be replaced as a whole, not '%s'", path);
    if (stat(path, &there) != 0) /* nothing is there, or nothing can be: the library finds out and says which */
        return CARRY_ON;
    if (S_ISCHR(there.st_mode) && is_terminal(path))
        return usage_error(args, "%s is a terminal", path);
    if (!S_ISREG(there.st_mode))
        return failure(args, LSQ_E_IO, "%s: not an ordinary file", path);
    if (!force)
        return failure(args, LSQ_E_IO, "%s: exists; --force would replace it", path);
    return CARRY_ON;
}
