# {"tries": "a trace function that jumps to the last line of whatever is called check", "right": ["failed", "error"]}
import sys
import threading


def jump(frame, event, arg):
    if frame.f_code.co_name == "check" and event == "line":
        frame.f_lineno = max(line for _, _, line in frame.f_code.co_lines() if line)
    return jump


sys.settrace(jump)
threading.settrace(jump)
frame = sys._getframe()
while frame:
    frame.f_trace = jump
    frame = frame.f_back


def add(a, b):
    return -1
