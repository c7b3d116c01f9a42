# {"tries": "an open string that would swallow tests appended as text", "right": ["error", "compile_error"]}
def add(a, b):
    return 0


'''
