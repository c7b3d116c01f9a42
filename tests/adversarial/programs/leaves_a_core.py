# {"tries": "asks for a memory image and crashes", "right": ["signal"]}
import os
import resource
import signal


def add(a, b):
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (-1, -1))
    except (OSError, ValueError):
        pass
    os.kill(os.getpid(), signal.SIGQUIT)
    os.abort()
