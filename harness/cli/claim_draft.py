"""`harness claim draft`: an article becomes a claim page."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.completion import model_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.claims.drafting.draft import Draft
    from harness.claims.drafting.found import Found

Text = str | None
# Longer texts are no article; the rules would take minutes
MOST_CHARS = 1_000_000


def draft_claims(
    article: Annotated[str, typer.Argument(metavar="ARTICLE", help="text or Markdown file; - reads standard input")],
    out: Annotated[
        Path | None, typer.Option(help="the page to write; - prints it [default: the article's name, .yaml, here]")
    ] = None,
    subject: Annotated[Text, typer.Option(help="the model that it is about [default: the one it names most]")] = None,
    url: Annotated[str, typer.Option(help="where the article was published")] = "",
    kind: Annotated[str, typer.Option(help="press, vendor, paper or leaderboard")] = "press",
    model: Annotated[
        Text, typer.Option(autocompletion=model_names, help="a model that may propose more sentences, each marked so")
    ] = None,
    device: Annotated[Text, typer.Option(help="with --model: auto, cpu, cuda, ...")] = None,
) -> None:
    """Find the sentences of an article that can be checked, and write a claim page with a reading of each.

    Quotes are verbatim, with their place. What a sentence leaves open is under `assumed`; what nothing here measures is
    listed with the reason. The rules read English and need no model.
    """
    from harness.claims.drafting.draft import context_of, draft_page, found_in, refuse_absent

    if kind not in ("press", "vendor", "paper", "leaderboard"):
        from harness.errors import UnknownName

        raise UnknownName("kind of source", kind, ["press", "vendor", "paper", "leaderboard"])
    text, name = _read(article)
    page = out if out is not None else Path(f"{name}.yaml")
    to_stdout = str(page) == "-"
    if not to_stdout:
        _refuse_to_replace(page)
        name = page.stem
    if subject is not None:
        refuse_absent(text, subject)
    context = context_of(text, subject)
    proposed: Sequence[Found] = ()
    if model is not None:
        proposed = _proposed(text, context, found_in(text, context), model, device)
    draft = draft_page(text, name, subject, url, kind, proposed)
    if to_stdout:
        sys.stdout.write(draft.text)
        return
    _write(page, draft)


def _read(article: str) -> tuple[str, str]:
    """The article's text, and a name for its page."""
    import re

    from harness.errors import UserError

    path = Path(article).expanduser()
    try:
        data = sys.stdin.buffer.read() if article == "-" else path.read_bytes()
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise UserError(f"{article}: is no text in UTF-8; save the article as plain text") from None
    except OSError as error:
        raise UserError(f"{article}: cannot be read ({error.strerror})") from None
    if not text.strip():
        raise UserError(f"{article}: is empty")
    if len(text) > MOST_CHARS:
        raise UserError(f"{article}: has {len(text):,} characters, more than {MOST_CHARS:,}; pass one article")
    name = "article" if article == "-" else path.stem
    return text, re.sub(r"[^a-z0-9._-]+", "-", name.casefold()).strip("-.") or "article"


def _refuse_to_replace(page: Path) -> None:
    from harness.errors import UserError

    if page.suffix not in (".yaml", ".yml"):
        raise UserError(f"--out {page}: a claim page ends with .yaml")
    if page.exists():
        raise UserError(f"{page}: is there already; give another name with --out, or remove it")


def _proposed(text: str, context: object, found: Sequence[Found], model: str, device: Text) -> Sequence[Found]:
    from harness.claims.drafting.found import Context
    from harness.claims.drafting.proposals import proposals
    from harness.cli.run import read_config
    from harness.cli.screen import status_line
    from harness.engines.base import Accountable
    from harness.engines.registry import engine_name, open_engine
    from harness.plan import model_spec

    assert isinstance(context, Context)
    config = read_config(model, {"device": device}, [])
    options = config.engine.options()
    engine = open_engine(engine_name(config.engine.name, options), model_spec(config.model), options)
    status = status_line()
    status.show(f"{config.model.name} reads the article")
    try:
        if isinstance(engine, Accountable):
            engine.ready()
        return proposals(text, context, found, engine, config.model.name)
    finally:
        status.clear()
        engine.close()


def _write(page: Path, draft: Draft) -> None:
    from harness.cli.screen import console
    from harness.errors import unwritable
    from harness.report.tables import Column, Row, Table
    from harness.report.terminal import print_table

    try:
        page.write_text(draft.text, encoding="utf-8")
    except OSError as error:
        raise unwritable(page, error) from None
    columns = (
        Column("Claim", number=False, key=True),
        Column("Judged by", number=False),
        Column("Sentence", number=False, free=True),
    )
    rows = tuple(Row((claim.id, _judged_by(claim), claim.quote)) for claim in draft.page.claims)
    print_table(Table(f"{draft.subject}: {len(rows)} claims", columns, rows), console())
    if draft.guessed:
        print(f"\nAssumed: it is about {draft.subject}, which it names most; --subject NAME if it is another.", end="")
    shown = page if page.is_absolute() or len(page.parts) > 1 else f"./{page}"
    print(f"\nThe draft is in {page}: read each `reading` and `assumed`, then: harness claim check {shown} --brief")


def _judged_by(claim: object) -> str:
    from harness.claims.page import Claim

    assert isinstance(claim, Claim)
    test = claim.test
    if test.not_measured:
        return "nothing here"
    return test.suite or test.fact or ", ".join(test.tasks) or "prices"
