"""Our task pages against those of lm-evaluation-harness."""
