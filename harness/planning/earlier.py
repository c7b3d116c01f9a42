"""What earlier runs here measured of a model on a task: tokens of an answer, seconds, score.

The largest run tells; where it tells no time, the time is that of the largest run that does.

Guarantees: a run counts only if it is of the same model and path, on the task under the same style, shots, repeats and
limit of tokens, and finished; its time only if it was neither resumed, extended, merged nor a shard, and for a model on
this machine only if it ran on the same processor (another number of cores is noted). Nothing is measured here.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from harness.analysis.values import SampleValues, values_if_any
from harness.cost.run_cost import Usage, usages
from harness.planning.sizes import ModelSize, TaskSize
from harness.store import attempts
from harness.store.listing import ListedRun, runs_under
from harness.store.manifest import Manifest, machine
from harness.store.run_folder import read_scores

# Seconds between two answers that are no pause, however short the run was
PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier run of a model on a task: `n` samples. Tokens and seconds are means of one sample.

    `seconds`: None where the run's time says nothing (`no_time`: why); `caution`: what may make it differ here;
    `start`: the run's seconds beside the answers (loading, scoring). `timed`: the run whose `seconds`, `start` and
    `caution` these are, where it is another one: its folder and its samples.
    `values`: the score of each sample, None where the metric has none from 0 to 1.
    """

    folder: str
    model: str
    n: int
    tokens_in: float | None
    tokens_out: float | None
    seconds: float | None
    start: float
    no_time: str
    caution: str
    values: SampleValues | None
    timed: tuple[str, int] | None = None

    @property
    def time_from(self) -> tuple[str, int]:
        """The folder and the samples of the run that tells the time."""
        return self.timed or (self.folder, self.n)

    @property
    def right(self) -> float | None:
        """The sum of the scores; None where there are none."""
        return math.fsum(self.values.values) if self.values is not None else None


def earlier_runs(folder: Path, sizes: Sequence[ModelSize]) -> dict[tuple[str, str], Earlier]:
    """Return for each model and task what the run under `folder` with the most samples tells, the latest of equal ones.

    Its time is that of the next smaller run where it has none. The keys are (model's name, task). A folder that is not
    there has no runs.
    """
    if not folder.is_dir():
        return {}
    listed = [run for run in runs_under(folder) if isinstance(run, ListedRun) and run.state == "finished"]
    waiting: dict[tuple[str, str], list[ListedRun]] = {}
    for size in sizes:
        for task, own in size.tasks.items():
            fitting = [run for run in listed if _fits(run.manifest, size, own)]
            # The largest is the last
            fitting.sort(key=lambda run: (int(run.manifest.tasks[task].get("n", 0)), run.manifest.started_at))
            waiting[size.name, task] = fitting
    found: dict[tuple[str, str], Earlier] = {}
    paid = {size.name: size.paid for size in sizes}
    while open_keys := [key for key, runs in waiting.items() if runs and (key not in found or found[key].no_time)]:
        chosen = {key: waiting[key].pop().folder for key in open_keys}
        for path in dict.fromkeys(chosen.values()):
            for key, run in _measured(path, [key for key, one in chosen.items() if one == path], paid).items():
                found[key] = _timed_by(found[key], run) if key in found else run
    return found


def _timed_by(known: Earlier, smaller: Earlier) -> Earlier:
    """What a run tells that has no time of its own, with the time of a smaller one, if that has one."""
    if smaller.seconds is None:
        return known
    return replace(
        known,
        seconds=smaller.seconds,
        start=smaller.start,
        no_time="",
        caution=smaller.caution,
        timed=(smaller.folder, smaller.n),
    )


def _fits(manifest: Manifest, size: ModelSize, own: TaskSize) -> bool:
    same = (manifest.model_name, manifest.model_path, manifest.identity.engine.name) == (
        size.name,
        size.path,
        size.engine,
    )
    return same and own.task in manifest.identity.tasks and manifest.task(own.task) == own.protocol


def _measured(path: Path, keys: Sequence[tuple[str, str]], paid: Mapping[str, bool]) -> dict[tuple[str, str], Earlier]:
    manifest, records = read_scores(path)
    sent = attempts.read(path / attempts.ATTEMPTS)
    by_task = {usage.task: usage for usage in usages(records, sent)}
    engine_seconds = math.fsum(usage.seconds or 0.0 for usage in by_task.values())
    lasted = (manifest.finished_at or 0.0) - manifest.started_at
    found = {}
    for model, task in keys:
        usage = by_task.get(task)
        if usage is None or not usage.answers:
            continue
        n = len({answer.sample_id for answer in usage.answers})
        why = _no_time(manifest, usage, paid=paid[model]) or _paused([record.finished_at for record in records], lasted)
        # Answers of a server overlap: their seconds are more than the run took
        share = min(1.0, lasted / engine_seconds) if engine_seconds > 0 else 0.0
        seconds = None if why or usage.seconds is None else usage.seconds * share / n
        found[model, task] = Earlier(
            str(path),
            model,
            n,
            _per_sample(usage, "fresh", n, more="cached"),
            _per_sample(usage, "output", n),
            seconds,
            max(0.0, lasted - engine_seconds) if seconds is not None else 0.0,
            why,
            "" if paid[model] else _other_cores(manifest),
            values_if_any(records, task, manifest.metric(task)),
        )
    return found


def _per_sample(usage: Usage, kind: str, n: int, more: str | None = None) -> float | None:
    if not usage.counted:
        return None
    kinds = [kind, *([more] if more else [])]
    return sum(getattr(answer, one) or 0 for answer in usage.answers for one in kinds) / n


def _no_time(manifest: Manifest, usage: Usage, *, paid: bool) -> str:
    """Why the time of a run does not count; "" where it does."""
    if usage.seconds is None:
        return "its engine gave no seconds"
    if manifest.resumed or manifest.merged or manifest.shard or manifest.finished_at is None:
        return "it was resumed, merged or a shard"
    if not paid and manifest.machine.get("processor") != machine().get("processor"):
        return "it ran on another machine"
    return ""


def _other_cores(manifest: Manifest) -> str:
    then, now = manifest.machine.get("cores"), machine().get("cores")
    return f"cores: {then} then, {now} now" if then != now else ""


def _paused(finished: Sequence[float], lasted: float) -> str:
    """A finished run that was extended later keeps its start: the time between is no work."""
    times = sorted(finished)
    longest = max((after - before for before, after in pairwise(times)), default=0.0)
    return "it was extended or stood still in between" if longest > max(PAUSE, lasted / 2) else ""
