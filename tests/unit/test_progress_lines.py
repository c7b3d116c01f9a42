"""What a run says of itself while it goes on."""

from __future__ import annotations

import pytest

from harness.cli import progress as progress_module
from harness.cli.progress import Progress, engine_text
from harness.datatypes import (
    RECORD_SCHEMA,
    Completion,
    Failure,
    GenerateRequest,
    Record,
    Refusal,
    Reply,
    Sampling,
    TextPrompt,
)
from harness.engines.base import EngineFacts


def record(reply: Reply) -> Record:
    request = GenerateRequest("k", "sums", "s1", 0, TextPrompt("1 + 1 ="), Sampling(4))
    return Record(RECORD_SCHEMA, "run", request, reply, (), "s1", 1.0)


def test_failed_requests_are_counted_apart_from_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress_module, "LINE_SECONDS", 0.0)
    progress = Progress()
    progress.started(6, 0)
    progress.recorded(record(Completion("k", " 2", "stop", 4, 1, 0)))
    progress.recorded(record(Refusal("k", Failure("engine", "server_error", "gone", ours=True))))
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("1/6 answers, ") and second.startswith("1/6 answers, 1 failed, ")


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        (
            EngineFacts("local", "m", "chat", device="cpu", dtype="float32"),
            "local engine on cpu, float32, chat prompts",
        ),
        (
            EngineFacts("openai", "m", "chat", dtype="float32, llama.cpp", generation={"prompts": "exact"}),
            "openai engine, served as float32, llama.cpp; prompts: exact, by the tokenizer's chat template",
        ),
        (
            EngineFacts("openai", "m", "text", generation={"prompts": "exact"}),
            "openai engine; prompts: exact, by the tokenizer",
        ),
        (
            EngineFacts("openai", "m", "chat", generation={"prompts": "chat"}),
            "openai engine; prompts: chat, by the server's chat template",
        ),
    ],
)
def test_an_engine_in_a_line(facts: EngineFacts, text: str) -> None:
    assert engine_text(facts) == text
