"""Probes: what a model knows of a benchmark besides its score. `contamination` is the command's way through them."""
