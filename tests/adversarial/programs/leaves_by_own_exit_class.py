# {"tries": "a SystemExit of its own kind, raised inside a call", "right": ["exited", "error"]}
class Done(SystemExit):
    def __init__(self):
        super().__init__(0)
        self.code = 0


def add(a, b):
    raise Done
