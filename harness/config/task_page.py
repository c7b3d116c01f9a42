"""The keys of a task page. Unknown keys are refused; options of scorers and extractors are each plug-in's own.

A *template* is a text with `{{ ... }}`, filled with the row's columns. A *list template* is one `{{ expression }}`
whose value is a list (`"{{ choices.text }}"`), for options and answers of varying number.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from harness.config.section import Name, Section, TaskName


class Source(Section):
    """Where a task comes from, under which licence, and which implementation's numbers it gives (`reference`)."""

    paper: str | None = Field(None, description="address of the paper")
    data: str | None = Field(None, description="address of the data set")
    licence: str | None = Field(None, description="licence of the data, by its SPDX name where it has one")
    reference: str | None = Field(None, description="the implementation whose prompts and scores it has, with version")
    note: str | None = Field(
        None,
        description="what a reader of the score must know: the protocol, what differs from others, traps of the data",
    )


class DrawnRows(Section):
    """A random part of the rows: the first `count` of all in an order shuffled with `seed` (a larger count adds rows).

    Requests are those of the whole task, with the same ids and examples, so that both may be compared. The score's
    interval is for the whole task; tables and warnings state the part.
    """

    count: int = Field(ge=1, description="how many rows")
    seed: int = Field(description="seed of the order")


class Perturbed(Section):
    """Questions that are changed a little, beside the same ones unchanged; `--perturb` sets it for both tasks.

    `rows: originals` keeps the unchanged rows that have variants, `rows: variants` has these variants.
    """

    by: str = Field(description="what is changed: the name of a perturbation, as `--perturb` takes it")
    rows: Literal["originals", "variants"] = Field(description="the unchanged rows that can be changed, or the changed")
    draws: int = Field(2, ge=1, description="variants of each row")
    seed: int = Field(0, description="of the changes")
    file: str | None = Field(None, description="where the questions come from, if they come from a file")
    of: TaskName | None = Field(None, description="with `rows: variants`: the task of the unchanged rows")


class Data(Section):
    """Rows: a hub data set (`org/name`, pinned by `revision`) or a file beside the page (`./rows.jsonl`).

    With several configs in `name`, their rows come one config after the other. The config of a row is `config` in
    templates and in `prepare`.
    """

    path: str = Field(
        description="`org/name` of the hub, a file (`./rows.jsonl`, .csv, ...), or a folder with a file for each split"
    )
    name: str | list[str] | None = Field(
        None, description="config of the hub data set, or several whose rows follow one another"
    )
    revision: str | None = Field(None, description="commit of the hub data set, so that the rows stay the same")
    file: str | None = Field(
        None, description="one file of the hub repository, for data sets that are made by a script"
    )
    split: str = Field(description="the split under test; for a single file any name")
    columns: list[str] = Field(min_length=1, description="columns that templates use; the data must have each")
    where: str | None = Field(
        None, description="template that prints True or False: rows with False are left out, before `prepare`"
    )
    must_set: dict[Literal["name", "where"], str] = Field(
        {}, description="keys of `data` that have no default and that each run sets, with an example of the value"
    )
    id: str | None = Field(None, description="template of the sample id; default: the row's number")
    group: str | None = Field(None, description="template of the cluster that a sample belongs to")
    sample: DrawnRows | None = Field(None, description="only a random part of the rows (after `where`) is run")
    perturbed: Perturbed | None = Field(
        None, description="rows that are changed (`--perturb`), or the unchanged rows of the same questions"
    )

    @model_validator(mode="after")
    def _configs_differ(self) -> Data:
        if isinstance(self.name, list) and (not self.name or len(set(self.name)) < len(self.name)):
            raise ValueError("`name` is an empty list, or has a config twice")
        return self


class ChoiceReference(Section):
    """Options (a template each, or one list template), and a template of the index (from 0) of the right one.

    Where several options are right, `gold` is a list template of their indices. For log-likelihoods: `options_in:
    prompt` puts the option into the prompt (its template prints `option`), and the same `target` is scored after each;
    `unconditional` also scores every option after an empty prompt, for the scorer's `normalise: unconditional`.
    """

    options: str | list[str] = Field(min_length=2, description="a template for each option, or one list template")
    gold: str = Field(description="template of the right option's index, or a list template of several")
    options_in: Literal["target", "prompt"] = Field(
        "target",
        description="`prompt`: the prompt's template prints `option`, and the same `target` is scored after each",
    )
    unconditional: bool = Field(False, description="also score every option after an empty prompt")

    @model_validator(mode="after")
    def _keys_agree(self) -> ChoiceReference:
        if self.unconditional and self.options_in == "prompt":
            raise ValueError("`unconditional` needs options that are continuations (`options_in: target`)")
        return self


class TestsReference(Section):
    """Templates of a program's prelude, suffix, tests and entry point, and where the tests run (Python only).

    The program is prelude + completion + suffix. `cases` is a list template of `{stdin, stdout}`: the whole program
    runs once for each, in place of `tests`; with both keys, each row has the one or the other. `by_value`: tests run in
    a separate process, which exchanges values with the process of the model's program. `in_process`: in the program's
    process, for tests that need its classes or iterators; a program that attacks the tests could forge a pass there.
    """

    language: str = Field(description="programming language of program and tests (`harness doctor` lists them)")
    prelude: str = Field(
        "", description="what the program begins with, such as the prompt that the completion continues"
    )
    suffix: str = Field("", description="what follows the completion in the program")
    tests: str = Field("", description="program that fails unless the answer is right")
    cases: str | None = Field(None, description="list template of `{stdin, stdout}`, one run of the program for each")
    output: Literal["exact", "decimals"] = Field(
        "exact",
        description="lines of output must be equal but for white space at their end (`exact`), or but for white space "
        "around them and ways to write a decimal number, such as 1.50 and 1.5 (`decimals`)",
    )
    entry_point: str | None = Field(None, description="name of the function that the tests call")
    check: str = Field("by_value", description="by_value or in_process, or a template of one of them")
    packages: str | list[str] = Field(
        [], description="Python packages that programs may import, besides the usual ones; or a list template of them"
    )

    @model_validator(mode="after")
    def _one_kind(self) -> TestsReference:
        if not self.tests and self.cases is None:
            raise ValueError("give tests or cases")
        return self


class ReferenceSpec(Section):
    """The right answer; exactly one kind. `answer`: a template for each text that counts, or one list template."""

    answer: str | list[str] | None = Field(
        None, description="template of each text that counts as right, or one list template"
    )
    choice: ChoiceReference | None = Field(None, description="options, and which of them is right")
    tests: TestsReference | None = Field(None, description="a program is right if it passes these")
    text: str | None = Field(None, description="template of the text whose log-likelihood is measured")

    @model_validator(mode="after")
    def _one_kind(self) -> ReferenceSpec:
        if sum(kind is not None for kind in (self.answer, self.choice, self.tests, self.text)) != 1:
            raise ValueError("give exactly one of answer, choice, tests, text")
        return self


class ShotData(Section):
    """Another data set that examples are taken from; paths as in `data`."""

    path: str = Field(description="as `data.path`")
    name: str | None = Field(None, description="as `data.name`")
    revision: str | None = Field(None, description="as `data.revision`")
    file: str | None = Field(None, description="as `data.file`")
    columns: list[str] = Field(min_length=1, description="columns that the template of an example uses")


class FewShot(Section):
    """Worked examples before the question: rows written in the page (`rows`), or those of a split.

    The split is the task's, or of other data (`data`). `first`: the first rows. `random`: per sample `count` rows by
    Python's `Random(seed).sample`, drawn in data order, as lm-evaluation-harness does. `ids`: the rows with these
    sample ids. `same: subject`: only rows that have the question's value in that column. `leave_one_out`: the split is
    the one under test, and a question is never among its own examples. Rows written in the page are used as they are;
    rows of a split are prepared as samples are, those of other data are not.
    """

    split: str | None = Field(None, description="the split that examples are taken from")
    rows: list[dict[str, Any]] = Field([], description="the examples themselves: the columns of each")
    data: ShotData | None = Field(None, description="another data set whose split it is")
    count: int = Field(ge=0, description="examples before each question; 0 for none")
    choose: Literal["first", "random", "ids"] = Field(
        "first", description="`first` rows, rows at `random` for each question, or the rows named by `ids`"
    )
    ids: list[str] = Field([], description="sample ids of the examples, in order")
    seed: int = Field(1234, description="of the choice at random")
    same: str | None = Field(None, description="a column: examples have the question's value in it")
    leave_one_out: bool = Field(False, description="examples are other rows of the split under test")

    @model_validator(mode="after")
    def _keys_agree(self) -> FewShot:
        if (self.choose == "ids") != bool(self.ids):
            raise ValueError("`ids` goes with `choose: ids`, and only with it")
        if (self.split is None) != bool(self.rows):
            raise ValueError("give exactly one of split, rows")
        if self.rows and (self.data is not None or self.choose == "ids" or self.leave_one_out):
            raise ValueError("`rows` are written in the page: they go with neither data, leave_one_out nor ids")
        if self.leave_one_out and (self.data is not None or self.choose == "ids"):
            raise ValueError("`leave_one_out` is about the split under test: it goes with neither data nor ids")
        return self


class TextPromptSpec(Section):
    """A plain prompt to continue: `description`, then shots and the question, joined by `separator`.

    A shot is `shot` (default: `template`) + `target`. The description is filled with the question's row, and nothing
    is put between it and what follows. A stop string may print columns of the question's row (`{{ ... }}`).
    """

    description: str = Field("", description="template of a text that comes once before everything")
    template: str = Field(description="template of the question")
    shot: str | None = Field(None, description="template of an example's question, where it differs from `template`")
    target: str = Field(
        "", description="template of an example's answer; of the continuation for log-likelihoods (`option`, `letter`)"
    )
    separator: str = Field("\n\n", description="between examples, and between the last one and the question")
    stop: list[str] = Field([], description="strings that end a completion")


class ChatPromptSpec(Section):
    """A conversation: shots as turns (user, target), then the question; the answer starts with `prefill`.

    `one_turn`: shots and question are one user message, joined by `separator`; there a shot is `shot` + `target`.
    `shot` (default: `user`) is the user's part of a shot. `template_options` are variables of the model's chat
    template, such as `enable_thinking: true`; the model page's and the run's own win.
    """

    user: str = Field(description="template of the question, the last message of the user")
    shot: str | None = Field(None, description="template of an example's question, where it differs from `user`")
    target: str = Field("", description="template of an example's answer; of the continuation for log-likelihoods")
    system: str = Field("", description="template of the system message; none where it is empty")
    prefill: str = Field("", description="template of the beginning of the answer, which the model continues")
    one_turn: bool = Field(False, description="examples and question in one message of the user")
    separator: str = Field("\n\n", description="between examples and question of `one_turn`")
    template_options: dict[str, str | bool | int | float] = Field(
        {}, description="variables of the model's chat template"
    )
    stop: list[str] = Field([], description="strings that end a completion")


class PromptSpec(Section):
    """How to prompt a base model (`text`) and a chat model (`chat`); at least one."""

    text: TextPromptSpec | None = Field(None, description="for base models, and for chat models with `--style text`")
    chat: ChatPromptSpec | None = Field(None, description="for models with a chat template")

    @model_validator(mode="after")
    def _at_least_one(self) -> PromptSpec:
        if self.text is None and self.chat is None:
            raise ValueError("give at least one of text, chat")
        return self


class QuestionParts(Section):
    """Columns from which a question can be rebuilt with other numbers (`--perturb numbers`).

    `question`: the columns with the text, in their order. `steps`: worked steps, as `<<3*4=12>>` or a line `3*4=12`
    each. `equation`: one formula over the question's numbers. Columns of these names, and of known data sets, are found
    without it.
    """

    question: str | list[str] = Field(description="column of the question's text, or several that follow one another")
    steps: str | None = Field(None, description="column of the worked solution")
    equation: str | None = Field(None, description="column of one formula whose value is the answer")
    answer: str | None = Field(
        None, description="column of the answer alone, where the steps or the formula's column does not end with it"
    )

    @model_validator(mode="after")
    def _has_a_way_to_the_answer(self) -> QuestionParts:
        if (self.steps is None) == (self.equation is None):
            raise ValueError("give exactly one of steps, equation")
        return self


class SamplingSpec(Section):
    """Decoding; temperature 0 is greedy."""

    max_tokens: int = Field(gt=0, description="most tokens of a completion")
    temperature: float = Field(0.0, ge=0, strict=False, description="0 is greedy")
    top_p: float = Field(
        1.0,
        gt=0,
        le=1,
        strict=False,
        description="nucleus sampling: the likeliest tokens whose probabilities add up to it",
    )
    top_k: int = Field(0, ge=0, description="only so many of the likeliest tokens; 0 for all")
    seed: int = Field(0, description="added to the run's seed")
    logprobs: bool = Field(False, description="keep the log-probability of each new token")
    max_reasoning_tokens: int | None = Field(
        None, ge=1, description="reasoning that is open after so many new tokens is closed, and the answer follows"
    )

    @model_validator(mode="after")
    def _budget_fits(self) -> SamplingSpec:
        budget = self.max_reasoning_tokens
        if budget is not None and budget >= self.max_tokens:
            raise ValueError("`max_reasoning_tokens` must be below max_tokens, which the answer needs too")
        if budget is not None and self.logprobs:
            raise ValueError("`max_reasoning_tokens` goes with no logprobs: the mark that closes reasoning has none")
        return self


class ProbeSpec(Section):
    """For `harness probe`: what of a row was published, and whether the order of the rows means something."""

    question: str | None = Field(
        None, description="template of the question as the data has it [default: what the prompt prints of the row]"
    )
    answer: str | None = Field(None, description="template of its answer as the data has it [default: as in a shot]")
    ordered: str | None = Field(
        None, description="why the order of the rows is no random one; the order test is refused with it"
    )


class TaskPage(Section):
    """One task. Order of keys: what it is, its rows, the right answer, the prompt, the scoring.

    `ask: loglikelihood` with `reference: {choice: ...}` scores every option as a continuation; with `reference:
    {answer: ...}` it scores one continuation, the prompt's `target`.
    """

    name: TaskName = Field(description="name of the task, and of its file")
    version: int = Field(ge=1, description="raised whenever a change of the page may change a score")
    about: str = Field("", description="one sentence: what is tested, and how")
    tags: list[Name] = Field([], description="for `tasks list --tag`: math, code, knowledge, language, ...")
    languages: list[str] = Field([], description="BCP 47 codes of the questions' languages: en, zh, sw")
    source: Source = Field(Source(), description="where the task comes from")
    data: Data = Field(description="the rows, one a sample")
    reference: ReferenceSpec = Field(description="the right answer; exactly one kind")
    gold: str | None = Field(None, description="template of a completion that must score 1")
    code: str | None = Field(
        None,
        pattern=r"^\w+\.py$",
        description="the page's Python file, beside it; default: the one of the page's own name, if it is there",
    )
    perturb: QuestionParts | None = Field(
        None, description="where the parts of a question are, for `--perturb numbers`"
    )
    fewshot: FewShot | None = Field(None, description="worked examples before the question")
    prompt: PromptSpec = Field(
        PromptSpec(text=TextPromptSpec(template="")),
        description="what the model gets; required but for rolling log-likelihoods",
    )
    ask: Literal["generate", "loglikelihood", "rolling_loglikelihood"] = Field(
        "generate",
        description="what is requested: a completion, the log-likelihood of continuations, or that of a whole text",
    )
    sampling: SamplingSpec | None = Field(None, description="how completions are decoded; for `ask: generate`")
    repeats: int = Field(1, ge=1, description="completions of each sample")
    score: list[dict[str, Any]] = Field(
        min_length=1, description="scorers, each with `by`, perhaps `name`, `extract` and options"
    )
    metric: list[str] = Field(min_length=1, description="how scores are aggregated")
    expected_count: int | None = Field(None, ge=1, description="rows of the split, after `where`")
    probe: ProbeSpec = Field(ProbeSpec(), description="for `harness probe`: what was published, and in which order")
    variants: dict[Name, dict[str, Any]] = Field({}, description="other prompts, by name: the keys that they replace")

    @model_validator(mode="after")
    def _kinds_agree(self) -> TaskPage:
        if self.ask == "generate" and self.sampling is None:
            raise ValueError("`ask: generate` needs `sampling` with max_tokens")
        if self.ask == "loglikelihood" and self.reference.choice is None and self.reference.answer is None:
            raise ValueError("`ask: loglikelihood` needs `reference: {choice: ...}` or `reference: {answer: ...}`")
        rolling = self.ask == "rolling_loglikelihood"
        if rolling != (self.reference.text is not None):
            raise ValueError("`ask: rolling_loglikelihood` goes with `reference: {text: ...}`, and only with it")
        if rolling == ("prompt" in self.model_fields_set):
            raise ValueError("a rolling log-likelihood has no prompt" if rolling else "the key 'prompt' is missing")
        if rolling and self.fewshot is not None:
            raise ValueError("a rolling log-likelihood has no few-shot examples")
        if self.ask != "generate" and self.repeats != 1:
            raise ValueError("log-likelihoods do not vary: `repeats` must be 1")
        for entry in self.score:
            if not isinstance(entry.get("by"), str):
                raise ValueError("every `score` entry needs `by: NAME_OF_SCORER`")
        return self
