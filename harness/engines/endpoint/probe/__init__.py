"""The start probe: what a server really does, found out by a few small requests."""
