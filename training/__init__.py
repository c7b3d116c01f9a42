"""How the demo models and the demo suite are made: the problem generators, the draw, and the training script.

Not part of the library: nothing in `harness` imports it, and the wheel does not hold it.
"""
