# {"tries": "a thread ends the process with 0 while a call is waiting", "right": ["exited"]}
import os
import threading
import time


def leave():
    time.sleep(0.05)
    os._exit(0)


def add(a, b):
    threading.Thread(target=leave).start()
    time.sleep(30)
