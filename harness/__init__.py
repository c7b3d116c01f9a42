"""A lightweight evaluation harness for causal language models.

    import harness
    result = harness.evaluate(model="demo-smaller", suite="demo", limit=20)
    for estimate in result.estimates:
        print(estimate.task, estimate.value, estimate.low, estimate.high)

The words are the command line's; importing this costs nothing, what is heavy is imported when it is called.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from harness.claims.verdict import Verdict
    from harness.comparison import Compared
    from harness.datatypes import Record
    from harness.run import Result
    from harness.store.manifest import Manifest

__all__ = ["check_claim", "compare", "evaluate", "load_run"]


def evaluate(
    model: str | Path | None = None,
    suite: str | Path | None = None,
    tasks: Sequence[str | Path] | None = None,
    *,
    limit: int | None = None,
    out: str | Path | None = None,
    seed: int | None = None,
    engine: str | None = None,
    completions: str | Path | None = None,
    batch_size: int | None = None,
    max_memory: float | None = None,
    revision: str | None = None,
    device: str | None = None,
    dtype: str | None = None,
    style: str | None = None,
    trust_remote_code: bool | None = None,
    mirror: str | Path | None = None,
    sandbox: str | None = None,
    settings: Mapping[str, Any] | None = None,
    sweep: Mapping[str, Sequence[Any]] | None = None,
) -> Result:
    """Run a model on a suite (or on `tasks`), or finish such a run; write its tables; return scores and records.

    Every word means what `harness run --help` says of it; `settings` holds any other config key, as `--set` does
    (`{"tasks.gsm8k.fewshot.count": 8, "execution.wall_seconds": 20}`), `sweep` values of axes (`{"shots": [0, 5]}`).
    Raises `harness.errors.HarnessError`: UserError for wrong input, EnvironmentFault for a machine that failed.
    """
    from harness.config.building import run_config, spelled_out
    from harness.publish import publish
    from harness.run import evaluate as run

    words = {
        "limit": limit,
        "out": out,
        "seed": seed,
        "engine": engine,
        "completions": completions,
        "batch_size": batch_size,
        "max_memory": max_memory,
        "revision": revision,
        "device": device,
        "dtype": dtype,
        "style": style,
        "trust_remote_code": trust_remote_code,
        "mirror": mirror,
        "sandbox": sandbox,
    }
    names = tasks.split(",") if isinstance(tasks, str) else tasks
    config = run_config(
        None if model is None else str(model),
        None if suite is None else str(suite),
        None if names is None else [str(name) for name in names],
        spelled_out(words, settings or {}),
        "harness.evaluate",
        sweep,
    )
    result = run(config)
    publish(result)
    return result


def compare(*folders: str | Path, allow_protocol: bool = False) -> Compared:
    """Compare runs with the first one, sample by sample; `.comparisons` has a row per task and run.

    Raises `harness.errors.UserError` for runs that cannot be compared: folders that are none, no common task, another
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
    """Check a claim (its id), or all of a page or file, by what is published and by the runs given.

    The words are those of `harness claim check`. Raises `harness.errors.UserError` for names nobody has and for runs
    that are of no model of the claim.
    """
    from pathlib import Path

    from harness.claims.check import check_claims
    from harness.claims.runs import Given

    given, ours, theirs = (tuple(map(Path, folders)) for folders in (runs, subject, comparators))
    return check_claims(claim, Given(given, ours, theirs, stand_in, allow_protocol))


def load_run(folder: str | Path) -> tuple[Manifest, list[Record]]:
    """Read a run folder: what the run was, and its records. Raises `harness.errors.RunFolderError`."""
    from pathlib import Path

    from harness.store.run_folder import read_run

    return read_run(Path(folder))
