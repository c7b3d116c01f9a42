"""One file per way of isolating programs. `build()` returns a Sandbox, `advice()` the fix if the machine refuses it."""
