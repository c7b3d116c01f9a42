"""Models behind a server: what the engines that speak HTTP share. The engines themselves are `openai` and `anthropic`.

A `Wire` (one per protocol) turns calls into HTTP bodies and answers back into `WireReply`; the pool sends them, at the
pace that each server bears; the probe finds out what a server really does; the engine words the replies.
"""
