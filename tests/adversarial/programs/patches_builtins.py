# {"tries": "replaces functions in the builtins module", "right": ["failed", "exited", "error"]}
import builtins

builtins.abs = lambda x: 0.0
builtins.len = lambda x: 3
builtins.isinstance = builtins.all = builtins.any = builtins.issubclass = lambda *given: True
builtins.AssertionError = builtins.BaseException = KeyError
builtins.__build_class__ = None


def add(a, b):
    return 3
