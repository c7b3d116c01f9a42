# {"tries": "becomes a fresh interpreter that sends the same answer to every question, in every known framing", "right": ["failed", "error", "exited"]}
import os
import sys

ROBOT = """
import json, os
def frame(message): data = json.dumps(message).encode(); return len(data).to_bytes(4, "big") + data
words = [["loaded"], ["names", {"add": "function", "check": "function"}]] + [["returned", "3", None]] * 8
for fd in range(1, 64):
    for word in words:
        try: os.write(fd, frame(word))
        except OSError: break
"""
os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", ROBOT])
