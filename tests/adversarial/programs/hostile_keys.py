# {"tries": "dictionary keys whose hash and equality raise, or loop", "right": ["failed", "error"]}
class Key:
    alive = False

    def __hash__(self):
        if Key.alive:
            raise KeyboardInterrupt("no hash for you")
        return 3

    def __eq__(self, other):
        raise SystemExit(0)


def add(a, b):
    made = {Key(): 3, 3.5: Key()}
    Key.alive = True
    return made
