"""The project's metrics as `evaluate` modules: `evaluate.load("<this folder>/pass_at_k")`, offline, without the rest.

Each folder holds one module of its own name, whose class says what it computes; `module.py` has what they share.
Importing one imports `evaluate`, which takes seconds: nothing in the harness does so.
"""
