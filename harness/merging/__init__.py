"""The shards of a run as one run folder, as if one machine had computed it."""
