"""Tables and files from typed results; this package formats numbers and computes none."""
