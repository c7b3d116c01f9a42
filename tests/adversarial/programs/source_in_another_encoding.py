# {"tries": "an encoding line that would turn comments into code", "right": ["failed", "error"]}
# -*- coding: utf-7 -*-
def add(a, b):
    return 0


#+AAo-add = lambda a, b: a + b
#+AAo-import os
#+AAo-os._exit(0)
