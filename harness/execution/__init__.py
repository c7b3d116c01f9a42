"""Runs untrusted programs: builds them from candidate and tests (`languages/`), isolates them (`sandboxes/`) and turns
what was observed into a verdict (`verdicts.py`).
"""
