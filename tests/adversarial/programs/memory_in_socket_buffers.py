# {"tries": "right only if buffers of sockets hold more than the limit", "right": ["memory", "error", "failed"], "memory_mb": 200}
import socket

kept = []


def fill():
    try:
        for end in socket.socketpair():
            kept.append(end)
            end.setblocking(False)
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 << 20)
            held = 0
            while held < 4 << 20:
                held += end.send(bytes(1 << 20))
    except OSError:
        return False
    return True


# Where the machine allows large buffers at all
HELD = all(fill() for _ in range(60))


def add(a, b):
    return a + b if HELD else None
