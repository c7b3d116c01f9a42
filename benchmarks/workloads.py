"""The workloads: prompts written once to JSON lines, and for each side a page that puts them to a model as they are."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from pseudo_text import Writer

SEED = 11
CAP = 512
LETTERS = "ABCD"


@dataclass(frozen=True, slots=True)
class Task:
    """One task: its rows (`prompt`, and for choices `choices` and `gold`) and how they are decoded."""

    name: str
    kind: Literal["generate", "choice"]
    rows: Sequence[Mapping[str, Any]]
    max_tokens: int = CAP
    stop: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    repeats: int = 1

    @property
    def sampled(self) -> bool:
        """Whether texts are drawn, so that only counts and lengths can be compared."""
        return self.temperature > 0

    def head(self, documents: int) -> Task:
        """Return the same task with its first rows only."""
        return replace(self, rows=self.rows[:documents])


@dataclass(frozen=True, slots=True)
class Workload:
    """Tasks that are run together, in one process."""

    name: str
    about: str
    tasks: tuple[Task, ...]

    def head(self, documents: int) -> Workload:
        """Return the same workload, with so many rows of each task."""
        return replace(self, tasks=tuple(task.head(documents) for task in self.tasks))


@dataclass(slots=True)
class Author:
    """Writes a model's workloads. The writers differ by workload, so that none shares a prompt with another."""

    tokenizer: Any
    vocabulary: int
    stop: tuple[str, ...]
    documents: int | None = None
    drafts: dict[str, Callable[[], Workload]] = field(init=False)

    def __post_init__(self) -> None:
        """Name what can be written."""
        self.drafts = {
            "gen_8shot": lambda: self._one("8 fixed shots, then the answer", self._gen_8shot()),
            "gen_0shot": lambda: self._one("no shots", self._gen_0shot()),
            "gen_own_shots": lambda: self._one("each document with shots of its own", self._gen_own_shots()),
            "mc_long": lambda: self._one("4 options of about 12 tokens after 5 fixed shots", self._choices("mc_long")),
            "mc_letter": lambda: self._one("the same, options A to D", self._choices("mc_letter")),
            "pass_at_10": lambda: self._one("10 sampled answers to each prompt", self._pass_at_10()),
            "mixed": self._mixed,
        }

    def write(self, name: str) -> Workload:
        """Write one workload."""
        return self.drafts[name]()

    def plain(self, documents: int, tokens: int) -> Task:
        """Prompts without a stop string, to see what the model writes."""
        # However few documents are measured: the stop string must not depend on it
        rows = replace(self, documents=None)._gen_0shot().rows[:documents]
        return Task("emitted", "generate", rows, max_tokens=tokens)

    def _one(self, about: str, task: Task) -> Workload:
        return Workload(task.name, about, (task,))

    def _count(self, usual: int) -> int:
        return min(usual, self.documents or usual)

    def _writer(self, name: str) -> Writer:
        return Writer(self.tokenizer, self.vocabulary, SEED + sum(name.encode()))

    def _gen_8shot(self) -> Task:
        writer = self._writer("gen_8shot")
        shared = _shots(writer, 8, 66, 70)
        rows = [{"prompt": f"{shared}Question: {writer.passage(56)}\nAnswer:"} for _ in range(self._count(100))]
        return Task("gen_8shot", "generate", rows, stop=self.stop)

    def _gen_0shot(self) -> Task:
        writer = self._writer("gen_0shot")
        rows = [{"prompt": f"Question: {writer.between(55, 115)}\nAnswer:"} for _ in range(self._count(100))]
        return Task("gen_0shot", "generate", rows, stop=self.stop)

    def _gen_own_shots(self) -> Task:
        writer = self._writer("gen_own_shots")
        prompts = [
            f"{_shots(writer, 5, 62, 66)}Question: {writer.passage(56)}\nAnswer:" for _ in range(self._count(100))
        ]
        return Task("gen_own_shots", "generate", [{"prompt": prompt} for prompt in prompts], stop=self.stop)

    def _choices(self, name: Literal["mc_long", "mc_letter"]) -> Task:
        writer = self._writer("choices")
        shared = _shots(writer, 5, 50, 14)
        rows = []
        for index in range(self._count(100)):
            prompt = f"{shared}Question: {writer.passage(56)}\nAnswer:"
            long = [f" {writer.passage(12)}" for _ in LETTERS]
            choices = long if name == "mc_long" else [f" {letter}" for letter in LETTERS]
            rows.append({"prompt": prompt, "choices": choices, "gold": index % len(LETTERS)})
        return Task(name, "choice", rows)

    def _pass_at_10(self) -> Task:
        writer = self._writer("pass_at_10")
        rows = [{"prompt": f"Question: {writer.between(90, 150)}\nAnswer:"} for _ in range(self._count(20))]
        return Task("pass_at_10", "generate", rows, stop=self.stop, temperature=0.8, top_p=0.95, repeats=10)

    def _mixed(self) -> Workload:
        parts = (self._gen_8shot(), self._gen_0shot(), self._choices("mc_long"), self._choices("mc_letter"))
        tasks = tuple(part.head(max(1, len(part.rows) // 4)) for part in parts)
        return Workload("mixed", "a quarter of gen_8shot, gen_0shot, mc_long and mc_letter in one command", tasks)


def demo_workload(tasks: Sequence[tuple[str, Sequence[str], int]]) -> Workload:
    """The demo suite, its chat prompts given as text: (name, prompts, most tokens) of each task."""
    written = tuple(
        Task(f"{name}_text", "generate", [{"prompt": prompt} for prompt in prompts], max_tokens=most)
        for name, prompts, most in tasks
    )
    return Workload("demo", "the demo model on the demo suite, from the start of the process", written)


def _shots(writer: Writer, count: int, question: int, answer: int) -> str:
    return "".join(f"Question: {writer.passage(question)}\nAnswer: {writer.passage(answer)}\n\n" for _ in range(count))


def our_page(task: Task, folder: Path) -> Path:
    """Write the rows and our page of a task; return the page."""
    page = {
        "name": task.name,
        "version": 1,
        "about": "Written by benchmarks/vs_peers.py.",
        "source": {"licence": "Apache-2.0"},
        "data": {"path": f"./{task.name}.jsonl", "split": "train", "columns": ["prompt"]},
        "reference": {"answer": ["{{ prompt }}"]},
        "prompt": {"text": {"template": "{{ prompt }}", "stop": list(task.stop)}},
        "score": [{"by": "exact_match", "extract": {"by": "text"}}],
        "metric": ["mean"],
    }
    if task.kind == "choice":
        options = [f"{{{{ choices[{index}] }}}}" for index in range(len(LETTERS))]
        page["data"] |= {"columns": ["prompt", "choices", "gold"]}
        page["reference"] = {"choice": {"options": options, "gold": "{{ gold }}"}}
        page["prompt"] = {"text": {"template": "{{ prompt }}", "target": "{{ option }}"}}
        page |= {"ask": "loglikelihood", "score": [{"by": "choice"}]}
    else:
        page["sampling"] = {"max_tokens": task.max_tokens, "temperature": task.temperature, "top_p": task.top_p}
        page["repeats"] = task.repeats
    _write_rows(task, folder)
    # JSON is YAML, and needs no library to write
    path = folder / f"{task.name}.yaml"
    path.write_text(json.dumps(page, indent=1), encoding="utf-8")
    return path


def lm_eval_page(task: Task, folder: Path) -> Path:
    """Write the rows and lm-eval's page of a task; return the page."""
    page: dict[str, Any] = {
        "task": task.name,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": str(folder / f"{task.name}.jsonl")}},
        "test_split": "test",
        "doc_to_text": "{{prompt}}",
        "target_delimiter": "",
        "num_fewshot": 0,
    }
    if task.kind == "choice":
        page |= {
            "output_type": "multiple_choice",
            "doc_to_choice": "choices",
            "doc_to_target": "gold",
            "metric_list": [{"metric": "acc"}],
        }
    else:
        decoding: dict[str, Any] = {"until": list(task.stop), "max_gen_toks": task.max_tokens, "do_sample": False}
        if task.sampled:
            # Without top_k=0, transformers would cut to the 50 likeliest tokens
            decoding |= {"do_sample": True, "temperature": task.temperature, "top_p": task.top_p, "top_k": 0}
        page |= {
            "output_type": "generate_until",
            "doc_to_target": "",
            "generation_kwargs": decoding,
            "repeats": task.repeats,
            "metric_list": [{"metric": "bypass"}],
        }
    _write_rows(task, folder)
    path = folder / f"{task.name}.yaml"
    path.write_text(json.dumps(page, indent=1), encoding="utf-8")
    return path


def _write_rows(task: Task, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in task.rows)
    (folder / f"{task.name}.jsonl").write_text(lines, encoding="utf-8")
