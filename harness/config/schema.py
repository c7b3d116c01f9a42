"""The keys of suites, models and runs. Unknown keys are refused.

Options of scorers, extractors and engines are not here: each plug-in declares its options itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, field_validator, model_validator

from harness.config import shard as shards
from harness.config.section import ModelName, Name, Section, TaskName


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
    """A list of tasks. `sweep` runs each under several protocols (`shots: [0, 5]`); `languages`: each is a language.

    `average`: the suite's score is the mean of its tasks, each counted once (`macro`) or as often as it has scored
    samples (`weighted`, the `weight_by_size` of lm-evaluation-harness).
    """

    name: Name
    about: str = ""
    tasks: list[SuiteTask] = Field(min_length=1)
    sweep: dict[str, list[Any]] = {}
    languages: LanguageRule | None = None
    average: Literal["macro", "weighted"] = "macro"


class EngineConfig(BaseModel):
    """The engine (None: the default one); its options are keys beside the name, and the engine checks them."""

    model_config = ConfigDict(extra="allow", frozen=True)
    name: str | None = None

    def options(self) -> dict[str, Any]:
        """Everything but the name."""
        return dict(self.model_extra or {})


class ModelPage(Section):
    """A model by name: a hub id, a folder, a GGUF file, `package:folder` in the harness, or its name on a server.

    `adapter`: a PEFT adapter (a folder or `REPO[@REVISION]`) that is merged into it; `quantize`: round its weights.
    `engine` are defaults of the section `engine` of a run; `price` is the page in configs/prices of what it costs.
    """

    name: ModelName = "model"
    about: str = ""
    path: str
    revision: str | None = None
    style: Literal["auto", "text", "chat"] = "auto"
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    device: str = "auto"
    trust_remote_code: bool = False
    adapter: str | None = None
    quantize: Literal["int8", "int4"] | None = None
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
    ray_scoring: bool = Field(False, description="run programs on the nodes of the Ray cluster too (`--ray`)")
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


class PerturbConfig(Section):
    """Each task a second time with changed questions: `by` names the way, `draws` variants of each sample."""

    by: str | None = None
    draws: int = Field(2, ge=1)
    seed: int = 0
    file: str | None = None


class RunConfig(Section):
    """One run: a model on a suite. `tasks` holds overrides by task name (`tasks.gsm8k.fewshot.count`).

    `limit`: so many samples of each task, the first ones, or with `limit_seed` a random part. `skip_missing`: tasks
    that lack a toolchain or a package here are left out. `repeat_check`: so many greedy samples are requested a second
    time, when the run is finished. `shard`: only this part of the samples (`2/8`), or `auto` in a job array of Slurm.
    """

    model: ModelPage
    suite: SuitePage
    engine: EngineConfig = EngineConfig()
    data: DataConfig = DataConfig()
    execution: ExecutionConfig = ExecutionConfig()
    budget: BudgetConfig = BudgetConfig()
    perturb: PerturbConfig = PerturbConfig()
    tasks: dict[str, dict[str, Any]] = {}
    limit: int | None = Field(None, ge=1)
    limit_seed: int | None = None
    skip_missing: bool = False
    shard: str | None = None
    repeat_check: int | None = Field(None, ge=1)
    seed: int = 0
    out: str | None = None
    # Where settings of tasks come from, for messages; in no file
    _words: Mapping[str, str] = PrivateAttr(default_factory=dict)

    @field_validator("shard")
    @classmethod
    def _is_a_shard(cls, text: str | None) -> str | None:
        if text not in (None, shards.AUTO):
            shards.parse(text)
        return text

    @model_validator(mode="after")
    def _seed_has_a_limit(self) -> RunConfig:
        if self.limit_seed is not None and self.limit is None:
            raise ValueError("`limit_seed` draws the samples of `limit`, which is not set: add it, or leave both out")
        return self

    def with_words(self, words: Mapping[str, str]) -> RunConfig:
        """Return the config that knows who set a key (`tasks.gsm8k.repeats`: `run.yaml:7`)."""
        config = self.model_copy()
        config._words = words
        return config

    def origin(self, dotted: str) -> str:
        """What a message about a setting begins with, before the name of its key in the task's page."""
        said, name = self._words.get(dotted, "--"), ".".join(dotted.split(".")[:2])
        return f"--set {name}." if said.startswith("--") else f"{said}: {name}."
