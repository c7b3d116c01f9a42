# {"tries": "a reply of a million open brackets, to overrun the reader's stack", "right": ["failed", "error", "exited"]}
import os


def add(a, b):
    data = b"[" * 1_000_000
    data = len(data).to_bytes(4, "big") + data
    for number in (3, 4):
        try:
            while data:
                data = data[os.write(number, data) :]
        except OSError:
            pass
    os._exit(0)
