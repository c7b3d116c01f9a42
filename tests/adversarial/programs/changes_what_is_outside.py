# {"tries": "right only if files outside can be removed, renamed, cut, touched or given away", "right": ["failed"]}
import os


def add(a, b):
    secret = "@CANARY@/secret"
    ways = (
        lambda: os.remove(secret),
        lambda: os.rename(secret, secret + ".old"),
        lambda: os.truncate(secret, 0),
        lambda: os.utime(secret),
        lambda: os.chmod(secret, 0),
        lambda: os.chmod("/usr/bin/env", 0o4777),
        lambda: os.utime("/usr/bin/env"),
        lambda: os.setxattr("/usr/bin/env", "user.x", b"1"),
        lambda: os.remove("/usr/bin/env"),
        lambda: os.rmdir("/usr"),
    )
    for way in ways:
        try:
            way()
            return a + b
        except OSError:
            pass
