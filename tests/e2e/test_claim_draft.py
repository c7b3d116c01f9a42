"""`harness claim draft`: an article on the command line, and what may go wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.claims.drafting.draft import context_of, draft_page, found_in
from harness.claims.drafting.proposals import proposals
from harness.datatypes import Completion, GenerateRequest, Reply, Request, TextPrompt
from harness.engines.base import EngineFacts

Cli = Callable[..., Any]
ARTICLE = """Acme-7B is here.

It scores 81.5% on HumanEval and supports 30 languages. Its makers call it a milestone for the whole industry.
"""


def test_a_draft_is_written_and_checked_at_once(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "Acme News.txt").write_text(ARTICLE, encoding="utf-8")
    done = cli("claim", "draft", "Acme News.txt")
    assert done.code == 0, done.err
    assert "Acme-7B: 2 claims" in done.out
    assert "harness claim check ./acme-news.yaml --brief" in done.out
    checked = cli("claim", "check", "./acme-news.yaml", "--brief")
    assert checked.code == 0, checked.err
    assert checked.out.count("NOT TESTABLE HERE  ") == 2
    again = cli("claim", "draft", "Acme News.txt")
    assert (again.code, again.out) == (2, "")
    assert "acme-news.yaml: is there already" in again.err


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", (), "article.txt: is empty"),
        (b"\xff\xfe\x00", (), "article.txt: is no text in UTF-8"),
        (b"Nothing to see.", (), "the article names no model: pass --subject NAME"),
        (b"Acme-7B is nice.", (), "no sentence about Acme-7B can be checked"),
        (ARTICLE.encode(), ("--out", "draft.txt"), "--out draft.txt: a claim page ends with .yaml"),
        (ARTICLE.encode(), ("--kind", "blog"), "blog"),
    ],
)
def test_one_line_for_what_is_no_article(
    cli: Cli, tmp_path: Path, content: bytes, options: Sequence[str], message: str
) -> None:
    (tmp_path / "article.txt").write_bytes(content)
    done = cli("claim", "draft", "article.txt", *options)
    assert done.code == 2
    assert message in done.err
    assert len(done.err.strip().splitlines()) == 1


class Reader:
    """An engine that answers with the numbers that it was given, and keeps what it was sent."""

    def __init__(self, answer: str) -> None:
        self.answer, self.prompts = answer, []

    def facts(self) -> EngineFacts:
        return EngineFacts("reader", "reader", "text")

    def check(self, requests: Sequence[Request]) -> None: ...

    def load(self) -> None: ...

    def close(self) -> None: ...

    def stream(self, requests: Sequence[Request]) -> Iterator[Reply]:
        for request in requests:
            assert isinstance(request, GenerateRequest) and isinstance(request.prompt, TextPrompt)
            self.prompts.append(request.prompt.text)
            yield Completion(request.key, self.answer, "stop")


def test_what_a_model_proposes_is_marked_and_in_the_article() -> None:
    context = context_of(ARTICLE)
    found = found_in(ARTICLE, context)
    reader = Reader(" 2, 9 and the moon is made of cheese")
    proposed = proposals(ARTICLE, context, found, reader, "demo")  # type: ignore[arg-type]
    assert "1. Acme-7B is here.\n2. Its makers call it" in reader.prompts[0]
    assert "81.5" not in reader.prompts[0]
    page = draft_page(ARTICLE, "acme", proposed=proposed).page
    (own,) = [claim for claim in page.claims if claim.id == "acme-7b-proposed"]
    assert own.quote == "Its makers call it a milestone for the whole industry."
    assert own.source.note == "proposed by demo"
    assert own.test.not_measured and "proposed by demo" in own.test.not_measured


def test_a_model_that_answers_nothing_proposes_nothing() -> None:
    context = context_of(ARTICLE)
    assert proposals(ARTICLE, context, found_in(ARTICLE, context), Reader("none"), "demo") == ()  # type: ignore[arg-type]
