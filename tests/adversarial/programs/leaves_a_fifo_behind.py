# {"tries": "right, but its folder holds pipes, sockets and locked names for whoever clears it away", "right": ["passed"]}
import os
import socket

os.mkfifo("pipe")
os.makedirs("a/" * 200)
kept = socket.socket(socket.AF_UNIX)
kept.bind("listener")
for odd in ("-rf", "new\nline", "\udcff", "x" * 255, "*"):
    open(odd, "w").close()
os.mkdir("shut")
open("shut/inner", "w").close()
os.chmod("shut", 0)


def add(a, b):
    return a + b
