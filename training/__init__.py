"""The embedded default: two tiny models, the generator of the problems they learn, and the demo suite's draw.

Nothing else in the house imports this package: models and suite are used through the same doors as any
others.
"""
