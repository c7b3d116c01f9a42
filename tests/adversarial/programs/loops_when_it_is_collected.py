# {"tries": "a wrong answer whose destructor never ends", "right": ["failed", "timeout"], "wall": 0.3}
class Heavy:
    def __del__(self):
        while True:
            pass


def add(a, b):
    Heavy()
    return 0


KEEP = Heavy()


def add(a, b):
    return 0
