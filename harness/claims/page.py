"""Claim pages: published sentences about models, and what would settle each. Files in `configs/claims/`.

Guarantees: every claim states what is tested, with which threshold or comparator, and the source of each number it
uses; `checked` marks a number that was not read in its source. `assumed` lists what the sentence leaves open. Does not
know whether a number is true.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from pydantic import Field, PrivateAttr, model_validator

from harness.config import pages
from harness.config.checking import check
from harness.config.section import Name, Section
from harness.config.yaml_page import YamlPage, read, shown
from harness.errors import ConfigError, HarnessError, UnknownName, error_prefix

KIND = "configs/claims"
LISTING = "harness claim list"
Relation = Literal[">=", ">", "<=", "<", "=", "within", "non_inferior", "ratio<=", "count>=", "fact"]
Checked = Literal["read", "second_hand", "not_checked"]
Aggregate = Literal["each", "mean", "any"]
THRESHOLDS = (">=", ">", "<=", "<", "=")
ORDERS = (">=", ">", "<=", "<")
AGAINST_OTHERS = ("within", "non_inferior", "ratio<=")


class ClaimSource(Section):
    """Who published the sentence, where and when. `as_reported`: its meaning, not its exact words.

    `place`: where in the source it is, such as a line.
    """

    url: str
    date: datetime.date | str | None = None
    kind: Literal["press", "vendor", "paper", "leaderboard"]
    wording: Literal["verbatim", "as_reported"] = "as_reported"
    place: str = ""
    note: str = ""


class StandIn(Section):
    """A small model and tasks to demonstrate the check; they never decide about the subject."""

    model: str
    tasks: list[str] = Field(min_length=1)


class Party(Section):
    """A model in the sentence. `also`: its other names in runs and tables; `prices`: its price pages."""

    model: str
    also: list[str] = Field([])
    revision: str | None = None
    mode: str | None = None
    prices: list[str] = Field([])


class Subject(Party):
    """The model that the sentence is about, and whether a reader can run it (`runnable`: on which machine)."""

    runnable: str | None = None
    stand_in: StandIn | None = None


class ClaimTest(Section):
    """What is measured: a metric on tasks, languages of a suite, a fact of the model, or nothing available here.

    `each`: the claim must hold on every task; `any`: on one; `mean`: for the mean over tasks. `about`: the skill behind
    the score (generalisation), or the score on exactly these items, which a complete run settles for certain.
    """

    metric: str | None = None
    tasks: list[str] = Field([])
    suite: str | None = None
    aggregate: Aggregate = "each"
    about: Literal["skill", "benchmark"] = "skill"
    english: str | None = Field(None, description="the task in English, with which the other languages are compared")
    chance: float | None = Field(None, gt=0, lt=1)
    margin: float | None = Field(None, gt=0, lt=1, description="how far below English a language may be")
    fact: str | None = None
    equals: str | None = None
    at_most: float | None = Field(None, strict=False)
    at_least: float | None = Field(None, strict=False, description="of a fact; with `at_most` a range")
    not_measured: str | None = Field(None, description="why nothing here measures it")
    difficulty: str | None = Field(
        None,
        description="page of the items' difficulty, its file, or none [default: where it is known to save samples]",
    )


class Protocol(Section):
    """The protocol of a number, as far as it is stated; what is absent is unknown (in a claim: irrelevant)."""

    shots: int | None = None
    prompt: Literal["chat", "text"] | None = None
    decoding: Literal["greedy", "sampled"] | None = None
    temperature: float | None = Field(None, strict=False)
    samples: int | None = None
    max_tokens: int | None = None
    tools: bool | None = None
    version: str | None = Field(None, description="of the benchmark: release, split, window of dates")
    harness: str | None = Field(None, description="whose prompts and extraction")

    def given(self) -> dict[str, object]:
        """The fields that are given."""
        return self.model_dump(exclude_none=True)


class ClaimStats(Section):
    """`alpha`: the probability of refuting a true claim, and of supporting a false one."""

    alpha: float = Field(0.05, gt=0, lt=0.5)
    min_n: int = Field(1, ge=1, description="fewer samples settle nothing")


class Published(Section):
    """A published number. `value` is a share (0.768), unless the metric is no proportion; `n`: the number of items."""

    model: str
    revision: str | None = None
    mode: str | None = None
    task: str
    value: float = Field(strict=False)
    n: int | None = Field(None, ge=1)
    who: str
    source: str
    date: datetime.date | str | None = None
    checked: Checked = "read"
    own: bool = Field(False, description="by the side that the claim favours: may refute it, never support it")
    protocol: Protocol = Protocol()
    note: str = ""


class Stated(Section):
    """A fact: read from a `config` file beside this page, or a `value` stated in a source."""

    model: str
    fact: str | None = None
    value: str | float | None = None
    config: str | None = None
    who: str = ""
    source: str
    date: datetime.date | str | None = None
    checked: Checked = "read"
    note: str = ""

    @model_validator(mode="after")
    def _one(self) -> Stated:
        if (self.config is None) == (self.value is None or self.fact is None):
            raise ValueError("give `config`, or `fact` with `value`")
        return self


class Claim(Section):
    """One sentence: the quote, its source, the model it is about, and the test that settles it.

    `reading` is its interpretation. `tolerance` widens the threshold ("nearly"), or is the margin of `within` and
    `non_inferior`; with `=` it is the half-width around the number (default: half a unit of the last printed digit).
    `by`: the least difference from the comparators ("by 10 points" is 0.1); `times`: the least ratio ("twice" is 2).
    `try_it`: what a reader can run.
    """

    id: Name
    quote: str
    reading: str
    source: ClaimSource
    subject: Subject
    comparators: list[Party] = Field([])
    test: ClaimTest
    relation: Relation
    threshold: float | None = Field(None, strict=False)
    by: float | None = Field(None, gt=0, strict=False, description="least difference from the comparators, as a share")
    times: float | None = Field(None, gt=0, strict=False, description="least ratio to the comparators")
    tolerance: float = Field(0.0, ge=0, strict=False)
    protocol: Protocol = Protocol()
    assumed: list[str] = Field([])
    stats: ClaimStats = ClaimStats()
    published: list[Published] = Field([])
    evidence: list[Stated] = Field([])
    try_it: list[str] = Field([])
    _file: str = PrivateAttr("")
    _folder: Path | None = PrivateAttr(None)

    @model_validator(mode="after")
    def _holds_together(self) -> Claim:
        fault = _fault(self)
        if fault:
            raise ValueError(fault)
        return self

    @property
    def place(self) -> str:
        """`FILE:ID`, as messages about the claim begin; the id alone for a claim that was not read from a page."""
        return f"{self._file}:{self.id}" if self._file else self.id

    def read_from(self, file: str, folder: Path | None = None) -> None:
        """Keep the file that the claim was read from, and the folder that files which it names are in."""
        self._file, self._folder = file, folder

    @property
    def folder(self) -> Path | None:
        """The folder of the claim's page; None for a claim that was not read from one."""
        return self._folder

    @contextmanager
    def named_in_errors(self) -> Iterator[None]:
        """Put the claim's place in front of the message of a HarnessError that passes by and has no place yet."""
        try:
            yield
        except HarnessError as error:
            if error.located or str(error).startswith(self.place):
                raise
            with error_prefix(f"{self.place}: "):
                raise

    @property
    def bar(self) -> float:
        """The threshold with its tolerance: what is tested; with `=` the number itself."""
        if self.relation == "=":
            return float(self.threshold or 0.0)
        shift = self.tolerance if self.relation in (">=", ">") else -self.tolerance
        return round((self.threshold or 0.0) - shift, 12)

    @property
    def width(self) -> float:
        """The half-width of `=`: the tolerance, else half a unit of the last printed digit."""
        return self.tolerance or (printed_unit(self.quote, self.threshold or 0.0) or 0.0) / 2


def printed_unit(quote: str, share: float) -> float | None:
    """Return one unit of the last digit of a share as the sentence prints it; None where it does not print it.

    `75 %` is 0.01, `75.0 %` 0.001, `0.75` 0.01.
    """
    for number, percent in re.findall(r"(?<![\d.,])(\d+(?:[.,]\d+)?)\s*(%|per\s?cent|percent)?", quote):
        digits = number.replace(",", ".")
        decimals = len(digits.partition(".")[2]) + (2 if percent else 0)
        if abs(float(digits) / (100 if percent else 1) - share) < 1e-9:
            return float(10.0**-decimals)
    return None


class ClaimPage(Section):
    """Claims that belong together, such as those of one article."""

    name: Name
    about: str
    claims: list[Claim] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids_differ(self) -> ClaimPage:
        twice = [one for one, count in Counter(claim.id for claim in self.claims).items() if count > 1]
        if twice:
            raise ValueError(f"two claims have the id {twice[0]!r}; rename one")
        return self


def claim_page(name: str) -> tuple[ClaimPage, YamlPage]:
    """Load a page by name or file. Raises UnknownName, or ConfigError with file, line and key."""
    page = read(pages.find(KIND, "claim page", name, LISTING))
    own = [key for key in page.data if key in Claim.model_fields and key not in ClaimPage.model_fields]
    if own and "claims" not in page.data:
        raise ConfigError(
            f"{page.where((own[0],))}{', '.join(own)}: a page has a list of claims: put "
            f"{'it' if len(own) == 1 else 'them'} under `claims: [...]`, beside `name` and `about` "
            "(docs/claims.md has a whole page)"
        )
    found = check(ClaimPage, page)
    if found.name != page.path.stem:
        raise ConfigError(f"{page.where(('name',))}name is {found.name!r}, but the file is {page.path.name}")
    for claim in found.claims:
        claim.read_from(shown(page.path), page.path.parent)
    return found, page


def find_claims(name: str) -> list[tuple[Claim, YamlPage]]:
    """Return the claims of a page (name or file), or the one with this id: `ID`, or `PAGE:ID` for a file.

    Raises UnknownName, ConfigError.
    """
    whole, _, picked = name.partition(":")
    known = pages.index(KIND)
    if pages.is_file_name(whole) or whole in known:
        found, page = claim_page(whole)
        claims = [claim for claim in found.claims if picked in ("", claim.id)]
        if not claims:
            where = f"{shown(page.path)}:{picked}: "
            raise UnknownName("claim", picked, [claim.id for claim in found.claims], where=where)
        return [(claim, page) for claim in claims]
    ids: dict[str, tuple[Claim, YamlPage]] = {}
    for stem in known:
        found, page = claim_page(stem)
        ids |= {claim.id: (claim, page) for claim in found.claims}
    if name not in ids:
        raise UnknownName("claim", name, [*known, *ids], listing=LISTING)
    return [ids[name]]


def _fault(claim: Claim) -> str:
    """What is inconsistent in a claim; empty if nothing is."""
    test, relation = claim.test, claim.relation
    if test.difficulty is not None and test.about != "benchmark":
        return "`difficulty` needs `about: benchmark`: of a skill the mean difficulty of all problems is not known"
    if test.difficulty is not None and (claim.threshold is None or relation not in ORDERS):
        return (
            f"`difficulty` needs a threshold and one of the relations {', '.join(ORDERS)}: it is for one model's score"
        )
    if test.not_measured:
        return "" if not test.tasks and not test.fact else "`not_measured` goes with neither tasks nor a fact"
    if relation == "fact":
        bounded = test.at_most is not None or test.at_least is not None
        if not test.fact or (test.equals is None) != bounded:
            return "relation `fact` needs `test: {fact: ..., equals: ...}`, or `at_least` and `at_most`, or one of them"
        if test.at_least is not None and test.at_most is not None and test.at_least > test.at_most:
            return f"`at_least` {test.at_least:g} is above `at_most` {test.at_most:g}: no fact is in that range"
        return ""
    if relation == "ratio<=":
        priced = [party.prices for party in (claim.subject, *claim.comparators)]
        if len(priced) < 2 or not all(priced) or claim.threshold is None:
            return "relation `ratio<=` needs a threshold, and `prices` of the subject and of its comparators"
        return ""
    if relation == "count>=":
        needed = (test.suite, test.english, test.chance, test.margin, claim.threshold)
        return "" if None not in needed else "relation `count>=` needs threshold, suite, english, chance and margin"
    differing = _differing_fault(claim)
    if differing:
        return differing
    if not test.tasks or test.metric is None:
        return f"relation `{relation}` needs `test: {{metric: ..., tasks: [...]}}`"
    if relation in AGAINST_OTHERS and not claim.comparators:
        return f"relation `{relation}` needs comparators"
    if relation in AGAINST_OTHERS and not claim.tolerance:
        return f"relation `{relation}` needs a tolerance: the largest difference that still counts as equal"
    if claim.threshold is not None and claim.comparators:
        return (
            "`threshold` is for one model's score: remove `comparators`; or replace `threshold` by "
            f"`by: {claim.threshold:g}` (a difference from them) or `times:` (a ratio)"
        )
    if claim.threshold is None and not claim.comparators:
        return "give `threshold` or `comparators`: what the score is compared with"
    if relation == "=" and not claim.width:
        return (
            f"relation `=` needs a tolerance: the quote does not contain {claim.threshold:g}, whose last digit would "
            "give one"
        )
    if relation == "=" and not 0 < (claim.threshold or 0.0) - claim.width < (claim.threshold or 0.0) + claim.width < 1:
        return "relation `=` needs a threshold and tolerance between 0 and 1; use `>=` or `<=` for an end of the scale"
    return ""


def _differing_fault(claim: Claim) -> str:
    """What is inconsistent with `by` and `times`; empty if nothing is."""
    if claim.relation == "=" and claim.comparators:
        return "relation `=` compares a score with a number; to compare with a model, use `within` with a tolerance"
    given = [name for name in ("by", "times") if getattr(claim, name) is not None]
    if not given:
        return ""
    if len(given) > 1:
        return "give `by` (a difference) or `times` (a ratio), not both"
    if claim.relation not in ORDERS or not claim.comparators or claim.threshold is not None:
        return f"`{given[0]}` needs comparators, one of the relations {', '.join(ORDERS)}, and no threshold"
    if claim.by is not None and claim.by >= 1:
        return f"`by` is a share: {claim.by:g} points are {claim.by / 100:g}"
    return ""
