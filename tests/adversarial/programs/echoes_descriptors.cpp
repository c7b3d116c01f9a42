// {"tries": "whatever can be read from any descriptor is written to every descriptor", "right": ["failed", "exited", "error", "signal"]}
#include <fcntl.h>
#include <unistd.h>
#include <cstdlib>
int add(int a, int b) {
    static char kept[1 << 16];
    long have = 0;
    for (int fd = 0; fd < 64; fd++) {
        fcntl(fd, F_SETFL, O_NONBLOCK);
        long got = pread(fd, kept + have, sizeof kept - have, 0);
        if (got <= 0) got = read(fd, kept + have, sizeof kept - have);
        if (got > 0) have += got;
    }
    for (int fd = 0; fd < 64; fd++) if (have > 0 && write(fd, kept, have) < 0) continue;
    _exit(0);
}
