# {"tries": "replies in the wire format with tags, bodies and changed arguments that no honest side writes", "right": ["failed", "error", "exited"]}
import json
import os

BODIES = [
    '{"l": 5}', '{"d": [[{"l": []}, 1]]}', '{"i": "zz"}', '{"o": [0, "int"]}', '{"h": 7}', '{"x": 1}', '{"m": "sNaN"}',
    '{"n": "1/0"}', '{"r": [0, 1, 0]}', '{"c": ["a", "b"]}', '{"b": "0"}', "NaN", "1e999", '"\\ud800"', "{}", "", "[3]",
]  # fmt: skip
CALLS = []


def add(a, b):
    body = BODIES[len(CALLS) % len(BODIES)]
    CALLS.append(a)
    for after in ('{"l": [5, 5]}', '{"l": [{"l": [{"o": [1, "x"]}]}, {"d": []}]}', "[[[", None):
        data = json.dumps(["returned", body, after]).encode()
        try:
            os.write(4, len(data).to_bytes(4, "big") + data)
        except OSError:
            pass
    return 0
