"""Requests in, replies out, as a stream. An engine knows no task; `base` is the contract that each of them keeps.

The names of the engines that come with the library are known here and nowhere else.
"""

BUILT_IN = ("local", "reference", "scripted", "openai", "anthropic")
# What runs where no engine is set
DEFAULT_ENGINE = "local"
# What asks a server where its URL is set (`--endpoint`) and no engine
ENDPOINT_ENGINE = "openai"
# What reads answers that were made elsewhere (`--completions`)
REPLAY_ENGINE = "scripted"
