"""What a model's code may raise when it is run in a way that its makers did not foresee."""

MODEL_ERRORS = (RuntimeError, ValueError, TypeError, AttributeError, LookupError, AssertionError)
