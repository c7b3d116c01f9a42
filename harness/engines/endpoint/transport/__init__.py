"""The way over the network: connections, pace, retries, several servers."""
