"""Log-probabilities in the replies of the OpenAI protocol: of new tokens, of prompt tokens, of named tokens.

Guarantee: what is returned belongs to the token ids that were sent; anything else raises WireError.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.engines.endpoint.wire import ChoiceCall, PromptToken, ScoreCall, Usage
from harness.engines.endpoint.wires.faults import not_returned

# JSON has no infinity: vLLM and OpenAI send this for a token of probability 0
MINUS_INFINITY = -9999.0
BY_ID = "token_id:"


def new_tokens(logprobs: Any) -> tuple[list[float], list[int]]:
    """Return the log-probabilities of new tokens in either shape, and their ids where every one has its id.

    Raises WireError for entries without a number.
    """
    if not isinstance(logprobs, Mapping):
        return [], []
    content = logprobs.get("content")
    if isinstance(content, list):
        # The shape of the chat route, which llama.cpp has on both
        entries = [entry if isinstance(entry, Mapping) else {} for entry in content]
        values = [_number(entry.get("logprob")) for entry in entries]
        names = [entry.get("id", entry.get("token")) for entry in entries]
    else:
        values = [_number(value) for value in logprobs.get("token_logprobs") or []]
        names = list(logprobs.get("tokens") or [])
    numbers = [value for value in values if value is not None]
    if len(numbers) < len(values):
        raise not_returned("a new token of the answer has no log-probability")
    ids = [number for name in names if (number := _id_of(name)) is not None]
    return numbers, ids if len(ids) == len(numbers) else []


def prompt_tokens(
    call: ScoreCall, body: Mapping[str, Any], choice: Mapping[str, Any], usage: Usage
) -> tuple[PromptToken, ...]:
    """Return the scored tokens of a prompt but its first. Raises WireError if they are not those that were sent."""
    rows = choice.get("prompt_logprobs")
    if rows is None:
        rows = body.get("prompt_logprobs")
    if rows is not None:
        check_prompt_ids(call.ids, body, choice, usage)
        return _by_prompt_logprobs(call.ids, rows, usage)
    return _by_echo(call.ids, choice.get("logprobs"), usage)


def option_logprobs(
    call: ChoiceCall, body: Mapping[str, Any], choice: Mapping[str, Any], usage: Usage
) -> dict[int, float]:
    """Return the log-probability of each option. Raises WireError if one is missing."""
    check_prompt_ids(call.ids, body, choice, usage)
    logprobs = choice.get("logprobs")
    tops = logprobs.get("top_logprobs") if isinstance(logprobs, Mapping) else None
    first = tops[0] if isinstance(tops, list) and tops else None
    if not isinstance(first, Mapping):
        raise not_returned("the answer has no log-probabilities of the options", usage)
    found = {number: _number(value) for name, value in first.items() if (number := _id_of(name)) is not None}
    values = {option: found.get(option) for option in call.options}
    missing = [option for option, value in values.items() if value is None]
    if missing:
        raise not_returned(f"the answer has no log-probability of the token {missing[0]}", usage)
    return {option: value for option, value in values.items() if value is not None}


def check_prompt_ids(ids: Sequence[int], body: Mapping[str, Any], choice: Mapping[str, Any], usage: Usage) -> None:
    """Raise WireError where the server states that it read other tokens."""
    returned = returned_prompt_ids(body, choice)
    if returned is not None and returned != tuple(ids):
        raise not_returned("the server read other tokens than were sent", usage)


def returned_prompt_ids(body: Mapping[str, Any], choice: Mapping[str, Any]) -> tuple[int, ...] | None:
    """The prompt as the server read it: in the choice of a completion, on the top level of a chat."""
    found = choice.get("prompt_token_ids")
    if found is None:
        found = body.get("prompt_token_ids")
    return tuple(found) if isinstance(found, list) else None


def _by_prompt_logprobs(ids: Sequence[int], rows: Any, usage: Usage) -> tuple[PromptToken, ...]:
    """vLLM: for each place an object by token id, with the rank of each; null for the first."""
    if not isinstance(rows, list) or len(rows) != len(ids):
        count = len(rows) if isinstance(rows, list) else 0
        raise not_returned(f"the answer scores {count} prompt tokens where {len(ids)} were sent", usage)
    tokens = []
    for place, (token, row) in enumerate(zip(ids[1:], rows[1:], strict=True), start=1):
        entry = row.get(str(token)) if isinstance(row, Mapping) else None
        value = _number(entry.get("logprob")) if isinstance(entry, Mapping) else None
        if not isinstance(row, Mapping) or not isinstance(entry, Mapping) or value is None:
            raise not_returned(
                f"the answer has no log-probability of the prompt's token {token} at place {place}", usage
            )
        rank = entry.get("rank")
        others = [_number(one.get("logprob")) for one in row.values() if isinstance(one, Mapping)]
        likeliest = all(other is None or value >= other for other in others)
        if not isinstance(rank, int) and len(row) < 2 and likeliest:
            raise not_returned("the answer does not state which token of the prompt is the likeliest", usage)
        tokens.append(PromptToken(token, value, rank == 1 if isinstance(rank, int) else likeliest))
    return tuple(tokens)


def _by_echo(ids: Sequence[int], logprobs: Any, usage: Usage) -> tuple[PromptToken, ...]:
    """The prompt comes back before the answer: its tokens as `token_id:7`, their values, and the likeliest ones."""
    lists = logprobs if isinstance(logprobs, Mapping) else {}
    names, values, tops = (lists.get(name) for name in ("tokens", "token_logprobs", "top_logprobs"))
    if not (isinstance(names, list) and isinstance(values, list) and isinstance(tops, list)):
        raise not_returned("the answer has no log-probabilities of the prompt", usage)
    count = len(ids)
    if not (len(names) == len(values) == len(tops)) or len(names) not in (count, count + 1):
        raise not_returned(f"the answer scores {len(names)} tokens where {count} were sent", usage)
    if tuple(_id_of(name) for name in names[:count]) != tuple(ids):
        raise not_returned("the server scored other tokens than were sent", usage)
    tokens = []
    for token, value, top in zip(ids[1:], values[1:count], tops[1:count], strict=True):
        number = _number(value)
        others = [_number(other) for other in top.values()] if isinstance(top, Mapping) else []
        if number is None or not others:
            raise not_returned(f"the answer has no log-probability of the prompt's token {token}", usage)
        tokens.append(PromptToken(token, number, all(other is None or number >= other for other in others)))
    return tuple(tokens)


def _number(value: Any) -> float | None:
    """A log-probability; None for what is none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value) or value == math.inf:
        return None
    return -math.inf if value <= MINUS_INFINITY else float(value)


def _id_of(name: Any) -> int | None:
    """The id in `token_id:7`, or an id itself."""
    if isinstance(name, int) and not isinstance(name, bool):
        return name
    if isinstance(name, str) and name.startswith(BY_ID) and name[len(BY_ID) :].isdecimal():
        return int(name[len(BY_ID) :])
    return None
