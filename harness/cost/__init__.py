"""Prices, what a run costs, and the tables of both."""
