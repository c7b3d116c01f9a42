# {"tries": "right only if memory, maps or descriptors of another process can be opened", "right": ["failed"]}
import os


def add(a, b):
    own = os.getpid()
    for pid in {1, os.getppid(), @HOST@, *(int(n) for n in os.listdir("/proc") if n.isdecimal())} - {own}:
        for name in ("mem", "maps", "environ", "syscall", "stack", "auxv", "fd/0", "fd/1", "fd/3", "exe", "cwd", "root"):
            path = f"/proc/{pid}/{name}"
            try:
                if name in ("exe", "cwd", "root"):
                    os.readlink(path)
                else:
                    open(path, "rb").read(1)
                return a + b
            except (OSError, ValueError):
                pass
