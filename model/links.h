/*
 * links.h - where symbolic links lead.
 */
#ifndef LSQ_MODEL_LINKS_H
#define LSQ_MODEL_LINKS_H

/*
 * The path that a path leads to whose last part is a link, or a link to a link: its last part is none, and may not be there. To be
 * freed. NULL and errno: ENOMEM, ELOOP, or as readlink() has it.
 */
char *lsq_links_follow(const char *path);

#endif
