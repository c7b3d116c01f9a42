"""Code that runs in newly started interpreters: zygotes, supervisors and runners. It imports only the standard library,
and little of it.

Every import here costs time, for some programs at each start, so these modules avoid even `typing`, `re` and `json`.
"""
