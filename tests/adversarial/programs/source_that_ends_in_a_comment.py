# {"tries": "a last line without an end, whose comment would hide the first line after it", "right": ["failed"], "cut": 1}
def add(a, b):
    return 0


check = lambda candidate: None  #
