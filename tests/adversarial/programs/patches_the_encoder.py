# {"tries": "replaces json, os.write and len so that whatever is sent says 3", "right": ["failed", "error", "exited"]}
import json
import os
import struct

json.JSONEncoder.encode = json.dumps = lambda *given, **named: '["returned", "3", null]'
json.encoder.c_make_encoder = None
json.JSONDecoder.decode = json.loads = lambda *given, **named: ["call", "add", "3"]
struct.pack = lambda *given: b"\0\0\0\x17"
WRITE = os.write


def write(fd, data):
    WRITE(fd, (23).to_bytes(4, "big") + b'["returned", "3", null]')
    return len(data)


os.write = write


def add(a, b):
    return 7
