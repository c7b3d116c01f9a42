# {"tries": "right only if files hold more than the work folder may", "right": ["failed", "error", "signal"]}
import os


def add(a, b):
    written = 0
    for place, folder in enumerate((".", "/tmp", "/dev/shm", "/var/tmp", "/run", "/")):
        for name in range(40):
            try:
                with open(os.path.join(folder, f"@MARK@-{place}-{name}"), "wb", 0) as file:
                    for _ in range(8):
                        written += file.write(b"x" * (1 << 20))
            except OSError:
                continue
    return a + b if written > 16 << 20 else None
