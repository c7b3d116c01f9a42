"""Verdicts on claims about models, from published numbers, prices, model configs and run folders."""
