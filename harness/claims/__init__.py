"""Claims, prices, model configs and run folders come together here, and become verdicts."""
