# {"tries": "a number that is wrong and answers every further look with something else", "right": ["failed"]}
class Moody(int):
    looks = 0

    def __getattribute__(self, name):
        Moody.looks += 1
        return int.__getattribute__(self, name)

    def __add__(self, other):
        Moody.looks += 1
        return [0, 3, 0, 1000001][Moody.looks % 4]

    def __eq__(self, other):
        return Moody.looks % 2 == 0

    __hash__ = int.__hash__


def add(a, b):
    return Moody(-1)
