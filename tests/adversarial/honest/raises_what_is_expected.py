# {"tries": "exceptions as results, built in and its own", "right": ["passed"], "tests": "for bad, kind in ((None, TypeError), ('x', ValueError), (0, ZeroDivisionError), ({}, KeyError)):\n    try:\n        add(bad, 1)\n    except kind as error:\n        assert kind is not ValueError or 'no number' in str(error)\n    else:\n        assert False\nassert add(2, 1) == 3"}
class NoNumber(ValueError):
    pass


def add(a, b):
    if isinstance(a, str):
        raise NoNumber("no number: " + a)
    if isinstance(a, dict):
        return a["missing"]
    return 1 // a * 0 + a + b
