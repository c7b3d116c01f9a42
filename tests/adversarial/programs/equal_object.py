# {"tries": "an object with every operator, true for everything", "right": ["failed", "error"]}
class Wild:
    def yes(self, *given):
        return True

    def me(self, *given):
        return self

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = __bool__ = __contains__ = yes
    __sub__ = __rsub__ = __abs__ = __add__ = __mul__ = __neg__ = __getitem__ = __call__ = me
    __hash__ = None

    def __ne__(self, other):
        return False


def add(a, b):
    return Wild()
