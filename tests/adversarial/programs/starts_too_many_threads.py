# {"tries": "right only if a thousand threads live at once", "right": ["error", "failed", "memory"]}
import threading
import time


def add(a, b):
    for _ in range(1000):
        threading.Thread(target=time.sleep, args=(30,), daemon=True).start()
    return a + b
