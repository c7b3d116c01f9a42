# {"tries": "characters that reorder the line for a reader but not for Python", "right": ["failed"]}
def add(a, b):
    return 0 #‮ ⁦return a + b⁩
