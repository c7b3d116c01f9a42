"""Statistics: pure mathematics that knows no record, task or model."""
