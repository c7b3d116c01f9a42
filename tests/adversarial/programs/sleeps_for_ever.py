# {"tries": "sleeps with every way to be woken closed", "right": ["timeout"], "wall": 0.3}
import signal


def add(a, b):
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while True:
        signal.pause()
