"""Sample + reply -> score. One file a scorer and, in `extractors/`, one file an extractor, each with `build`."""
