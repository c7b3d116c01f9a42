# {"tries": "a second reply after each, to put questions and answers out of step", "right": ["failed", "error"]}
import json
import os

CALLS = []


def add(a, b):
    CALLS.append(a)
    data = json.dumps(["returned", "3" if len(CALLS) == 1 else "true", None]).encode()
    for number in (3, 4, 5, 6):
        try:
            os.write(number, len(data).to_bytes(4, "big") + data)
        except OSError:
            pass
    return 3
