"""Rows: from a file, the offline mirror, or the hub at a pinned revision; one way of loading for all."""
