# {"tries": "short-lived children, started faster than anybody can list them", "right": ["timeout"], "wall": 0.3}
import os


def add(a, b):
    while True:
        try:
            if os.fork() == 0:
                if os.fork() == 0:
                    os.setsid()
                os._exit(0)
            os.waitpid(-1, os.WNOHANG)
        except OSError:
            pass
