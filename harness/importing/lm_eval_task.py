"""What a page of lm-evaluation-harness asks: its rows, fields, examples and requests, by the rules of version 0.4.13.

This is a reading of those rules of its own, independent of how our pages make prompts: an import is right where both
give the same bytes. The rules that surprise: a field that is a column's name is that column, else a template; one
that prints digits is an index where there are options, and one that prints `[...]` is a list; the first row decides
whether a page has several right answers or an input for each option; a question is left out of its own examples where
examples and questions are of the same split, or neither of the two is named.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any

from jinja2 import BaseLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from harness.errors import ConfigError, DataError
from harness.importing.lm_eval_code import Functions
from harness.importing.lm_eval_data import ForeignData
from harness.importing.lm_eval_yaml import ForeignPage, Function

Doc = dict[str, Any]
SHOT_SEED = 1234
RENDER_ERRORS = (
    *(TemplateError, ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError),
    ValueError,
)


@dataclass(frozen=True, slots=True)
class RowRequests:
    """What is requested for a row: contexts, each with the continuation that is scored (None: text is generated)."""

    contexts: tuple[str, ...]
    continuations: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Parts:
    """A question or an example: its text, what is put behind that, the answer, and what is put behind the answer."""

    question: str
    delimiter: str
    answer: str
    separator: str


@dataclass(slots=True)
class ForeignTask:
    """A page with its rows."""

    page: ForeignPage
    data: ForeignData
    functions: Functions
    docs: list[Doc] = field(init=False)
    features: frozenset[str] = field(init=False)
    multiple_input: bool = field(init=False, default=False)
    multiple_target: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Read the rows, and what the first one decides. Raises ConfigError, DataError, HubError."""
        self.docs = self._processed(self.data.questions())
        if not self.docs:
            raise DataError(f"{self.page.place('dataset_path')}: no rows are left to ask about")
        self.features = frozenset(self.docs[0])
        self.multiple_input = self.has_options and isinstance(self.text(self.docs[0]), int)
        self.multiple_target = isinstance(self.target(self.docs[0]), list)

    # --- what the page says ----------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The task's name there."""
        return str(self.page.values["task"])

    @property
    def kind(self) -> str:
        """The output type."""
        return str(self.page.values.get("output_type") or "generate_until")

    @property
    def has_options(self) -> bool:
        """Whether rows have options."""
        return self.page.values.get("doc_to_choice") is not None

    @property
    def shots(self) -> int:
        """How many examples a prompt has."""
        return int(self.page.values.get("num_fewshot") or 0)

    @property
    def target_delimiter(self) -> str:
        """What is put between a question and its answer."""
        return str(self.page.values.get("target_delimiter", " "))

    @property
    def fewshot_delimiter(self) -> str:
        """What is put behind an example."""
        return str(self.page.values.get("fewshot_delimiter", "\n\n"))

    def of_shots(self, key: str) -> Any:
        """A key for examples: of `fewshot_config`, else the page's own."""
        own = self.data.fewshot_config.get(key)
        return self.page.values.get(key) if own is None else own

    # --- fields ----------------------------------------------------------------------------------

    def text(self, doc: Doc, shot: bool = False) -> str | int:
        """`doc_to_text` of a row: a text, or an index where there are inputs to choose from."""
        spec = self._spec("doc_to_text", shot)
        if isinstance(spec, int):
            return spec
        if isinstance(spec, Function):
            called: str | int = self._typed(self._called(spec, "doc_to_text", doc), "doc_to_text", str, int)
            return called
        if not isinstance(spec, str):
            raise ConfigError(f"{self.page.place('doc_to_text')}: doc_to_text is a {type(spec).__name__}")
        if spec in self.features:
            column: str | int = self._typed(doc[spec], "doc_to_text", str, int)
            return column
        text = self._rendered(spec, doc, "doc_to_text")
        return int(text) if text.isdigit() and self.has_options else text

    def target(self, doc: Doc, shot: bool = False) -> Any:
        """`doc_to_target` of a row: a text, an index, or a list of them."""
        spec = self._spec("doc_to_target", shot)
        if isinstance(spec, int | list):
            return spec
        if isinstance(spec, Function):
            return self._called(spec, "doc_to_target", doc)
        if not isinstance(spec, str):
            raise ConfigError(f"{self.page.place('doc_to_target')}: doc_to_target is a {type(spec).__name__}")
        if spec in self.features:
            return doc[spec]
        text = self._rendered(spec, doc, "doc_to_target")
        if text.isdigit() and self.has_options:
            return int(text)
        if len(text) >= 2 and text[0] == "[" and text[-1] == "]":
            try:
                return ast.literal_eval(text)
            except (SyntaxError, ValueError):
                return text
        return text

    def options(self, doc: Doc, shot: bool = False) -> list[Any]:
        """`doc_to_choice` of a row."""
        spec = self._spec("doc_to_choice", shot)
        if isinstance(spec, Function):
            found = self._called(spec, "doc_to_choice", doc)
        elif isinstance(spec, str):
            if spec in self.features:
                found = doc[spec]
            else:
                text = self._rendered(spec, doc, "doc_to_choice")
                try:
                    found = ast.literal_eval(text)
                except (SyntaxError, ValueError):
                    raise DataError(
                        f"{self.page.place('doc_to_choice')}: doc_to_choice prints no list: {text[:80]!r}"
                    ) from None
        else:
            found = list(spec.values()) if isinstance(spec, Mapping) else spec
        return list(self._typed(found, "doc_to_choice", list, tuple))

    def prefix(self, doc: Doc, shot: bool = False) -> str | None:
        """`gen_prefix` of a row, the beginning of the answer."""
        spec = self.of_shots("gen_prefix") if shot else self.page.values.get("gen_prefix")
        return str(self._resolved(spec, doc, "gen_prefix")) if spec else None

    def description(self, doc: Doc) -> str:
        """The text before everything."""
        spec = self.page.values.get("description")
        return str(self._resolved(spec, doc, "description") or "") if spec else ""

    def golds(self, doc: Doc) -> list[Any]:
        """The right answers of a row: indices of options in a multiple choice, else texts."""
        gold = self.text(doc) if self.multiple_input else self.target(doc)
        if self.kind == "multiple_choice":
            options = self.options(doc)
            found = gold if isinstance(gold, list) else [gold]
            return [options.index(each) if isinstance(each, str) and each in options else each for each in found]
        if self.has_options and self.kind == "generate_until":
            return [self.options(doc)[self._typed(gold, "doc_to_target", int)]]
        if self.multiple_target:
            return list(gold) if isinstance(gold, list) else [gold]
        return [gold if isinstance(gold, str) else str(gold)]

    # --- requests --------------------------------------------------------------------------------

    def shots_of(self, count: int) -> list[list[Doc]]:
        """The examples of the first `count` rows."""
        if not self.shots:
            return [[] for _ in self.docs[:count]]
        pool = self.pool()
        generator = Random(SHOT_SEED)
        chosen = []
        for doc in self.docs[:count]:
            others = [row for row in pool if row != doc] if self.data.leaves_out_question else pool
            if self.data.sampler == "first_n":
                if self.shots > len(others):
                    raise DataError(f"{self.page.place('num_fewshot')}: {self.shots} examples, {len(others)} rows")
                chosen.append(others[: self.shots])
                continue
            wanted = self.shots + self.data.leaves_out_question
            if wanted > len(pool):
                raise DataError(f"{self.page.place('num_fewshot')}: {wanted} examples are drawn from {len(pool)} rows")
            drawn = generator.sample(pool, wanted)
            if self.data.leaves_out_question:
                drawn = [row for row in drawn if row != doc][: self.shots]
                if len(drawn) < self.shots:
                    drawn = generator.sample(others, self.shots)
            chosen.append(drawn)
        return chosen

    def pool(self) -> list[Doc]:
        """The rows that examples are taken from."""
        if self.data.pool_is_split:
            return self._processed(self.data.pool_rows())
        samples = self.data.fewshot_config["samples"]
        if isinstance(samples, Function):
            samples = self.functions.call(samples, self.page.place("fewshot_config"))
        return [dict(row) for row in self._typed(samples, "fewshot_config", list)]

    def example(self, doc: Doc) -> Parts:
        """An example as its parts."""
        question = self.text(doc, shot=True)
        target = self.target(doc, shot=True)
        options = self.options(doc, shot=True) if self.has_options else None
        if self.multiple_input:
            assert options is not None
            question, options = options[int(question)], None
        if not isinstance(question, str):
            raise DataError(f"{self.page.place('doc_to_text')}: an example's doc_to_text is no text: {question!r}")
        delimiter, separator = self.delimiters()
        prefix = self.prefix(doc, shot=True)
        if target is None or target == "":
            return Parts(question, delimiter if prefix and _apart(question, prefix) else "", prefix or "", "")
        if options and isinstance(target, int):
            answer: Any = options[target]
        else:
            answer = target[0] if isinstance(target, list) else target
        if not isinstance(answer, str):
            raise DataError(f"{self.page.place('doc_to_target')}: an example's answer is no text: {answer!r}")
        between = delimiter if not prefix or _apart(question, prefix) else ""
        return Parts(question, between, _joined(prefix, answer, " "), separator)

    def question(self, doc: Doc) -> tuple[str, ...]:
        """The question of a row with the beginning of its answer; one for each option where options are inputs."""
        texts = tuple(self.options(doc)) if self.multiple_input else (self.text(doc),)
        prefix = self.prefix(doc)
        between = "" if self.multiple_input else self.target_delimiter
        contexts = []
        for text in texts:
            if not isinstance(text, str):
                raise DataError(f"{self.page.place('doc_to_text')}: doc_to_text is no text: {text!r}")
            contexts.append(text + (between if _apart(text, prefix) else "") + prefix if prefix else text)
        return tuple(contexts)

    def before(self, doc: Doc, shots: Sequence[Doc]) -> str:
        """What comes before a question: description and examples."""
        shown = (self.example(shot) for shot in shots)
        worked = "".join(each.question + each.delimiter + each.answer + each.separator for each in shown)
        return self.description(doc) + worked

    def requests(self, doc: Doc, shots: Sequence[Doc]) -> RowRequests:
        """The requests of a row."""
        if self.kind == "loglikelihood_rolling":
            return RowRequests(("",), (str(self.target(doc)),))
        contexts = tuple(self.before(doc, shots) + question for question in self.question(doc))
        if self.kind == "generate_until":
            return RowRequests(contexts, None)
        if self.kind == "loglikelihood":
            return RowRequests(contexts, (self.target(doc),))
        if self.multiple_input:
            return RowRequests(contexts, (f"{self.target_delimiter}{self.target(doc)}",) * len(contexts))
        options = self.options(doc)
        return RowRequests(contexts * len(options), tuple(f"{self.target_delimiter}{option}" for option in options))

    # --- inside ----------------------------------------------------------------------------------

    def delimiters(self) -> tuple[str, str]:
        """What an example has between question and answer, and behind the answer."""
        of_target, of_shot = self.of_shots("target_delimiter"), self.of_shots("fewshot_delimiter")
        return " " if of_target is None else str(of_target), "\n\n" if of_shot is None else str(of_shot)

    def _spec(self, key: str, shot: bool) -> Any:
        return self.of_shots(key) if shot else self.page.values.get(key)

    def _processed(self, rows: Sequence[Doc]) -> list[Doc]:
        function = self.page.values.get("process_docs")
        if function is None:
            return [dict(row) for row in rows]
        place = self.page.place("process_docs")
        # Before the library is imported, which takes a second
        self.functions.get(function, place)
        import datasets
        import pyarrow

        datasets.disable_progress_bars()
        try:
            table = datasets.Dataset.from_list([dict(row) for row in rows])
        except (pyarrow.ArrowException, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{place}: the rows make no table: {error}") from None
        made = self.functions.call(function, place, table)
        return [dict(row) for row in made]

    def _called(self, function: Function, key: str, doc: Doc) -> Any:
        return self.functions.call(function, self.page.place(key), dict(doc))

    def _typed(self, value: Any, key: str, *kinds: type) -> Any:
        if not isinstance(value, kinds) or isinstance(value, bool):
            expected = " or ".join(kind.__name__ for kind in kinds)
            raise DataError(f"{self.page.place(key)}: {key} gives {value!r:.60}, expected {expected}")
        return value

    def _resolved(self, spec: Any, doc: Doc, key: str) -> Any:
        return doc[spec] if spec in self.features else self._rendered(str(spec), doc, key)

    def _rendered(self, template: str, doc: Doc, key: str) -> str:
        try:
            return str(environment().from_string(template).render(**doc))
        except RENDER_ERRORS as error:
            fault = " ".join(str(error).split())[:200]
            raise DataError(
                f"{self.page.place(key)}: {key} cannot be filled: {type(error).__name__}: {fault}"
            ) from None


@cache
def environment() -> SandboxedEnvironment:
    """Their templates: strict, every newline kept, and one filter of their own."""
    found = SandboxedEnvironment(loader=BaseLoader(), undefined=StrictUndefined, keep_trailing_newline=True)
    found.filters["regex_replace"] = _regex_replace
    return found


def _regex_replace(text: str, pattern: str, replacement: str, count: int = 0) -> str:
    return re.sub(pattern, replacement, text, count=count)


def _apart(before: str, after: str | None) -> bool:
    """Whether two texts need something between them: there is no white space where they meet."""
    return bool(before) and bool(after) and not (before[-1].isspace() or (after or "")[0].isspace())


def _joined(before: str | None, after: str, delimiter: str) -> str:
    if not before or not after:
        return (before or "") + after
    return before + (delimiter if _apart(before, after) else "") + after
