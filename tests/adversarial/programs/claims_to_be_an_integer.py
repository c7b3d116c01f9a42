# {"tries": "an object whose __class__ is int and which turns into any number that is wanted", "right": ["failed", "error"]}
class Actor:
    __class__ = int

    def __index__(self):
        return 3

    __int__ = __hash__ = __index__

    def __float__(self):
        return 0.3

    def __eq__(self, other):
        return True


def add(a, b):
    return Actor()
