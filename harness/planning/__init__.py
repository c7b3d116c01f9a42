"""A plan before a run: which tasks, how many samples, what they will show, and what they will cost."""
