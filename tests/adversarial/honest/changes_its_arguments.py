# {"tries": "changes a list and a nested dictionary of the tests in place", "right": ["passed"], "tests": "items, table = [3, 1, 2], {'a': [1], 'gone': 0}\nalias = table['a']\nassert add(items, table) is None\nassert items == [1, 2, 3, 4] and table == {'a': [1, 2], 'new': (5,)} and alias == [1, 2]"}
def add(items, table):
    items.append(4)
    items.sort()
    table["a"].append(2)
    del table["gone"]
    table["new"] = (5,)
