"""From an article to a claim page: which sentences can be checked, found by rules, and what would settle each."""
