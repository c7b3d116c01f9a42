"""Pages of other harnesses, and pages made from a few answers, written as pages of this one."""
