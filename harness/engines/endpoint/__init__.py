"""Models behind a server: what the engines that speak HTTP share. The engines themselves are `openai` and `anthropic`.

A `Wire` (`wires/`, one per protocol) turns calls into HTTP bodies and answers back into `WireReply`; the pool
(`transport/`) sends them, at the pace that each server bears; the probe (`probe/`) finds out what a server really does;
the engine words the replies.
"""
