// hiredis as Debian ships it (0.14.1 on Debian 12, 1.2.0 on Debian 13). Its pkg-config file adds an include path
// that SwiftPM warns about, so the header is named by its folder instead.
#include <hiredis/hiredis.h>
