"""One record as a person reads it: what the model was given, what it answered, and what that was worth.

Lines come with the name of their style; they may hold anything that a model wrote, so a writer makes them visible.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.datatypes import (
    Completion,
    Likelihood,
    LikelihoodRequest,
    Prompt,
    Record,
    Refusal,
    Request,
    RollingRequest,
    Score,
    TextPrompt,
)

Line = tuple[str, str]
# Of a long prompt the end is shown, which holds the question
PROMPT_LINES = 12
ANSWER_LINES = 40
# Of a line that is longer than any screen, the beginning
LINE_CHARS = 2000
INDENT = "    "
FINISHED = {
    "stop": "ended at a stop string",
    "eos": "ended by itself",
    "length": "cut at max_tokens",
    "window": "cut, the context window was full",
    "filtered": "withheld by the server's filter",
}


def prompt_text(request: Request) -> str:
    """The prompt before any template of a model: text as it is, messages with their roles."""
    if isinstance(request, RollingRequest):
        return request.text
    return text_of(request.prompt)


def text_of(prompt: Prompt) -> str:
    """A prompt as text."""
    if isinstance(prompt, TextPrompt):
        return prompt.text
    parts = [f"[{message.role}]\n{message.content}" for message in prompt.messages]
    return "\n".join([*parts, *([f"[assistant begins with]\n{prompt.prefill}"] if prompt.prefill else [])])


def record_lines(record: Record, *, full: bool = False) -> Iterator[Line]:
    """Yield the lines of a record; long prompts and answers in part, unless `full`."""
    request = record.request
    attempt = f", try {request.repeat + 1}" if request.repeat else ""
    yield f"{request.task}: {request.sample_id}{attempt}", "bold"
    prompt = prompt_text(request).split("\n")
    hidden = 0 if full else max(0, len(prompt) - PROMPT_LINES)
    yield f"  prompt{_tokens(record)}{f', without its first {hidden} lines' if hidden else ''}", "dim"
    yield from (_line(line, full=full) for line in prompt[hidden:])
    if isinstance(request, LikelihoodRequest):
        yield from _options(request, record.reply if isinstance(record.reply, Likelihood) else None)
    elif isinstance(record.reply, Completion):
        yield from _answer(record.reply, full=full)
    if isinstance(record.reply, Refusal):
        yield f"  unscored: {record.reply.failure.kind}: {record.reply.failure.message}", "yellow"
    for score in record.scores:
        text, style = _verdict(score)
        yield _whole_or_begin(text, full=full), style


def _tokens(record: Record) -> str:
    count = getattr(record.reply, "prompt_tokens", None)
    return "" if count is None else f" ({count} tokens)"


def _answer(reply: Completion, *, full: bool) -> Iterator[Line]:
    count = "" if reply.output_tokens is None else f"{reply.output_tokens} tokens, "
    if reply.reasoning:
        yield f"  reasoning (returned apart, {len(reply.reasoning)} characters)", "dim"
        yield from _cut(reply.reasoning, full=full)
    yield f"  answer ({count}{FINISHED[reply.finish]})", "dim"
    yield from _cut(reply.text, full=full)


def _cut(text: str, *, full: bool) -> Iterator[Line]:
    lines = text.split("\n")
    if full or len(lines) <= ANSWER_LINES:
        yield from (_line(line, full=full) for line in lines)
        return
    half = ANSWER_LINES // 2
    yield from (_line(line, full=full) for line in lines[:half])
    yield f"{INDENT}... {len(lines) - 2 * half} lines ...", "dim"
    yield from (_line(line, full=full) for line in lines[-half:])


def _line(line: str, *, full: bool) -> Line:
    return INDENT + _whole_or_begin(line, full=full), ""


def _whole_or_begin(line: str, *, full: bool) -> str:
    if full or len(line) <= LINE_CHARS:
        return line
    return f"{line[:LINE_CHARS]} ... {len(line) - LINE_CHARS} more characters"


def _options(request: LikelihoodRequest, reply: Likelihood | None) -> Iterator[Line]:
    yield "  options, by log-probability" if reply else "  options", "dim"
    scored: Sequence[object] = reply.continuations if reply else ()
    best = max((each.logprob for each in reply.continuations), default=0.0) if reply else 0.0
    for place, text in enumerate(request.continuations):
        if place < len(scored) and reply is not None:
            each = reply.continuations[place]
            mark = "  (likeliest)" if each.logprob == best else ""
            yield f"{INDENT}{each.logprob:10.3f}  {text!r}{mark}", ""
        else:
            yield f"{INDENT}{text!r}", ""


def _verdict(score: Score) -> Line:
    if score.value is None:
        assert score.failure is not None
        return f"  {score.scorer}: unscored: {score.failure.kind}: {score.failure.message}", "yellow"
    reason = score.failure.message if score.failure else score.explanation
    kind = f"{score.failure.kind}: " if score.failure and score.failure.kind not in reason else ""
    style = "green" if score.value >= 1 else "red"
    return f"  {score.scorer}: {score.value:g}{f' - {kind}{reason}' if reason else ''}", style
