"""The keys of every kind of page. Unknown keys are refused.

Options of scorers, extractors and engines are not here: each plug-in declares its options itself.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
# No dot: `--set tasks.NAME.key` must know where the name ends
TaskName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]*$")]


class Section(BaseModel):
    """Base of all sections: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Source(Section):
    """Where a task comes from, and under which licence."""

    paper: str | None = None
    data: str | None = None
    licence: str | None = None
    note: str | None = None


class Data(Section):
    """Rows: a hub data set (`org/name`, pinned by `revision`) or a file beside the page (`./rows.jsonl`)."""

    path: str
    name: str | None = None
    revision: str | None = None
    file: str | None = Field(
        None, description="one file of the hub repository, for data sets that are made by a script"
    )
    split: str
    columns: list[str] = Field(min_length=1, description="columns that templates use; the data must have each")
    id: str | None = Field(None, description="template of the sample id; default: the row's number")
    group: str | None = Field(None, description="template of the cluster that a sample belongs to")


class ChoiceReference(Section):
    """Options, one template each, and a template of the index (from 0) of the right one."""

    options: list[str] = Field(min_length=2)
    gold: str


class TestsReference(Section):
    """Templates of a program's prelude, tests and entry point, and where the tests run (Python only).

    `by_value`: in a separate process, which exchanges values with the process of the model's program. `in_process`: in
    the program's process, for tests that need its classes or iterators; a program that attacks the tests could forge a
    pass there.
    """

    language: str
    prelude: str = ""
    tests: str
    entry_point: str | None = None
    check: str = Field("by_value", description="by_value or in_process, or a template of one of them")
    packages: list[str] = Field([], description="Python packages that programs may import, besides the usual ones")


class ReferenceSpec(Section):
    """The right answer; exactly one kind."""

    answer: list[str] | None = None
    choice: ChoiceReference | None = None
    tests: TestsReference | None = None
    text: str | None = Field(None, description="template of the text whose log-likelihood is measured")

    @model_validator(mode="after")
    def _one_kind(self) -> ReferenceSpec:
        if sum(kind is not None for kind in (self.answer, self.choice, self.tests, self.text)) != 1:
            raise ValueError("give exactly one of answer, choice, tests, text")
        return self


class FewShot(Section):
    """Worked examples before the question.

    `first`: the first rows of the split. `random`: per sample `count` rows by Python's `Random(seed).sample`, drawn
    in data order, as lm-evaluation-harness does. `ids`: the rows with these sample ids.
    """

    split: str
    count: int = Field(ge=0)
    choose: Literal["first", "random", "ids"] = "first"
    ids: list[str] = []
    seed: int = 1234

    @model_validator(mode="after")
    def _ids_agree(self) -> FewShot:
        if (self.choose == "ids") != bool(self.ids):
            raise ValueError("`ids` goes with `choose: ids`, and only with it")
        return self


class TextPromptSpec(Section):
    """A plain prompt to continue: shots (template + target) and the question, joined by `separator`."""

    template: str
    target: str = ""
    separator: str = "\n\n"
    stop: list[str] = []


class ChatPromptSpec(Section):
    """A conversation: shots as turns (user, target), then the question; the answer starts with `prefill`."""

    user: str
    target: str = ""
    system: str = ""
    prefill: str = ""
    stop: list[str] = []


class PromptSpec(Section):
    """How to prompt a base model (`text`) and a chat model (`chat`); at least one."""

    text: TextPromptSpec | None = None
    chat: ChatPromptSpec | None = None

    @model_validator(mode="after")
    def _at_least_one(self) -> PromptSpec:
        if self.text is None and self.chat is None:
            raise ValueError("give at least one of text, chat")
        return self


class SamplingSpec(Section):
    """Decoding; temperature 0 is greedy."""

    max_tokens: int = Field(gt=0)
    temperature: float = Field(0.0, ge=0, strict=False)
    top_p: float = Field(1.0, gt=0, le=1, strict=False)
    top_k: int = Field(0, ge=0)
    seed: int = 0
    logprobs: bool = Field(False, description="keep the log-probability of each new token")


class TaskPage(Section):
    """One task. Order of keys: what it is, its rows, the right answer, the prompt, the scoring."""

    name: TaskName
    version: int = Field(ge=1)
    about: str
    source: Source
    data: Data
    reference: ReferenceSpec
    gold: str | None = Field(None, description="template of a completion that must score 1")
    fewshot: FewShot | None = None
    prompt: PromptSpec = PromptSpec(text=TextPromptSpec(template=""))
    ask: Literal["generate", "loglikelihood", "rolling_loglikelihood"] = "generate"
    sampling: SamplingSpec | None = None
    repeats: int = Field(1, ge=1)
    score: list[dict[str, Any]] = Field(min_length=1)
    metric: list[str] = Field(min_length=1)
    expected_count: int | None = Field(None, ge=1)
    variants: dict[Name, dict[str, Any]] = Field({}, description="other prompts, by name: the keys that they replace")

    @model_validator(mode="after")
    def _kinds_agree(self) -> TaskPage:
        if self.ask == "generate" and self.sampling is None:
            raise ValueError("`ask: generate` needs `sampling` with max_tokens")
        if self.ask == "loglikelihood" and self.reference.choice is None:
            raise ValueError("`ask: loglikelihood` needs `reference: {choice: ...}`")
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


class SuiteTask(Section):
    """A task of a suite: a page, and keys of it that the suite sets to another value (`fewshot.count: 0`).

    A page used more than once has a `name` for each use. `over` repeats an entry for several values of a key
    (`data.name: [eng_Latn, fra_Latn]`), each named PAGE_VALUE. `protocol` labels the entry in the table of a sweep.
    """

    task: str
    name: TaskName | None = None
    set: dict[str, Any] = {}
    over: dict[str, list[Any]] = {}
    protocol: dict[str, str] = {}

    @property
    def page(self) -> str:
        """The page's name, which is the name of its file."""
        return PurePath(self.task).stem

    @property
    def label(self) -> str:
        """The name of this use of the page in records, tables and `--set tasks.NAME`."""
        return self.name or self.page


class LanguageRule(Section):
    """When a model can do the suite's task in a language: above `chance`, and at most `margin` below `english`."""

    english: TaskName
    chance: float = Field(gt=0, lt=1)
    margin: float = Field(gt=0, le=1)


class SuitePage(Section):
    """A list of tasks. `sweep` runs each under several protocols (`shots: [0, 5]`); `languages`: each is a language."""

    name: Name
    about: str = ""
    tasks: list[SuiteTask] = Field(min_length=1)
    sweep: dict[str, list[Any]] = {}
    languages: LanguageRule | None = None


class EngineConfig(BaseModel):
    """The engine (None: the default one); its options are keys beside the name, and the engine checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str | None = None

    def options(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class ModelPage(Section):
    """A model by name: a hub id, a folder, `package:folder` inside the installed harness, or its name on a server.

    `engine` are defaults of the section `engine` of a run; `price` is the page in configs/prices of what it costs.
    """

    name: Name = "model"
    about: str = ""
    path: str
    revision: str | None = None
    style: Literal["auto", "text", "chat"] = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: str = "auto"
    trust_remote_code: bool = False
    engine: EngineConfig | None = None
    price: str | None = None


class DataConfig(Section):
    """Where rows are read: `mirror` is a folder that replaces the hub, with `org/name` under it.

    `trust_page_code`: the Python files beside pages that do not ship with the harness may run.
    """

    mirror: str | None = None
    trust_page_code: bool = False


class ExecutionConfig(Section):
    """Limits on programs under test, and how many run at once (default: one per core)."""

    sandbox: str = Field("auto", description="`auto` (the safest that works here), or a sandbox by name")
    workers: int | None = Field(None, ge=1)
    wall_seconds: float = Field(10.0, gt=0, strict=False)
    memory_mb: int = Field(1024, ge=64)
    output_kb: int = Field(4096, ge=1)
    work_mb: int = Field(64, ge=1)
    processes: int = Field(64, ge=1)
    build_seconds: float = Field(60.0, gt=0, strict=False, description="for compiling one program")
    build_memory_mb: int = Field(2048, ge=64)
    packages: list[str] = Field(
        [], description="Python packages that programs may import, besides numpy, scipy, pandas and sympy"
    )


class BudgetConfig(Section):
    """The most that a run may cost, with all earlier tries in its folder: US dollars, and tokens in and out."""

    max_cost: float | None = Field(None, gt=0, strict=False)
    max_total_tokens: int | None = Field(None, gt=0)


class RunConfig(Section):
    """One run: a model on a suite. `tasks` holds overrides by task name (`tasks.gsm8k.fewshot.count`).

    `repeat_check`: so many greedy samples are requested a second time, when the run is finished.
    """

    model: ModelPage
    suite: SuitePage
    engine: EngineConfig = EngineConfig()
    data: DataConfig = DataConfig()
    execution: ExecutionConfig = ExecutionConfig()
    budget: BudgetConfig = BudgetConfig()
    tasks: dict[str, dict[str, Any]] = {}
    limit: int | None = Field(None, ge=1)
    repeat_check: int | None = Field(None, ge=1)
    seed: int = 0
    out: str | None = None
