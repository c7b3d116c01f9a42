# {"tries": "right only if links out of the work folder lead anywhere", "right": ["failed"]}
import os


def add(a, b):
    os.symlink("@CANARY@/secret", "soft")
    os.symlink("../" * 20 + "@CANARY@/secret", "climb")
    for name in ("soft", "climb"):
        try:
            open(name, "rb").close()
            return a + b
        except OSError:
            pass
    for target in ("@CANARY@/secret", "/usr/bin/env", "/etc/passwd", "/proc/self/exe"):
        try:
            os.link(target, "hard" + str(len(os.listdir("."))))
            return a + b
        except OSError:
            pass
