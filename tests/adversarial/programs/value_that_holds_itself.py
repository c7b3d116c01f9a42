# {"tries": "a dictionary that is its own value, in a list that is its own item", "right": ["error", "failed"]}
def add(a, b):
    own = {}
    ring = [own]
    own["me"] = ring
    ring.append(ring)
    return ring
