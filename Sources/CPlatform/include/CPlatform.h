#ifndef MILLRACE_PLATFORM_H
#define MILLRACE_PLATFORM_H

/// Names the calling thread (at most 15 bytes are kept), so that `top -H` shows which lane is busy.
/// A shim because glibc declares `pthread_setname_np` only for GNU sources, which Swift's importer is not.
void millrace_name_current_thread(const char *name);

#endif
