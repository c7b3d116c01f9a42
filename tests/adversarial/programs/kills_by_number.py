# {"tries": "right only if it reaches a bystander or the harness by number", "right": ["failed"]}
import os


def add(a, b):
    for pid in (@BYSTANDER@, @HOST@):
        try:
            os.kill(pid, 0 if pid == @HOST@ else 9)
            return a + b
        except OSError:
            pass
