"""A lightweight evaluation harness for causal language models.

    import harness
    result = harness.evaluate(model="demo-smaller", suite="demo", limit=20)
    for estimate in result.estimates:
        print(estimate.task, estimate.value, estimate.low, estimate.high)

Stable between minor versions: the names in `__all__` (functions, result types and their documented attributes,
errors), the command line, and the files of a run folder. Everything else is private and may change in any version.
Importing this imports nothing else: functions and types load what they need when they are first used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from harness.claims.verdict import Evidence, Verdict
    from harness.comparison import Compared
    from harness.config.options import RunOptions
    from harness.datatypes import (
        Completion,
        Failure,
        GenerateRequest,
        Likelihood,
        LikelihoodRequest,
        Record,
        Refusal,
        RollingRequest,
        Score,
    )
    from harness.engines.hf.live_model import LiveModel
    from harness.errors import EnvironmentFault, HarnessError, UserError
    from harness.results import Comparison, Estimate
    from harness.run import Result
    from harness.store.manifest import Manifest

    __version__: str

__all__ = [
    "Compared",
    "Comparison",
    "Completion",
    "EnvironmentFault",
    "Estimate",
    "Evidence",
    "Failure",
    "GenerateRequest",
    "HarnessError",
    "Likelihood",
    "LikelihoodRequest",
    "Manifest",
    "Record",
    "Refusal",
    "Result",
    "RollingRequest",
    "RunOptions",
    "Score",
    "UserError",
    "Verdict",
    "__version__",
    "check_claim",
    "compare",
    "evaluate",
    "load_run",
    "write_report",
]
# Where each exported type is; the rest of `__all__` is defined here
TYPES = {
    "harness.claims.verdict": ("Evidence", "Verdict"),
    "harness.comparison": ("Compared",),
    "harness.config.options": ("RunOptions",),
    "harness.datatypes": (
        "Completion",
        "Failure",
        "GenerateRequest",
        "Likelihood",
        "LikelihoodRequest",
        "Record",
        "Refusal",
        "RollingRequest",
        "Score",
    ),
    "harness.errors": ("EnvironmentFault", "HarnessError", "UserError"),
    "harness.results": ("Comparison", "Estimate"),
    "harness.run": ("Result",),
    "harness.store.manifest": ("Manifest",),
}


def __getattr__(name: str) -> Any:
    """Import an exported type, or look up the version, when it is first used. Raises AttributeError."""
    if name == "__version__":
        from importlib.metadata import version

        return version("harness")
    for module, names in TYPES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Names for completion in a shell."""
    return sorted({*globals(), *__all__})


def evaluate(
    model: str | Path | PreTrainedModel | None = None,
    suite: str | Path | None = None,
    tasks: str | Path | Sequence[str | Path] | None = None,
    *,
    tokenizer: PreTrainedTokenizerBase | None = None,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
    sweep: Mapping[str, Sequence[Any]] | None = None,
    **options: Unpack[RunOptions],
) -> Result:
    """Run a model on a suite (or on `tasks`), or finish such a run; write its tables; return scores and records.

    `options` are those of `harness run`, with the same meaning (`limit=20`, `engine="reference"`, `out="runs/a"`);
    `harness run --help` lists them. `settings` holds any other config key, as `--set` does
    (`{"tasks.gsm8k.fewshot.count": 8, "execution.wall_seconds": 20}`), `sweep` values of axes (`{"shots": [0, 5]}`).
    `model` may also be a model object of transformers (compiled, in DataParallel, or with adapters of peft) with its
    `tokenizer`, and a `name` for folder and tables: it is evaluated where it is, without a copy of its weights, and is
    afterwards as it was, as are random generators and threads. The digest of its weights is part of the run's identity,
    so that each step of a training has a folder of its own.
    Raises `harness.HarnessError`: UserError for wrong input, EnvironmentFault for a machine that failed.
    """
    from os import PathLike

    from harness.config.building import config_keys, run_config
    from harness.errors import ConfigError
    from harness.publish import publish
    from harness.run import evaluate as run

    if isinstance(tasks, PathLike):
        tasks = [tasks]
    names = [each.strip() for each in tasks.split(",") if each.strip()] if isinstance(tasks, str) else tasks
    live = None if model is None or isinstance(model, str | PathLike) else _live(model, tokenizer, name)
    if live is None and (tokenizer is not None or name is not None):
        given = "tokenizer" if tokenizer is not None else "name"
        raise ConfigError(f"harness.evaluate: {given} goes with a model object; leave it out for a model by its name")
    config = run_config(
        live.page() if live else None if model is None else str(model),
        None if suite is None else str(suite),
        None if names is None else [str(name) for name in names],
        config_keys(options, settings or {}),
        "harness.evaluate",
        sweep,
    )
    if live is None:
        result = run(config)
    else:
        from functools import partial

        from harness.engines.hf.untouched import untouched
        from harness.engines.registry import open_live

        with untouched(live.model, live.name):
            result = run(config, opener=partial(open_live, live))
    publish(result)
    return result


def _live(model: object, tokenizer: object, name: str | None) -> LiveModel:
    from harness.engines.hf.live_model import live_model

    return live_model(model, tokenizer, name)


def compare(*folders: str | Path, allow_protocol: bool = False) -> Compared:
    """Compare runs with the first one, sample by sample; `.comparisons` has a row per task and run.

    Raises `harness.UserError` for runs that cannot be compared: a folder that is no run, no common task, a different
    protocol unless `allow_protocol`.
    """
    from pathlib import Path

    from harness.comparison import compare_runs

    return compare_runs([Path(folder) for folder in folders], allow_protocol=allow_protocol)


def check_claim(
    claim: str,
    *runs: str | Path,
    subject: Sequence[str | Path] = (),
    comparators: Sequence[str | Path] = (),
    stand_in: bool = False,
    allow_protocol: bool = False,
) -> list[Verdict]:
    """Check a claim (its id), or all claims of a page or file, by published numbers and by the given run folders.

    The arguments are those of `harness claim check`. Raises `harness.UserError` for an unknown name and for a run of a
    model that the claim does not mention.
    """
    from pathlib import Path

    from harness.claims.check import check_claims
    from harness.claims.runs import Given

    given, ours, theirs = (tuple(map(Path, folders)) for folders in (runs, subject, comparators))
    return check_claims(claim, Given(given, ours, theirs, stand_in, allow_protocol))


def load_run(folder: str | Path) -> tuple[Manifest, list[Record]]:
    """Read a run folder: its manifest, and its records. Raises `harness.UserError`."""
    from pathlib import Path

    from harness.store.run_folder import read_run

    return read_run(Path(folder))


def write_report(
    out: str | Path,
    *runs: str | Path,
    claims: Sequence[str] = (),
    subject: Sequence[str | Path] = (),
    comparators: Sequence[str | Path] = (),
    title: str = "",
    stand_in: bool = False,
    allow_protocol: bool = False,
    with_records: bool = True,
) -> Path:
    """Write one HTML file about runs, the baseline first, and about claims judged by them; return its path.

    The arguments are those of `harness report`, but for its margin. Raises `harness.UserError` for a folder that is no
    run, a run that is given twice, an unknown claim and a path that cannot be written, `harness.EnvironmentFault` for a
    full disk.
    """
    from pathlib import Path

    from harness.claims.runs import Given
    from harness.html_report.writing import write_report as write

    given, ours, theirs = (tuple(map(Path, folders)) for folders in (runs, subject, comparators))
    given_runs = Given(given, ours, theirs, stand_in, allow_protocol)
    return write(Path(out), given_runs, claims, title=title, with_records=with_records)
