"""The measurement as a page of Markdown."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, median
from typing import Any

from measure import Run, Setting
from peer_env import LM_EVAL
from workloads import Workload


def facts(setting: Setting) -> dict[str, Any]:
    """What was measured on, and with what."""
    return {
        "processor": processor(),
        "cores": len(setting.cores),
        "device": _device(setting.device),
        "dtype": setting.dtype,
        "engine": setting.engine,
        "lm_eval": LM_EVAL,
        "torch": version("torch"),
        "transformers": version("transformers"),
        "python": platform.python_version(),
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median, least and largest."""
    return {"median": median(values), "min": min(values), "max": max(values)}


def mean_tokens(workload: Workload, run: Run) -> float | None:
    """Mean length of generated answers, None where nothing is generated."""
    written = [
        count
        for task in workload.tasks
        if task.kind == "generate"
        for row in run.output_tokens[task.name]
        for count in row
    ]
    return fmean(written) if written else None


def markdown(results: Mapping[str, Any]) -> str:
    """Speed, then the floor, then parity, a table each."""
    setting = results["setting"]
    lines = [
        "# This harness and lm-evaluation-harness",
        "",
        f"{setting['processor']}, {setting['cores']} core(s) for both; {setting['device']}, {setting['dtype']}; "
        f"engine {setting['engine']}; lm-eval {setting['lm_eval']}; torch {setting['torch']}, "
        f"transformers {setting['transformers']}, Python {setting['python']}.",
        "",
        "## Speed: lm-eval's time divided by ours",
        "",
        *_speed(results["workloads"]),
        "",
        "Whole processes, start and loading included; `engine` is the time inside the engines alone. Median of the "
        "pairs (least to largest). lm-eval at the batch size that was its best.",
        "",
        "## Distance from the floor",
        "",
        *_floor(results["workloads"]),
        "",
        f"The floor is the multiply-adds of the weights that no engine can leave out, at the "
        f"{results['gflops_per_second']:.0f} GFLOP/s of a large product here. Attention is not counted.",
        "",
        "## Parity, first pair",
        "",
        *_parity(results["workloads"]),
    ]
    return "\n".join(lines)


def _speed(workloads: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    ratios_and_costs = ("Wall", "CPU", "Engine", "Ours s", "lm-eval s", "Ours MB", "lm-eval MB")
    yield f"| {' | '.join(('Model', 'Workload', 'Documents', 'Tokens', 'Batch', *ratios_and_costs))} |"
    yield f"|---|---|{'--:|' * 10}"
    for found in workloads:
        tokens = "" if found["answer_tokens"] is None else f"{found['answer_tokens']:.0f}"
        ratios = [ratio(found["ratios"][what]) for what in ("wall", "cpu", "engine_wall")]
        costs = [
            f"{median(pair[side][what] for pair in found['pairs']):.{digits}f}"
            for what, digits in (("wall", 1), ("peak_mb", 0))
            for side in ("ours", "lm_eval")
        ]
        documents = str(sum(found["documents"].values()))
        cells = [found["model"], found["name"], documents, tokens, str(found["peer_batch_size"]), *ratios, *costs]
        yield f"| {' | '.join(cells)} |"


def ratio(values: Mapping[str, float]) -> str:
    """Median, least and largest as text."""
    return f"{values['median']:.1f} ({values['min']:.1f}-{values['max']:.1f})"


def _floor(workloads: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| Model | Workload | TFLOP | Floor s | Our engine s | Floor / ours | Floor / lm-eval |"
    yield "|---|---|--:|--:|--:|--:|--:|"
    for found in workloads:
        floor = found["floor"]
        ours, theirs = (median(pair[side]["engine_wall"] for pair in found["pairs"]) for side in ("ours", "lm_eval"))
        yield (
            f"| {found['model']} | {found['name']} | {floor['gflop'] / 1e3:.2f} | {floor['seconds']:.1f} | {ours:.1f} "
            f"| {floor['seconds'] / ours:.0%} | {floor['seconds'] / theirs:.1%} |"
        )


def _parity(workloads: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield "| Model | Workload | Task | Same token ids | Answers |"
    yield "|---|---|---|---|---|"
    for found in workloads:
        for name, task in found["parity"].items():
            same = "yes" if found["same_prompts"] else "NO"
            yield f"| {found['model']} | {found['name']} | {name} | {same} | {agreement(task)} |"


def agreement(task: Mapping[str, Any]) -> str:
    """How far a task's answers agree, as text."""
    if "likelihoods" in task:
        return (
            f"{task['likelihoods']} log-likelihoods, largest difference {task['max_abs_difference']:.1e}; "
            f"same choice {task['same_choice']}/{task['documents']}"
        )
    if "sampled" in task:
        return (
            f"sampled: {task['sampled']} and {task['sampled_by_peer']} texts of "
            f"{task['mean_tokens']:.1f} and {task['mean_tokens_of_peer']:.1f} tokens"
        )
    equal = f"{task['equal']}/{task['texts']} texts equal"
    parted = [f"document {one['document']} {_where(one)}" for one in task["examined"]]
    return equal + (f"; parted: {', '.join(parted)}" if parted else "")


def _where(found: Mapping[str, Any]) -> str:
    if found["gap"] is None:
        return "where one text ends early"
    return f"at token {found['token']}, gap {found['gap']:.1e} (plain generate goes with {found['plain_follows']})"


def _device(name: str) -> str:
    if not name.startswith("cuda"):
        return name
    import torch

    return str(torch.cuda.get_device_name(name))


def processor() -> str:
    """The processor's name."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())
