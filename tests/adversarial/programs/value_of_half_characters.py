# {"tries": "lone surrogates, nulls and terminal codes as an answer and as output", "right": ["failed"]}
import sys


def add(a, b):
    text = "\ud800\udfff\x00\x1b[31m\x9b2J\u202e3"
    sys.stdout.buffer.write(text.encode("utf-8", "surrogatepass") + b"\xff\xfe\r\b")
    return text
