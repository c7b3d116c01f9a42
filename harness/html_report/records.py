"""Records -> what the page holds: JSON, each text visible, cut and kept once; compressed where it is large.

The block is a list: what is common to all rows first, then the rows. A row defines the paragraphs of prompts that no
row before it had (`new`), and names all of them by their number, so that few-shot examples are there once.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from harness.analysis.selection import each_score, failure_of, kinds_of, mark_of
from harness.datatypes import (
    ChatPrompt,
    Completion,
    Likelihood,
    LikelihoodRequest,
    Prompt,
    Record,
    Refusal,
    Request,
    RollingRequest,
    TextPrompt,
)
from harness.html_report.places import answer_place, answer_start, utf16
from harness.html_report.rows import Row
from harness.report.record_text import FINISHED
from harness.report.visible import visible, visible_line

# Characters of a text that are shown; of a longer one the middle is left out
MOST = 20_000
# Characters of an explanation, or of an option
MOST_REASON = 2_000
# Bytes of JSON above which the block is compressed
PLAIN = 2_000_000
# A page with more is slow to open and refused by mail servers: bytes after compression, and before it
BUDGET, BUDGET_PLAIN = 8_000_000, 64_000_000
_RIGHT = re.compile(r"\bright is (\d+(?: or \d+)*)")


class Block:
    """The records of the page, row by row, until they fill it."""

    def __init__(self, head: Mapping[str, Any]) -> None:
        """Begin with what is common to all rows."""
        self._known: dict[bytes, int] = {}
        # gzip's own header, for the browser's DecompressionStream
        self._compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        self._compressed = bytearray()
        self._text: list[bytes] = []
        self._size = 0
        self._write(b"[" + _encode(head))

    @property
    def is_full(self) -> bool:
        """Whether a further row would not fit."""
        return len(self._compressed) >= BUDGET or self._size >= BUDGET_PLAIN

    def add(
        self, row: Row, records: Sequence[Record | None], tasks: Sequence[str], first: Collection[str] = ()
    ) -> None:
        """Add a row with its complete records. `first`: scorers whose extraction takes the first of several matches."""
        new: list[str] = []
        prompts: list[Any] = []
        cells = [None if record is None else self._cell(record, prompts, new, first) for record in records]
        values = {
            "order": row.order,
            "task": tasks.index(row.task),
            "sample": visible_line(row.sample_id),
            "repeat": row.repeat,
            "prompts": prompts,
            "cells": cells,
        }
        self._write(b",\n" + _encode(values | ({"new": new} if new else {})))

    def finish(self) -> tuple[Markup, bool]:
        """Return the content of the page's data element, and whether it is gzip in base64 rather than JSON."""
        self._write(b"]")
        if self._size <= PLAIN:
            # Nothing in it can end the element, or begin a comment, in which a script element does not end
            return Markup(b"".join(self._text).decode("utf-8").replace("<", "\\u003c")), False
        self._compressed += self._compressor.flush()
        return Markup(base64.b64encode(self._compressed).decode("ascii")), True

    def _write(self, text: bytes) -> None:
        self._size += len(text)
        self._compressed += self._compressor.compress(text)
        if self._size <= PLAIN:
            self._text.append(text)
        else:
            self._text.clear()

    def _cell(self, record: Record, prompts: list[Any], new: list[str], first: Collection[str]) -> dict[str, Any]:
        prompt = [[role, self._numbers(text, new)] for role, text in _turns(record.request)]
        if prompt not in prompts:
            prompts.append(prompt)
        text, start = _answer(record)
        shown = cut(text[start:])
        return _without_nothing(
            {
                "prompt": prompts.index(prompt),
                "text": shown,
                "reasoning": _reasoning(record, text[:start]),
                "facts": _facts(record),
                "options": _options(record),
                "scores": [_score(one, shown, one.scores[0].scorer in first) for one in each_score(record)]
                or [_unscored(record)],
            }
        )

    def _numbers(self, text: str, new: list[str]) -> list[int]:
        """The numbers of a text's paragraphs; those that are not known yet are added to `new`."""
        numbers = []
        for part in re.split(r"(?<=\n\n)(?=[^\n])", cut(text)):
            digest = hashlib.blake2b(part.encode("utf-8"), digest_size=16).digest()
            if digest not in self._known:
                self._known[digest] = len(self._known)
                new.append(part)
            numbers.append(self._known[digest])
        return numbers


def cut(text: str, most: int = MOST) -> str:
    """A text as it is shown: hidden characters escaped, without the middle of one longer than `most` characters."""
    if len(text) <= most:
        return visible(text)
    half = most // 2
    return f"{visible(text[:half])}\n[... {len(text) - 2 * half:,} characters left out ...]\n{visible(text[-half:])}"


def _encode(values: Any) -> bytes:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")


def _turns(request: Request) -> Iterable[tuple[str, str]]:
    """A prompt as (role, text); the role of plain text is empty."""
    if isinstance(request, RollingRequest):
        return [("", request.text)]
    prompts: tuple[Prompt, ...] = (request.prompt,)
    if isinstance(request, LikelihoodRequest) and request.contexts:
        prompts = request.contexts
    return [turn for prompt in prompts for turn in _turns_of(prompt)]


def _turns_of(prompt: Prompt) -> list[tuple[str, str]]:
    if isinstance(prompt, TextPrompt):
        return [("", prompt.text)]
    begun = [("assistant begins with", prompt.prefill)] if prompt.prefill else []
    return [*((message.role, message.content) for message in prompt.messages), *begun]


def _answer(record: Record) -> tuple[str, int]:
    """The completion, and where its answer begins behind reasoning that is written in it."""
    reply = record.reply
    if not isinstance(reply, Completion):
        return "", 0
    return reply.text, answer_start(reply.text, reply.reasoning_mark)


def _reasoning(record: Record, written: str) -> str:
    apart = record.reply.reasoning if isinstance(record.reply, Completion) else ""
    return cut("\n".join(part for part in (apart, written) if part))


def _facts(record: Record) -> list[str]:
    """What is known of how an answer came to be, in words."""
    reply = record.reply
    if isinstance(reply, Refusal):
        return [cut(f"no answer: {reply.failure.kind}: {reply.failure.message}", MOST_REASON)]
    facts = [FINISHED[reply.finish]] if isinstance(reply, Completion) else []
    if reply.prompt_tokens is not None:
        cached = f" ({reply.cached_tokens:,} from the cache)" if reply.cached_tokens else ""
        facts.append(f"{reply.prompt_tokens:,} prompt tokens{cached}")
    if reply.dropped_tokens:
        facts.append(f"{reply.dropped_tokens:,} tokens cut from the prompt's beginning")
    if isinstance(reply, Completion) and reply.output_tokens is not None:
        facts.append(f"{reply.output_tokens:,} new tokens")
    if reply.seconds is not None:
        facts.append(f"{reply.seconds:.3g} s")
    if isinstance(getattr(record.request, "prompt", None), ChatPrompt):
        kept = f" (SHA-256 {reply.prompt_hash[:12]})" if reply.prompt_hash else ""
        facts.append(f"messages before the model's chat template; of the rendered prompt only the hash is kept{kept}")
    return facts


def _options(record: Record) -> list[list[Any]]:
    """Continuations as (text, log-probability, words): which the model found likeliest, and which is right."""
    request, reply = record.request, record.reply
    if not isinstance(request, LikelihoodRequest):
        return []
    scored = reply.continuations if isinstance(reply, Likelihood) else ()
    first = record.scores[0] if record.scores else None
    chosen = first.detail.get("chosen") if first else None
    stated = _RIGHT.search(first.explanation) if first else None
    right = {int(number) for number in stated[1].split(" or ")} if stated else set()
    return [
        [
            cut(text, MOST_REASON),
            f"{scored[place].logprob:.3f}" if place < len(scored) else "",
            ", ".join(word for word, is_so in (("chosen", place == chosen), ("right", place in right)) if is_so),
        ]
        for place, text in enumerate(request.continuations)
    ]


def _score(record: Record, text: str, pick_first: bool) -> dict[str, Any]:
    """The score of a record that has one. `place` is where in the shown text its answer is, in the browser's units.

    The answer itself is left out where it is what is at that place.
    """
    score = record.scores[0]
    failure = score.failure
    reason = failure.message if failure else score.explanation
    if failure and failure.stage != "extract" and failure.kind not in reason:
        reason = f"{failure.kind}: {reason}"
    if isinstance(score.detail.get("status"), str):
        reason += f" (the program: {score.detail['status']}, {score.detail.get('seconds', '?')} s)"
    answer = cut(score.answer or "")
    place = answer_place(answer, text, first=pick_first)
    is_there = place is not None and text[slice(*place)] == answer
    return _without_nothing(
        {
            **_unscored(record),
            "scorer": visible_line(score.scorer),
            "value": score.value,
            "reason": cut(reason, MOST_REASON),
            "answer": "" if is_there else answer,
            "place": [] if place is None else utf16(text, place),
        }
    )


def _unscored(record: Record) -> dict[str, Any]:
    return {
        "scorer": "no score",
        "mark": mark_of(record),
        "kinds": sorted(kinds_of(record)),
        "failure": visible_line(failure_of(record)),
        "value": None,
    }


def _without_nothing(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name == "value" or value not in ("", [], 0)}
