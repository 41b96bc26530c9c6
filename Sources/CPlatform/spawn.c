#define _GNU_SOURCE
#include "CPlatform.h"

int millrace_spawn_isolated(posix_spawn_file_actions_t *actions) {
    int status = posix_spawn_file_actions_addclosefrom_np(actions, 3);
    return status != 0 ? status : posix_spawn_file_actions_addchdir_np(actions, "/");
}
