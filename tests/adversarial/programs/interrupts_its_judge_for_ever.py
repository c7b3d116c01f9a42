# {"tries": "a child interrupts the process above it without pause, so that it ends without a verdict", "right": ["failed"]}
import os
import signal

above = os.getppid()
if os.fork() == 0:
    while True:
        for number in (signal.SIGINT, signal.SIGCHLD, signal.SIGALRM, signal.SIGPIPE):
            try:
                os.kill(above, number)
            except OSError:
                pass


def add(a, b):
    return 0
