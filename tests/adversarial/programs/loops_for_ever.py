# {"tries": "a busy loop that nothing interrupts: signals ignored, exceptions swallowed", "right": ["timeout"], "wall": 0.3}
import signal

for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
    signal.signal(number, signal.SIG_IGN)


def add(a, b):
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
