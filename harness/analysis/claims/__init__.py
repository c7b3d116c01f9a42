"""From evidence to a verdict on a sentence: pure, no disk, no model."""
