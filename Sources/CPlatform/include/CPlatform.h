#ifndef MILLRACE_PLATFORM_H
#define MILLRACE_PLATFORM_H

#include <spawn.h>

/// Names the calling thread (at most 15 bytes are kept), so that `top -H` shows which lane is busy.
/// A shim because glibc declares `pthread_setname_np` only for GNU sources, which Swift's importer is not.
void millrace_name_current_thread(const char *name);

/// Makes a child start in the folder `/` with no descriptors but the first three, after `actions` so far.
/// A shim for the same reason. Returns 0 or an errno.
int millrace_spawn_isolated(posix_spawn_file_actions_t *actions);

#endif
