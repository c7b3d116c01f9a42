"""One file per language: how it combines a candidate and its tests into a program, and which toolchain it needs."""
