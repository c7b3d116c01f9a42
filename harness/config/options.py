"""The options of a run, each declared once: the command line, the Python API and `claim check --run` share them.

Imports nothing but types, so that `--help` stays quick.
"""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike
from typing import Annotated, TypedDict, get_args, get_type_hints

PathText = str | PathLike[str]


@dataclass(frozen=True, slots=True)
class RunOption:
    """One option: its dotted config key, its help, and the name of its value in the help (`metavar`)."""

    key: str
    help: str
    metavar: str | None = None


class RunOptions(TypedDict, total=False):
    """Options by name; None or left out means the default."""

    limit: Annotated[int | None, RunOption("limit", "only so many samples of each task: the first ones", "N")]
    limit_seed: Annotated[
        int | None,
        RunOption("limit_seed", "with --limit: a random part, drawn with this seed, not the first", "S"),
    ]
    perturb: Annotated[
        str | None,
        RunOption(
            "perturb.by", "also run every task with its questions changed a little, for `harness compare`", "KIND"
        ),
    ]
    perturb_draws: Annotated[
        int | None, RunOption("perturb.draws", "with --perturb: variants of each sample [default: 2]", "N")
    ]
    perturb_file: Annotated[
        PathText | None, RunOption("perturb.file", "with --perturb: where its questions come from", "FILE")
    ]
    shard: Annotated[
        str | None,
        RunOption("shard", "only part I of N (I from 1), into OUT-shard-I-of-N; then `harness merge`", "I/N|auto"),
    ]
    out: Annotated[PathText | None, RunOption("out", "run folder [default: runs/SUITE-MODEL-HASH]")]
    engine: Annotated[str | None, RunOption("engine.name", "the name of the engine that answers")]
    endpoint: Annotated[
        str | None, RunOption("engine.url", "base URL of the server that has the model; several with commas", "URL")
    ]
    concurrency: Annotated[
        int | None, RunOption("engine.concurrency", "most requests at a server at once [default: as many as it bears]")
    ]
    replicas: Annotated[
        int | None,
        RunOption(
            "engine.replicas", "copies of the model, which share the requests: a GPU each, or processes on the CPU", "N"
        ),
    ]
    max_cost: Annotated[
        float | None, RunOption("budget.max_cost", "stop before the run costs more, all tries together", "DOLLARS")
    ]
    max_total_tokens: Annotated[
        int | None, RunOption("budget.max_total_tokens", "stop before so many tokens, in and out, all tries together")
    ]
    repeat_check: Annotated[
        int | None,
        RunOption("repeat_check", "afterwards request so many greedy samples again, and count what changed", "N"),
    ]
    completions: Annotated[
        PathText | None,
        RunOption("engine.completions", "answers made elsewhere (JSON lines)"),
    ]
    completion_column: Annotated[
        str | None, RunOption("engine.completion_column", "key of the file's completions; a list is repeats")
    ]
    verdict_column: Annotated[
        str | None,
        RunOption(
            "engine.verdict_column",
            "key of recorded verdicts to compare with [default: verdict, is_correct, passed]",
        ),
    ]
    only_answered: Annotated[
        bool | None,
        RunOption("engine.only_answered", "leave out samples that the file of completions does not answer"),
    ]
    revision: Annotated[str | None, RunOption("model.revision", "branch, tag or commit of a hub model")]
    device: Annotated[str | None, RunOption("model.device", "auto, cpu, cuda, cuda:1, mps; cuda:0,1: a copy on each")]
    dtype: Annotated[str | None, RunOption("model.dtype", "auto, float32, float16, bfloat16")]
    adapter: Annotated[
        str | None, RunOption("model.adapter", "PEFT adapter to merge into the model: folder or hub id", "PATH[@REV]")
    ]
    quantize: Annotated[
        str | None, RunOption("model.quantize", "int8, int4: round the weights at load, to save memory")
    ]
    batch_size: Annotated[int | None, RunOption("engine.batch_size", "most prompts at once [default: by memory]")]
    max_memory: Annotated[
        float | None, RunOption("engine.max_memory", "for cache and logits of a replica", metavar="GB")
    ]
    self_check: Annotated[
        str | None,
        RunOption(
            "engine.self_check",
            "always: compare the fast way of computing with plain transformers at this start too; cached: once for the "
            "same weights, machine and versions [default: cached]",
            "cached|always",
        ),
    ]
    ray: Annotated[
        str | None,
        RunOption("engine.ray", "replicas on a Ray cluster; without HOST:PORT on a Ray of this machine", "[ADDRESS]"),
    ]
    gpus_per_replica: Annotated[
        float | None, RunOption("engine.gpus_per_replica", "with --ray: GPUs of each replica, also 0.5", "N")
    ]
    ray_scoring: Annotated[
        bool | None, RunOption("execution.ray_scoring", "with --ray: programs of code tasks run on the nodes too")
    ]
    style: Annotated[str | None, RunOption("model.style", "auto, chat (the model's template), text")]
    trust_remote_code: Annotated[
        bool | None,
        RunOption("model.trust_remote_code", "run Python code that the model's repository brings"),
    ]
    mirror: Annotated[PathText | None, RunOption("data.mirror", "local folder used in place of the data hub")]
    trust_page_code: Annotated[
        bool | None,
        RunOption("data.trust_page_code", "run the Python file beside a page that is not the project's own"),
    ]
    sandbox: Annotated[str | None, RunOption("execution.sandbox", "auto, namespace, none (runs programs unprotected)")]
    skip_missing: Annotated[
        bool | None,
        RunOption("skip_missing", "leave out tasks whose toolchain or packages are missing here, and name them"),
    ]
    seed: Annotated[int | None, RunOption("seed", "seed of sampled answers [default: 0]")]


def run_options() -> dict[str, tuple[type, RunOption]]:
    """Return every option by name, with the type of its value (bool, int, float or str), in the order of the help."""
    options = {}
    for name, hint in get_type_hints(RunOptions, include_extras=True).items():
        annotation, option = get_args(hint)
        kinds = [kind for kind in get_args(annotation) if kind in (bool, int, float)]
        options[name] = (kinds[0] if kinds else str, option)
    return options
