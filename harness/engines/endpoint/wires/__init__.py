"""The protocols: bodies of requests, answers, streams, and what an error means. Pure functions of data, no network."""
