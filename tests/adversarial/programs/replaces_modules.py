# {"tries": "every loaded module is replaced by an object that agrees to everything", "right": ["failed", "error", "exited"]}
import sys


class Yes:
    def __getattr__(self, name):
        return self

    def __call__(self, *given, **named):
        return self

    def __eq__(self, other):
        return True

    def __bool__(self):
        return True

    __hash__ = object.__hash__


for name in list(sys.modules):
    if name != "builtins":
        sys.modules[name] = Yes()


def add(a, b):
    return Yes()
