"""Imports a page of lm-evaluation-harness: reads it, writes ours, and compares what both ask, byte for byte.

A page whose prompts, continuations or right answers are not those of the original is not written. The importer reads
the rows, because what a page means depends on them: `doc_to_target: answer` is a column only where there is one.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.catalog import Binder, Task
from harness.config import pages
from harness.config.yaml_page import shown
from harness.data.rows import Loader
from harness.datatypes import Answer, Choice, LikelihoodRequest, RollingRequest, Sample, Tests, TextPrompt
from harness.errors import ConfigError, DataError, UnknownName, unwritable
from harness.execution.base import Limits
from harness.importing.lm_eval_code import Functions
from harness.importing.lm_eval_data import ForeignData
from harness.importing.lm_eval_examples import NotThisForm
from harness.importing.lm_eval_groups import Suite
from harness.importing.lm_eval_page import FORMS, Draft, Form, drafted, our_name
from harness.importing.lm_eval_sampling import sampling_of
from harness.importing.lm_eval_scores import Scoring, scoring_of
from harness.importing.lm_eval_task import ForeignTask, RowRequests
from harness.importing.lm_eval_yaml import ForeignPage, Function
from harness.importing.writing import write_page
from harness.page_scorers import page_scorers
from harness.scoring.services import Services

# Rows whose requests are compared at most: every row of nearly all benchmarks, in a minute
COMPARED = 5000
NOT_CARRIED = ("class", "doc_to_image", "doc_to_audio", "use_prompt")
IGNORED = {
    "should_decontaminate": "should_decontaminate marks nothing here",
    "unsafe_code": "",
    "task_alias": "",
}
KINDS = ("generate_until", "multiple_choice", "loglikelihood", "loglikelihood_rolling")
MODULE = '''"""Scores by the functions of lm-evaluation-harness's page {task}, whose file was copied on import."""

import hashlib
import importlib.util
import sys
from pathlib import Path

_FILE = Path(__file__).with_name({folder!r}) / {file!r}
if hashlib.sha256(_FILE.read_bytes()).hexdigest() != {digest!r}:
    raise RuntimeError(f"{{_FILE}} was changed since it was imported; import the page again")
_spec = importlib.util.spec_from_file_location(f"{{__name__}}_functions", _FILE)
functions = importlib.util.module_from_spec(_spec)
sys.modules[_spec.name] = functions
_spec.loader.exec_module(functions)
'''
FUNCTION = '''

def {name}(sample, completion):
    """The metric of that name, of one completion."""
    return float({expression})
'''


@dataclass(frozen=True, slots=True)
class Imported:
    """A page that was written.

    `form`: how it gets its prompts (`templates`, `rows`, `prompts`); `why`: why in no simpler form. `compared` of
    `total` rows ask the same. `first`: the first prompt, the same on both sides, with the first continuation behind it.
    """

    task: str
    page: Path
    form: Form
    why: tuple[str, ...]
    compared: int
    total: int
    requests: tuple[RowRequests, ...]
    notes: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


@dataclass(slots=True)
class Importer:
    """Imports pages into a folder; `mirror` is read in place of the hub, `trusted`: functions of pages may run."""

    out: Path
    mirror: Path | None = None
    trusted: bool = False
    compared: int = COMPARED
    _loader: Loader = field(init=False)
    _functions: Functions = field(init=False)

    def __post_init__(self) -> None:
        """Share rows and functions between pages."""
        self._loader = Loader(self.mirror)
        self._functions = Functions(self.trusted)

    def task(self, page: ForeignPage) -> Imported:
        """Import one task. Raises ConfigError or DataError that names all that is not carried, and HubError."""
        task, scoring = self._read(page)
        failures: list[str] = []
        for form in FORMS:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    draft = drafted(task, scoring, form)
                    written = self._written(task, scoring, draft, Path(folder))
                    bound = self._bound(written[0])
                    requests = self._agreed(task, bound)
                except (NotThisForm, Different) as reason:
                    failures.append(f"{form}: {reason}")
                    continue
                except (ConfigError, DataError, UnknownName) as error:
                    failures.append(f"{form}: {str(error).replace(folder + '/', '')}")
                    continue
                files = self._moved(written, Path(folder))
            notes = [text for key, text in IGNORED.items() if page.values.get(key) and text] + scoring.notes
            sampling = draft.page.get("sampling", {})
            if sampling.get("temperature") and not {"top_p", "top_k"} <= set(sampling):
                notes.append("top_p and top_k that the page leaves out are the model's own there, and off here")
            if (page.values.get("fewshot_config") or {}).get("fewshot_indices"):
                notes.append("fewshot_indices has no effect there, and has none here")
            count = min(self.compared, bound.total)
            return Imported(
                task.name, files[0], form, tuple(failures), count, bound.total, requests, tuple(notes), tuple(files)
            )
        raise ConfigError(f"{shown(page.path)}: cannot be imported with the same prompts\n" + "\n".join(failures))

    def suite(self, suite: Suite, tasks: Sequence[Imported]) -> Path:
        """Write a suite of pages that were imported. Raises ConfigError where its file is there already."""
        page: dict[str, Any] = {
            "name": our_name(suite.name),
            "about": f"Imported from lm-evaluation-harness, group {suite.name}.",
            "tasks": [{"task": f"./{task.page.name}"} for task in tasks],
        }
        if suite.by_size:
            page["average"] = "weighted"
        file = self.out / f"{our_name(suite.name)}.suite.yaml"
        if file.exists():
            raise ConfigError(f"{shown(file)}: is there already; name another folder with --out, or remove it")
        try:
            write_page(file, page)
        except OSError as error:
            raise unwritable(file, error) from None
        return file

    def _read(self, page: ForeignPage) -> tuple[ForeignTask, Scoring]:
        """Read a page and its rows, and name all that is not carried at once."""
        faults = [f"{page.place(key)}: {key} cannot be carried" for key in NOT_CARRIED if page.values.get(key)]
        if "task" not in page.values:
            raise ConfigError(f"{shown(page.path)}: is no task of lm-evaluation-harness: it has no key `task`")
        kind = page.values.get("output_type") or "generate_until"
        if kind not in KINDS:
            faults.append(f"{page.place('output_type')}: the output type {kind} cannot be carried")
        if not self.trusted:
            named = (f"{page.place(key)}: {each}" for key, each in _functions(page.values) if not _is_known(key, each))
            if found := list(dict.fromkeys(named)):
                advice = "its Python code would run with your rights; read it, then pass --trust-page-code"
                faults += [f"{each}: {advice}" for each in found]
        if faults:
            raise ConfigError("\n".join(faults))
        task = ForeignTask(page, ForeignData(page, self._loader), self._functions)
        scoring = Scoring([], [])
        try:
            scoring = scoring_of(task)
        except ConfigError as error:
            faults.append(str(error))
        if task.kind == "generate_until":
            try:
                sampling_of(page)
            except ConfigError as error:
                faults.append(str(error))
        if faults:
            raise ConfigError("\n".join(faults))
        return task, scoring

    def _written(self, task: ForeignTask, scoring: Scoring, draft: Draft, folder: Path) -> list[Path]:
        name = str(draft.page["name"])
        page = folder / f"{name}.yaml"
        write_page(page, draft.page)
        files = [page]
        beside = folder / name
        for split, rows in draft.files.items():
            beside.mkdir(exist_ok=True)
            file = beside / f"{split}.jsonl"
            with file.open("w", encoding="utf-8") as out:
                out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            files.append(file)
        if scoring.calls:
            beside.mkdir(exist_ok=True)
            (source,) = {function.file for function in scoring.functions}
            copied = beside / source.name
            shutil.copyfile(source, copied)
            code = folder / f"{name}.py"
            digest = hashlib.sha256(copied.read_bytes()).hexdigest()
            text = MODULE.format(task=task.name, folder=name, file=source.name, digest=digest)
            text += "".join(FUNCTION.format(name=each, expression=call) for each, call in scoring.calls.items())
            code.write_text(text, encoding="utf-8")
            files += [code, copied]
        return files

    def _bound(self, file: Path) -> Task:
        page, source = pages.task_page(str(file))
        services = Services("auto", Limits())
        try:
            scorers = page_scorers(page, source, services.tools(), True)
            binder = Binder(self._loader, "text", self.compared, insists=True, trust_page_code=True)
            return binder.bind(page, source, scorers)
        finally:
            services.close()

    def _agreed(self, task: ForeignTask, ours: Task) -> tuple[RowRequests, ...]:
        """Return what both ask. Raises Different for the first row that asks something else."""
        if ours.total != len(task.docs):
            raise Different(f"{ours.total} rows here, {len(task.docs)} there")
        count = len(ours.samples)
        requests = []
        for number, (doc, shots) in enumerate(zip(task.docs[:count], task.shots_of(count), strict=True)):
            theirs = task.requests(doc, shots)
            mine = _requests_of(ours, number)
            if mine != theirs:
                raise Different(_difference(number, mine, theirs))
            gold, known = _right(ours.samples[number]), _their_right(task, doc)
            if gold != known:
                raise Different(f"row {number}: the right answer is {gold!r:.80} here, {known!r:.80} there")
            requests.append(theirs)
        return tuple(requests)

    def _moved(self, files: Sequence[Path], folder: Path) -> list[Path]:
        places = [self.out / file.relative_to(folder) for file in files]
        try:
            if taken := next((place for place in places if place.exists()), None):
                raise ConfigError(f"{shown(taken)}: is there already; name another folder with --out, or remove it")
            for file, place in zip(files, places, strict=True):
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, place)
        except OSError as error:
            raise unwritable(self.out, error) from None
        return places


class Different(Exception):
    """Both sides ask something else; the message shows where."""


def _functions(value: Any, key: str = "") -> Iterator[tuple[str, Function]]:
    """Every `!function` of a page, with the key that it is under."""
    if isinstance(value, Function):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _functions(inner, key or str(name))
    elif isinstance(value, list):
        for inner in value:
            yield from _functions(inner, key)


def _is_known(key: str, function: Function) -> bool:
    """Whether a function need not run, since it is known by its code."""
    from harness.importing.lm_eval_code import digest_of_function
    from harness.importing.lm_eval_scores import PASS_AT_K, PROGRAMS

    known = {*PASS_AT_K, *PROGRAMS}
    return key in ("metric_list", "filter_list") and (
        (function.name, digest_of_function(function.file, function.name)) in known
    )


def _requests_of(task: Task, number: int) -> RowRequests:
    request = task.requests[number * task.page.repeats]
    prompt = request.prompt
    assert isinstance(prompt, TextPrompt)
    if isinstance(request, RollingRequest):
        return RowRequests(("",), (request.text,))
    if not isinstance(request, LikelihoodRequest):
        return RowRequests((prompt.text,), None)
    count = len(request.continuations)
    choice = task.page.reference.choice
    if choice is not None and choice.unconditional:
        count //= 2
    contexts = tuple(str(getattr(each, "text", each)) for each in request.contexts[:count]) or (prompt.text,) * count
    return RowRequests(contexts, request.continuations[:count])


def _right(sample: Sample) -> list[Any]:
    reference = sample.reference
    if isinstance(reference, Choice):
        return sorted({reference.gold, *reference.right})
    if isinstance(reference, Answer):
        return list(reference.values)
    return [reference.tests.removesuffix("\n")] if isinstance(reference, Tests) else [reference.text]


def _their_right(task: ForeignTask, doc: dict[str, Any]) -> list[Any]:
    golds = task.golds(doc)
    if task.kind == "multiple_choice":
        wrong = [gold for gold in golds if not isinstance(gold, int) or not gold >= 0]
        if wrong:
            raise DataError(f"{task.page.place('doc_to_target')}: the right option is {wrong[0]!r}")
        return sorted(set(golds))
    return golds


def _difference(number: int, ours: RowRequests, theirs: RowRequests) -> str:
    """Say where two requests part, with the text before and behind that place."""
    pairs = [("prompt", ours.contexts, theirs.contexts)]
    pairs.append(("continuation", ours.continuations or (), theirs.continuations or ()))
    for part, mine, known in pairs:
        if len(mine) != len(known):
            return f"row {number}: {len(mine)} {part}s here, {len(known)} there"
        for left, right in zip(mine, known, strict=True):
            if left != right:
                at = _parting(left, right)
                seen = slice(max(0, at - 30), at + 30)
                return (
                    f"row {number}: the {part}s part at character {at}\n"
                    f"  ours   {left[seen]!r}\n  theirs {right[seen]!r}"
                )
    return f"row {number}: they ask something else"


def _parting(left: str, right: str) -> int:
    """The place of the first character that differs."""
    shorter = min(len(left), len(right))
    return next((place for place in range(shorter) if left[place] != right[place]), shorter)
