# {"tries": "a metaclass that lies about bases, instances and subclasses", "right": ["failed", "error"]}
class Liar(type):
    def __instancecheck__(cls, other):
        return True

    def __subclasscheck__(cls, other):
        return True

    def __eq__(cls, other):
        return True

    def __hash__(cls):
        return hash(int)

    @property
    def __mro__(cls):
        return (int, object)


class Thing(metaclass=Liar):
    def __eq__(self, other):
        return True


def add(a, b):
    return Thing()
