"""Shards that belong together -> one run folder, which appears whole or not at all.

Guarantees: every record is a line of a shard, byte for byte, in the order of the tasks, their samples and repeats. The
folder is made under another name beside its place and renamed when it is complete, so that a full disk or a kill leaves
no half of a run. What is there already is replaced only by a merge that has all of its records.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from harness.analysis.repeatability import summary
from harness.analysis.tries import scorers_of
from harness.config.checking import check_values
from harness.config.shard import suffix
from harness.config.task_page import DrawnRows, TaskPage
from harness.datatypes import Attempt, Record
from harness.errors import RunFolderError, UserError, unwritable
from harness.merging.provenance import differing, merged_manifest
from harness.merging.shards import ShardRun, Shards, read_shards
from harness.run import Answers, Result, result_of_answers
from harness.store import attempts, journal, manifest, repeats
from harness.store.attempts import ATTEMPTS, AttemptLog
from harness.store.manifest import Manifest
from harness.store.run_folder import (
    MANIFEST,
    MERGING,
    RECORDS,
    differences,
    lock_folder,
    read_manifest,
    read_scores,
)

# What a merge, and commands that only read, leave in a folder; another file may be what a user would miss
DERIVED = frozenset(
    {
        *(".lock", MANIFEST, RECORDS, ATTEMPTS, repeats.REPEAT_CHECK),
        *("scores.json", "table.md", "table.csv", "report.html", "disagreements.jsonl"),
    }
)


@dataclass(frozen=True, slots=True)
class Merged:
    """A merge that is being written. `result` is that of the whole run; `target` is where it will be."""

    result: Result
    target: Path
    shards: Shards
    notes: tuple[str, ...]


@contextmanager
def merging(
    folders: Sequence[Path], out: Path | None, command: Sequence[str], *, partial: bool = False
) -> Iterator[Merged]:
    """Write the run of the shards under a hidden name; it gets its own when the block ends without an exception.

    Files may be added to `result.folder` in the block. Raises UserError and RunFolderError for what is not one run,
    StorageError where it cannot be written; then nothing is left.
    """
    shards = read_shards(folders, partial=partial)
    target = out or _name_of(shards)
    whole = merged_manifest(shards, command)
    # What is wrong with a shard comes first: another --out would not help
    pages, every = _pages(whole), _attempts(shards)
    check, notes = _repeats(shards, whole)
    _refuse_other_run(target, whole)
    hidden = target.absolute().parent / f".{target.absolute().name}{MERGING}"
    lock = lock_folder(hidden)
    try:
        for left in hidden.iterdir():
            # By a merge that was killed
            if left.name != ".lock":
                left.unlink()
        keys = _write_records(shards, hidden)
        _refuse_to_lose(target, hidden)
        _write_attempts(every, hidden)
        if check is not None:
            repeats.write(hidden, check, summary(check))
        manifest.write(hidden / MANIFEST, whole)
        answers = _answers(whole, pages, keys, read_scores(hidden, partial=True)[1])
        notes = [*shards.notes, *differing(shards), *notes]
        yield Merged(result_of_answers(answers, hidden, whole, 0), target, shards, tuple(notes))
        _rename(hidden, target)
    finally:
        lock.release()
        shutil.rmtree(hidden, ignore_errors=True)


def _name_of(shards: Shards) -> Path:
    """The folder of the whole run: that of the shards, without their numbers. Raises UserError."""
    names = {
        one.folder.absolute().parent / one.folder.absolute().name.removesuffix(suffix(one.number, shards.of))
        for one in shards.found
    }
    if len(names) > 1 or any(one.folder.absolute() in names for one in shards.found):
        raise UserError("the folders of the shards were moved or renamed, so the run has no name; give it with --out")
    first = shards.found[0]
    return first.folder.with_name(names.pop().name)


def _write_records(shards: Shards, out: Path) -> dict[str, list[str]]:
    """Write the journal; return the keys of the records, by task. Raises StorageError."""
    keys: dict[str, list[str]] = {}
    with ExitStack() as stack:
        sources = [(one, _journal(one, stack)) for one in shards.found]
        try:
            target = stack.enter_context((out / RECORDS).open("wb"))
            for task in shards.found[0].manifest.tasks:
                keys[task] = []
                for line, key in _lines(task, sources):
                    target.write(line)
                    keys[task].append(key)
            target.flush()
            os.fsync(target.fileno())
        except OSError as error:
            raise unwritable(out / RECORDS, error) from None
    return keys


def _journal(one: ShardRun, stack: ExitStack) -> BinaryIO | None:
    """A shard's open journal, None where it has no record."""
    return stack.enter_context((one.folder / RECORDS).open("rb")) if one.answered else None


def _lines(task: str, sources: Sequence[tuple[ShardRun, BinaryIO | None]]) -> Iterator[tuple[bytes, str]]:
    """The lines of a task's records, with their keys, in the order of its samples and their repeats."""
    repeated = range(sources[0][0].manifest.task(task).repeats)
    order = sorted(
        (place, name, number)
        for number, (one, _) in enumerate(sources)
        for name, place in zip(one.parts[task].ids, one.parts[task].places, strict=True)
    )
    for _, name, number in order:
        one, file = sources[number]
        for repeat in repeated:
            if file is not None and (found := one.places[task].get((name, repeat))) is not None:
                key, offset = found
                file.seek(offset)
                yield file.readline(), key


def _attempts(shards: Shards) -> list[Attempt]:
    """All requests that the shards sent to servers, by their time: their costs add up."""
    every = [attempt for one in shards.found for attempt in attempts.read(one.folder / ATTEMPTS)]
    return sorted(every, key=lambda attempt: attempt.started_at)


def _write_attempts(every: Sequence[Attempt], out: Path) -> None:
    if not every:
        return
    log = AttemptLog(out / ATTEMPTS)
    try:
        for attempt in every:
            log.append(attempt)
    finally:
        log.close()


def _repeats(shards: Shards, whole: Manifest) -> tuple[repeats.RepeatCheck | None, list[str]]:
    """The repeat check of all shards, if each has one of the same size; a note where only some have."""
    checks = [(one, repeats.read(one.folder, one.manifest.run_id)) for one in shards.found]
    found = [check for _, check in checks if check is not None]
    if not found:
        return None, []
    lacking = [one.folder.name for one, check in checks if check is None or check.wanted != found[0].wanted]
    if lacking or shards.missing:
        why = f"{lacking[0]} has none, or one of another size" if lacking else "shards are missing"
        return None, [f"the repeat checks of the shards were left out: {why}"]
    samples = sorted((one for check in found for one in check.samples), key=lambda one: (one.task, one.sample_id))
    eligible = sum(check.eligible for check in found)
    held = any(check.from_file for check in found)
    return repeats.RepeatCheck(whole.run_id, found[0].wanted, eligible, held, tuple(samples)), []


def _pages(whole: Manifest) -> dict[str, TaskPage]:
    """The tasks' pages, from the manifest alone: those of the shards may be on other machines. Raises ConfigError."""
    found = {}
    for task, facts in whole.tasks.items():
        page = check_values(TaskPage, facts["page"], f"{MANIFEST}: tasks.{task}.page")
        if "sample" in facts:
            part = check_values(DrawnRows, facts["sample"], f"{MANIFEST}: tasks.{task}.sample")
            page = page.model_copy(update={"data": page.data.model_copy(update={"sample": part})})
        found[task] = page
    return found


def _answers(
    whole: Manifest, pages: Mapping[str, TaskPage], keys: Mapping[str, Sequence[str]], records: Sequence[Record]
) -> list[Answers]:
    """The tasks as their estimates need them."""
    found = []
    for task, page in pages.items():
        # Scorers have the names that they gave to their scores
        names = scorers_of([record for record in records if record.request.task == task]) or [
            str(entry.get("name", entry["by"])) for entry in page.score
        ]
        metrics = [tuple(entry.get("metric") or ()) for entry in page.score]
        total = whole.tasks[task]["total"]
        found.append(Answers(task, page, total, keys[task], dict(zip(names, metrics, strict=True))))
    return found


def _refuse_other_run(target: Path, whole: Manifest) -> None:
    """Raise RunFolderError where the target is there and is no earlier merge of these shards."""
    if not _holds_something(target):
        return
    if not target.is_dir():
        raise RunFolderError(f"{target} is a file, not a folder; give another --out")
    if not (target / MANIFEST).is_file():
        raise RunFolderError(f"{target} is not empty and holds no run; give another --out")
    there = read_manifest(target)
    if not there.merged or differences(there.identity.written, whole.identity.written):
        raise RunFolderError(f"{target} holds another run, which was not merged from these shards; give another --out")


def _holds_something(target: Path) -> bool:
    return target.exists() and not (target.is_dir() and not any(target.iterdir()))


def _refuse_to_lose(target: Path, hidden: Path) -> None:
    """Raise RunFolderError where an earlier merge in the target holds more than the new one."""
    if not _holds_something(target):
        return
    others = sorted(entry.name for entry in target.iterdir() if entry.name not in DERIVED)
    fresh = {hash(line) for line in journal.complete_lines(hidden / RECORDS)}
    if others or any(hash(line) not in fresh for line in journal.complete_lines(target / RECORDS)):
        what = others[0] if others else "answers or scores that these shards do not have"
        raise RunFolderError(f"{target} was merged before and has more since then ({what}); give another --out")


def _rename(hidden: Path, target: Path) -> None:
    """Put the complete folder in its place; an earlier merge there goes away when the new one has its name."""
    earlier = hidden.with_name(f"{hidden.name}-before")
    try:
        if target.exists() and any(target.iterdir()):
            lock = lock_folder(target)
            try:
                target.rename(earlier)
            finally:
                lock.release()
        hidden.rename(target)
    except OSError as error:
        raise unwritable(target, error) from None
    shutil.rmtree(earlier, ignore_errors=True)
