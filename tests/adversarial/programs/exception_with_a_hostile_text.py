# {"tries": "an exception whose text raises, whose class name is no name, with terminal codes and half characters", "right": ["error"]}
class Meta(type):
    __name__ = property(lambda cls: "passed\n\x1b[2J\ud800" * 1000)


class Trouble(Exception, metaclass=Meta):
    def __str__(self):
        raise SystemExit(0)

    __repr__ = __str__


def add(a, b):
    raise Trouble("\x00\x1b]0;owned\x07\udcff")
