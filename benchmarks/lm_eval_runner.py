"""Runs lm-evaluation-harness on pages, in its own environment, and writes what it answered and how long it took.

    python lm_eval_runner.py SPEC.json OUT.json

In its favour: the index of its built-in tasks (some 15 s of every start) is left out, and so are bootstraps.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


class Clock:
    """Wall and CPU seconds spent inside what it wraps."""

    def __init__(self) -> None:
        """Start at nothing."""
        self.wall = 0.0
        self.cpu = 0.0

    def wrap(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """Return `call`, timed."""

        def timed(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return call(*args, **kwargs)
            finally:
                self.wall += time.perf_counter() - wall
                self.cpu += time.process_time() - cpu

        return timed


def main() -> None:
    """Load, evaluate, write."""
    spec, out = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")), Path(sys.argv[2])
    import lm_eval
    from lm_eval.models.huggingface import HFLM
    from lm_eval.tasks import TaskManager

    model = HFLM(pretrained=spec["model"], device=spec["device"], dtype=spec["dtype"], batch_size=spec["batch_size"])
    requests, evaluation = Clock(), Clock()
    for name in ("generate_until", "loglikelihood"):
        setattr(model, name, requests.wrap(getattr(model, name)))
    found = evaluation.wrap(lm_eval.simple_evaluate)(
        model=model,
        tasks=spec["tasks"],
        task_manager=TaskManager(include_path=spec["pages"], include_defaults=False),
        bootstrap_iters=0,
        log_samples=True,
        torch_random_seed=spec["seed"],
    )
    written = {
        "requests": {"wall": requests.wall, "cpu": requests.cpu},
        "evaluation": {"wall": evaluation.wall, "cpu": evaluation.cpu},
        "answers": {name: _answers(samples) for name, samples in found["samples"].items()},
        "prompts": _prompts(model, found["samples"]) if spec["prompts"] else {},
    }
    out.write_text(json.dumps(written), encoding="utf-8")


def _answers(samples: Sequence[Any]) -> list[Any]:
    """By document: the texts of its repeats, or (log-likelihood, greedy) of its options."""
    ordered = sorted(samples, key=lambda sample: sample["doc_id"])
    answers = []
    for sample in ordered:
        resps = sample["resps"]
        scored = isinstance(resps[0][0], (tuple, list))
        answers.append([list(option[0]) for option in resps] if scored else list(resps[0]))
    return answers


def _prompts(model: Any, samples: dict[str, Sequence[Any]]) -> dict[str, list[str]]:
    """By task and document: a digest of the token ids that the model was fed, as the harness counts it."""
    digests: dict[str, list[str]] = {}
    for name, its in samples.items():
        digests[name] = []
        for sample in sorted(its, key=lambda sample: sample["doc_id"]):
            if isinstance(sample["resps"][0][0], (tuple, list)):
                pairs = [model._encode_pair(*arguments) for arguments in sample["arguments"]]
                rows = [[*context, *continuation] for context, continuation in pairs]
            else:
                rows = [row.tolist() for row in model.tok_batch_encode([sample["arguments"][0][0]])[0]]
            digests[name].append(
                hashlib.sha256("".join(",".join(map(str, row)) + ";" for row in rows).encode()).hexdigest()
            )
    return digests


if __name__ == "__main__":
    main()
