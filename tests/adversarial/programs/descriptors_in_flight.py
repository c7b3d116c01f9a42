# {"tries": "passes descriptors through sockets so that more are open than the limit allows", "right": ["failed", "error", "memory"], "memory_mb": 400}
import array
import socket


def add(a, b):
    flying, kept = 0, []
    try:
        for _ in range(60):
            left, right = socket.socketpair()
            kept.append((left, right))
            left.setblocking(False)
            try:
                while flying < 20_000:
                    item = array.array("i", [left.fileno()] * 200)
                    left.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, item)])
                    flying += 200
            except BlockingIOError:
                continue
    except OSError:
        return None
    return a + b if flying >= 20_000 else None
