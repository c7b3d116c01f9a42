"""An article -> a claim page: every checkable sentence, a proposed reading, and what it leaves open.

Guarantees: each quote is in the article, with its line; the page passes the schema of claim pages; what nothing here
measures is listed as such, with the reason. Does not know whether a reading is what the author meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from io import StringIO
from typing import Any

from harness.claims.drafting.asserted import is_asserted
from harness.claims.drafting.clauses import is_of_another
from harness.claims.drafting.found import Context, Found
from harness.claims.drafting.names import (
    Mention,
    declared_in,
    distinct,
    mentions,
    other_names,
    price_pages_of,
    same_model,
    subject_of,
)
from harness.claims.drafting.owners import known_as
from harness.claims.drafting.rules import OF_SUBJECT, RULES, architecture
from harness.claims.drafting.rules.availability import named_licence
from harness.claims.drafting.rules.languages import find_in_head
from harness.claims.drafting.rules.scores import find_in_row
from harness.claims.drafting.sentences import headings_of, is_verbatim, sentences_of, table_rows_of
from harness.claims.page import ClaimPage
from harness.errors import UserError

HEAD = """\
# A draft: read every `reading` and what is under `assumed`, and change what the article means otherwise.
# `harness claim check ./{name}.yaml` judges it by published numbers, prices and facts; `try_it` says what you can run.
"""
# Of a subject that was not given
GUESSED = (
    "# The subject, {subject}, is the model that the article names most: draft with --subject NAME if it is another.\n"
)


# A sentence that begins so goes on about what the one before it is about
_PRONOUN = re.compile(r"[\"“*_]*(?:It|Its|That model|This model|The model)\b")


@dataclass(frozen=True, slots=True)
class Draft:
    """A drafted page: its text, its content, the article's subject, and whether that is a guess."""

    text: str
    page: ClaimPage
    subject: str
    guessed: bool = False


def draft_page(
    article: str,
    name: str,
    subject: str | None = None,
    url: str = "",
    kind: str = "press",
    proposed: Sequence[Found] = (),
) -> Draft:
    """Draft a claim page named `name`. Raises UserError for an article without a model or without a checkable sentence.

    `proposed` are sentences that a model found, beside those of the rules.
    """
    context = context_of(article, subject)
    found = [*found_in(article, context), *proposed]
    if not found:
        raise UserError(
            f"no sentence about {context.subject} can be checked: none states a score, a comparison, a price, "
            "languages, an architecture or a licence (the rules read English)"
        )
    claims = _claims(found, context, name, {"url": url or "not given", "kind": kind, "wording": "verbatim"})
    models = "s" if len(context.others) != 1 else ""
    about = f"Drafted from an article about {context.subject}, which names {len(context.others)} other model{models}."
    data = {"name": name, "about": about, "claims": claims}
    page = ClaimPage.model_validate(data)
    for claim in page.claims:
        assert is_verbatim(claim.quote, article)
    head = HEAD.format(name=name) + (GUESSED.format(subject=context.subject) if context.guessed else "")
    return Draft(head + _yaml(data), page, context.subject, context.guessed)


def context_of(article: str, subject: str | None = None) -> Context:
    """The article's subject and the other models that it names. Raises UserError if it names no model."""
    texts = [sentence.text for sentence in sentences_of(article)]
    rows = table_rows_of(article)
    header = " | ".join(rows[0].header) if rows else ""
    found = subject or _guessed(texts, header)
    if found is None:
        named = ", ".join(one.written for one in distinct(one for text in texts for one in mentions(text)))
        what = f"compares with {named} and names no model that it is clearly about" if named else "names no model"
        raise UserError(f"the article {what}: pass --subject NAME")
    texts += [header] if header else []
    others = [one for text in texts for one in mentions(text) if not same_model(one.name, found)]
    own = [text for text in texts if not is_of_another(text, found)]
    licence = next((named for text in own if (named := named_licence(text))), "")
    return Context(found, tuple(distinct(others)), licence, subject is None, known_as(own, found))


def _guessed(texts: Sequence[str], header: str) -> str | None:
    """The model that the texts name most, or a bare name that they introduce as a model and name as often."""
    named, declared = subject_of(texts, header), declared_in(texts)
    if declared is None or named is None:
        return named or declared
    of_named = sum(same_model(one.name, named) for text in texts for one in mentions(text))
    of_declared = sum(len(re.findall(rf"\b{re.escape(declared)}\b", text)) for text in texts)
    return declared if of_declared >= of_named else named


def refuse_absent(article: str, subject: str) -> None:
    """Raise UserError for a subject that the article does not name, with the models that it names."""
    named = distinct(one for sentence in sentences_of(article) for one in mentions(sentence.text))
    named += distinct(one for row in table_rows_of(article)[:1] for one in mentions(" | ".join(row.header)))
    plain = re.sub(r"[\s_-]+", " ", article).casefold()
    wanted = re.sub(r"[\s_-]+", " ", subject.rpartition("/")[2].strip()).casefold()
    if wanted and re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain):
        return
    if any(same_model(one.name, subject) for one in named):
        return
    listed = ", ".join(one.written for one in distinct(named))
    raise UserError(
        f"--subject {subject}: the article does not name it; it names {listed or 'no model by a known form of name'}"
    )


def found_in(article: str, context: Context) -> list[Found]:
    """What the rules find, in the article's order; one claim of a kind for a sentence, and one for the whole article of
    what is said again.
    """
    found: list[Found] = find_in_head(article, context)
    aside = _sections_of_others(article, context.subject)
    before = ""
    for sentence in sentences_of(article):
        last, before = before, sentence.text if not article[sentence.end :].startswith(("\n\n", "\r\n\r\n")) else ""
        if not is_asserted(sentence.text):
            continue
        # "GPT-4o is well ahead. It gets 96%": nothing says that the pronoun is for the article's model
        if last and _PRONOUN.match(sentence.text) and is_of_another(last, context.subject):
            before = last if before else ""
            continue
        if is_of_another(sentence.text, context.subject) or any(sentence.start in section for section in aside):
            continue
        own = replace(sentence, text=context.own_part(sentence.text))
        for rule in RULES:
            read = own if rule in OF_SUBJECT else sentence
            found += [replace(one, sentence=sentence) for one in rule(read, context)]
    for row in table_rows_of(article):
        if not any(row.row.start in section for section in aside):
            found += find_in_row(row, context) or architecture.find_in_row(row, context)
    found.sort(key=lambda one: one.sentence.start)
    return _without_repeats(found)


def _sections_of_others(article: str, subject: str) -> list[range]:
    """The parts under a heading that begins with another model, as of a changelog with a heading for each version."""
    headings = headings_of(article)
    ends = [*(heading.start for heading in headings[1:]), len(article)][: len(headings)]
    found = []
    for heading, end in zip(headings, ends, strict=True):
        named = mentions(heading.text)
        if named and named[0].start == 0 and not any(same_model(one.name, subject) for one in named):
            found.append(range(heading.start, end))
    return found


def _without_repeats(found: Sequence[Found]) -> list[Found]:
    """Each test once, quoted where it is said first in a whole sentence (a heading is none)."""
    first: dict[str, Found] = {}
    for one in found:
        test = one.keys["test"]
        # What nothing measures has no test to tell it by
        tested = repr({**one.keys, "protocol": None, "models": [other.name for other in one.comparators]})
        key = (
            f"{one.slug} {one.sentence.start if one.slug == 'proposed' else ''}" if test.get("not_measured") else tested
        )
        if key not in first or (one.sentence.ends and not first[key].sentence.ends):
            first[key] = one
    return sorted(first.values(), key=lambda one: one.sentence.start)


def _claims(found: Sequence[Found], context: Context, page: str, source: dict[str, Any]) -> list[dict[str, Any]]:
    start = re.sub(r"[^a-z0-9.]+", "-", context.subject.rpartition("/")[2].casefold()).strip("-.")
    counts: dict[str, int] = {}
    claims = []
    for one in found:
        counts[one.slug] = counts.get(one.slug, 0) + 1
        number = f"-{counts[one.slug]}" if counts[one.slug] > 1 else ""
        place = f"line {one.sentence.line}, characters {one.sentence.start} to {one.sentence.end}"
        claims.append(_claim(one, f"{start}-{one.slug}{number}", context, page, {**source, "place": place}))
    return claims


def _claim(one: Found, name: str, context: Context, page: str, source: dict[str, Any]) -> dict[str, Any]:
    notes = [one.note] if one.note else []
    if notes:
        source["note"] = "; ".join(notes)
    priced = one.keys["relation"] == "ratio<="
    claim: dict[str, Any] = {
        "id": name,
        "quote": one.sentence.text,
        "reading": one.reading,
        "source": source,
        "subject": _party(context.subject, priced=priced),
    }
    if one.comparators:
        claim["comparators"] = [_named(other, priced=priced) for other in one.comparators]
    claim |= dict(one.keys)
    assumed = [*(["subject"] if context.guessed else []), *one.assumed]
    if assumed:
        claim["assumed"] = assumed
    if one.published:
        claim["published"] = [
            {
                **{key: value for key, value in row.items() if key != "own"},
                "who": "the article",
                "source": source["url"],
                **({"own": True} if row["own"] else {}),
            }
            for row in one.published
        ]
    if advice := _advice(one, name, page):
        claim["try_it"] = advice
    return claim


def _party(name: str, *, priced: bool) -> dict[str, Any]:
    plain = Mention(name, 0, 0).name
    party: dict[str, Any] = {"model": plain}
    also = [other for other in dict.fromkeys([name, *other_names(plain)]) if other != plain]
    if also:
        party["also"] = also
    if priced:
        party["prices"] = price_pages_of(plain)
    return party


def _named(mention: Mention, *, priced: bool) -> dict[str, Any]:
    return _party(mention.written, priced=priced)


def _advice(one: Found, name: str, page: str) -> list[str]:
    """What a reader can run."""
    relation, test = one.keys["relation"], one.keys["test"]
    if test.get("not_measured"):
        return []
    if relation == "ratio<=":
        return ["`harness cost list` shows the prices and their sources"]
    if relation == "count>=":
        return [
            f"`harness run --model MODEL --suite {test['suite']} --out runs/languages`, then check this page with it"
        ]
    if relation == "fact":
        return ["`harness models inspect MODEL`, then add what it shows under `evidence`"]
    sides = " --subject MODEL" + " --comparator MODEL" * len(one.comparators) if one.comparators else " --model MODEL"
    return [f"`harness claim check ./{page}.yaml:{name} --run{sides}`"]


def _yaml(data: dict[str, Any]) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.comments import CommentedMap, CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    def shaped(value: Any, depth: int) -> Any:
        if isinstance(value, dict):
            made = CommentedMap((key, shaped(item, depth + 1)) for key, item in value.items())
            if depth > 2:
                made.fa.set_flow_style()
            return made
        if isinstance(value, list):
            listed = CommentedSeq(shaped(item, depth + 1) for item in value)
            if depth > 2 and all(isinstance(item, str) for item in value):
                listed.fa.set_flow_style()
            return listed
        return DoubleQuotedScalarString(value) if isinstance(value, str) and " " in value else value

    out = StringIO()
    yaml = YAML()
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.dump(shaped(data, 0), out)
    return re.sub(r"\n  - id: ", "\n\n  - id: ", out.getvalue())
