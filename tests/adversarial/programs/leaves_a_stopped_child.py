# {"tries": "right, and leaves a child that is stopped and ignores what it may", "right": ["passed"]}
import os
import signal


def add(a, b):
    pid = os.fork()
    if pid == 0:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        os.setsid()
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execv("/bin/sleep", ["sleep", "@MARK@"])
    return a + b
