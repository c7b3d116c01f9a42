# {"tries": "a reply whose set takes the reader quadratic time to build", "right": ["timeout", "failed", "error", "exited"], "wall": 0.4}
import json
import os

PRIME = 2**61 - 1


def add(a, b):
    members = [{"i": hex(n * PRIME)} for n in range(1, 120_000)]
    data = json.dumps(["returned", json.dumps({"s": members}), None]).encode()
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[os.write(4, data) :]
    return 3
