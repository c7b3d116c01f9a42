"""Answers questions about lm-evaluation-harness's tasks, in its own environment: one JSON line in, one out.

    python lm_eval_side.py SETTINGS.json

Its data sets are read from the mirror. Its task pages, prompts, filters and metrics are its own. Nothing is fetched:
`evaluate`'s metric `code_eval`, which it takes from the hub, is replaced by one that runs the same program (prediction,
newline, reference) in a process of its own for at most 3 s, as that metric does.
"""

from __future__ import annotations

import copy
import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

# What simple_evaluate sets
SHOT_SEED = 1234
PROGRAM_SECONDS = 3
# `exec` of the program, with no name `__main__`, as code_eval does
RUN_PROGRAM = "import sys; exec(compile(sys.stdin.read(), 'program', 'exec'), {})\nprint('ran to its end')"


class NotInMirror(Exception):
    """A data set or split that the mirror does not hold."""


# --- data ----------------------------------------------------------------------------------------


class Splits(dict):  # type: ignore[type-arg]
    """Splits of a data set, read when they are used. One that is not in the mirror is empty, with the same columns."""

    def __init__(self, folder: Path, columns: Mapping[str, str]) -> None:
        """`columns`: new name of a column -> its name in the mirror."""
        super().__init__()
        self.folder, self.columns = folder, columns
        self.missing: set[str] = set()

    def __missing__(self, split: str) -> Any:
        import datasets

        rows = read_rows(self.folder, split)
        if rows is None:
            self.missing.add(split)
            rows = next((found for path in sorted(self.folder.iterdir()) if (found := read_rows_of(path))), None)
            if rows is None:
                raise NotInMirror(f"{self.folder} holds no split")
            self[split] = self._named(datasets.Dataset.from_list(rows)).select([])
        else:
            self[split] = self._named(datasets.Dataset.from_list(rows))
        return self[split]

    def _named(self, data: Any) -> Any:
        for new, old in self.columns.items():
            data = data.add_column(new, data[old]) if old in data.column_names else data
        return data


def read_rows(folder: Path, split: str) -> list[dict[str, Any]] | None:
    """Rows of a split, None where the mirror does not have it."""
    paths = (folder / f"{split}.jsonl", folder / f"{split}.jsonl.gz")
    return next((read_rows_of(path) for path in paths if path.is_file()), None)


def read_rows_of(path: Path) -> list[dict[str, Any]] | None:
    """Rows of a JSON lines file, None for any other file."""
    if not path.name.removesuffix(".gz").endswith(".jsonl"):
        return None
    text = (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()
    return [json.loads(line) for line in text.split("\n") if line.strip()]


def redirect_data(mirror: Path, aliases: Mapping[str, Mapping[str, Any]]) -> None:
    """Make `datasets.load_dataset` read the mirror; `aliases`: hub id -> {path, columns}."""
    import datasets

    def load(path: str, name: str | None = None, **given: Any) -> Splits:
        files = list(given.get("data_files", {}).values())
        alias = aliases.get(files[0] if path == "json" and files else path, {})
        folder = mirror / alias.get("path", path)
        # The hub's name of the only config of a data set
        named = name and not (name == "default" and not (folder / name).is_dir())
        folder = folder / str(name) if named else folder
        if not folder.is_dir():
            raise NotInMirror(f"{path} {name or ''} is not in the mirror")
        return Splits(folder, alias.get("columns", {}))

    datasets.load_dataset = load


# --- programs ------------------------------------------------------------------------------------


class CodeEval:
    """What `evaluate.load("code_eval")` returns."""

    def compute(
        self, references: Sequence[str], predictions: Sequence[Sequence[str]], k: Sequence[int] = (1,), **_: Any
    ) -> tuple[dict[str, float], dict[str, Any]]:
        """Return pass@k over all references, and the verdicts."""
        verdicts = [
            [passes(f"{program}\n{tests}") for program in programs]
            for programs, tests in zip(predictions, references, strict=True)
        ]
        rates = {f"pass@{n}": sum(pass_at(v, n) for v in verdicts) / len(verdicts) for n in k}
        return rates, {str(number): verdict for number, verdict in enumerate(verdicts)}


def passes(program: str) -> bool:
    """Whether a program runs to its end."""
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", RUN_PROGRAM],
            input=program,
            capture_output=True,
            text=True,
            timeout=PROGRAM_SECONDS,
        )
    except (subprocess.TimeoutExpired, UnicodeError):
        return False
    return done.returncode == 0 and done.stdout.endswith("ran to its end\n")


def pass_at(verdicts: Sequence[bool], k: int) -> float:
    """Return the unbiased estimate of pass@k (Chen et al. 2021)."""
    n, wrong = len(verdicts), verdicts.count(False)
    if wrong < k:
        return 1.0
    kept = 1.0
    for drawn in range(k):
        kept *= (wrong - drawn) / (n - drawn)
    return 1.0 - kept


def redirect_metrics() -> None:
    """Make `evaluate.load("code_eval")` work without the hub."""
    import evaluate

    known = evaluate.load

    def load(path: str, *args: Any, **given: Any) -> Any:
        return CodeEval() if path == "code_eval" else known(path, *args, **given)

    evaluate.load = load


# --- tasks ---------------------------------------------------------------------------------------


class Tasks:
    """lm-eval's tasks by name, loaded once."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        """Build its index of tasks."""
        from lm_eval.tasks import TaskManager

        self.manager = TaskManager()
        self.settings = settings
        self.loaded: dict[str, Any] = {}
        self.models: dict[str, Any] = {}

    def task(self, name: str) -> Any:
        """Return a task with its requests built."""
        if name not in self.loaded:
            # One at a time: an index of 57 subjects with all their prompts would fill the memory
            self.loaded.clear()
            task = self._opened(name)
            task.build_all_requests()
            self.loaded[name] = task
        return self.loaded[name]

    def _opened(self, name: str) -> Any:
        """The task, with the number of examples that its command line would set."""
        task = self.manager.load([name])["tasks"][name]
        for begin, count in self.settings["num_fewshot"].items():
            if name.startswith(begin):
                task.set_config("num_fewshot", count)
        task.set_fewshot_seed(SHOT_SEED)
        return task

    def requests(self, name: str) -> dict[str, Any]:
        """Return a task's settings, and for each document its contexts and what follows them."""
        task = self.task(name)
        documents = by_document(task._instances)
        config = task.config
        generation = dict(config.generation_kwargs or {})
        return {
            "kind": task.OUTPUT_TYPE,
            "version": task.VERSION,
            "shots": config.num_fewshot or 0,
            "repeats": config.repeats,
            "generation": generation,
            "documents": [[list(one.args)[:2] for one in each] for each in documents],
        }

    def chats(self, name: str, multiturn: bool) -> list[Any]:
        """Return a task's requests with a template that keeps the messages, as JSON."""
        task = self._opened(name)
        task.build_all_requests(
            apply_chat_template=True, fewshot_as_multiturn=multiturn, chat_template=messages_as_json
        )
        return [[list(one.args)[:2] for one in each] for each in by_document(task._instances)]

    def scores(self, name: str, replies: Sequence[tuple[int, Sequence[Any]]]) -> list[dict[str, float | None]]:
        """Score replies: for a document, one reply to each of its requests; by "metric,filter"."""
        task = self.task(name)
        documents = by_document(task._instances)
        answered = []
        for number, given in replies:
            instances = [copy.copy(one) for one in documents[number]]
            for instance, reply in zip(instances, given, strict=True):
                instance.resps = [tuple(reply) if isinstance(reply, list) else reply]
                instance.filtered_resps = {}
            answered.append(instances)
        every = [instance for instances in answered for instance in instances]
        for one in task._filters:
            one.apply(every)
        return [self._metrics(task, instances) for instances in answered]

    def _metrics(self, task: Any, instances: Sequence[Any]) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for key in instances[0].filtered_resps:
            try:
                metrics = task.process_results(
                    copy.deepcopy(instances[0].doc), [one.filtered_resps[key] for one in instances]
                )
            except Exception as error:  # noqa: BLE001 - whatever its page raises is a finding
                found[f"raised {type(error).__name__}: {str(error)[:120]},{key}"] = None
                continue
            for metric, value in metrics.items():
                found[f"{metric},{key}"] = number_of(task, metric, value)
        return found

    def likelihoods(self, name: str, model: str, numbers: Sequence[int]) -> list[list[float]]:
        """Return the log-likelihoods that its own engine computes with a model, for some documents."""
        from lm_eval.models.huggingface import HFLM

        if model not in self.models:
            self.models[model] = HFLM(pretrained=model, device="cpu", dtype="float32", batch_size=1)
        task, engine = self.task(name), self.models[model]
        documents = by_document(task._instances)
        chosen = [documents[number] for number in numbers]
        flat = [one for each in chosen for one in each]
        if task.OUTPUT_TYPE == "loglikelihood_rolling":
            values = iter(engine.loglikelihood_rolling(flat, disable_tqdm=True))
        else:
            values = iter([pair[0] for pair in engine.loglikelihood(flat, disable_tqdm=True)])
        return [[float(next(values)) for _ in each] for each in chosen]


def number_of(task: Any, metric: str, value: Any) -> float | None:
    """Return the value of one document; where it is raw material of an aggregation, that of this document alone."""
    if isinstance(value, int | float):
        return float(value)
    try:
        return float(value)
    except (TypeError, ValueError):
        pass
    try:
        return float(task.aggregation()[metric]([value]))
    except (KeyError, TypeError, ValueError):
        return None


def by_document(instances: Sequence[Any]) -> list[list[Any]]:
    """Group requests by their document, in order."""
    found: dict[int, list[Any]] = {}
    for instance in instances:
        found.setdefault(instance.doc_id, []).append(instance)
    return list(found.values())


def messages_as_json(messages: Any, add_generation_prompt: bool = True) -> str:
    """A chat template that loses nothing."""
    return json.dumps({"messages": messages, "new_turn": add_generation_prompt})


# --- the conversation ----------------------------------------------------------------------------


def main() -> None:
    """Answer until the input ends."""
    settings = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    # What lm-eval prints must not mix with the answers
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    os.environ |= {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_ALLOW_CODE_EVAL": "1",
        "TQDM_DISABLE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    sys.path += settings.get("packages", [])
    redirect_data(Path(settings["mirror"]), settings["aliases"])
    redirect_metrics()
    tasks = Tasks(settings)
    known: dict[str, Callable[..., Any]] = {
        "requests": tasks.requests,
        "chats": tasks.chats,
        "scores": tasks.scores,
        "likelihoods": tasks.likelihoods,
    }
    for line in sys.stdin:
        question = json.loads(line)
        try:
            answer = {"answer": known[question.pop("do")](**question)}
        except Exception as error:  # noqa: BLE001 - a task that cannot be loaded is a finding, not an end
            answer = {"fault": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
