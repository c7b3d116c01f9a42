"""Options of lm-evaluation-harness, lighteval and Inspect: what to type here in their place.

Such a command is never run by guess: the first line is the whole command in the words of `harness run`, and each
foreign word gets a line. `docs/from-lm-eval.md` has the same as a table.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# Backends of lm-evaluation-harness, which has the model's name in --model_args
LOCAL = ("hf", "hf-auto", "huggingface", "hf-causal", "hf-multimodal", "accelerate", "dummy")
SERVED = (
    *("vllm", "sglang", "gguf", "ggml", "local-completions", "local-chat-completions", "openai-completions"),
    *("openai-chat-completions", "anthropic-chat", "anthropic-chat-completions", "sglang-generate"),
)
MODEL_ARGS = {
    "pretrained": "--model",
    "model": "--model",
    "model_name": "--model",
    "revision": "--revision",
    "dtype": "--dtype",
    "device": "--device",
    "base_url": "--endpoint",
    "num_concurrent": "--concurrency",
    "tokenizer": "engine.tokenizer",
    "max_length": "engine.context_window",
    "max_model_len": "engine.context_window",
}
GENERATION = {
    "temperature": "sampling.temperature",
    "top_p": "sampling.top_p",
    "top_k": "sampling.top_k",
    "max_gen_toks": "sampling.max_tokens",
    "max_new_tokens": "sampling.max_tokens",
    "max_tokens": "sampling.max_tokens",
    "max_length": "sampling.max_tokens",
}
# Implied by the temperature, here and there
IDLE_GENERATION = ("do_sample",)


@dataclass(frozen=True, slots=True)
class Said:
    """What to say about a foreign word (after `type` or `leave it out:`), and the words that take its place."""

    hint: str
    instead: tuple[str, ...] = ()


Translate = Callable[[str, str], Said]


def _typed(*words: str, note: str = "") -> Said:
    return Said(f"type {shlex.join(words)}{f' ({note})' if note else ''}", words)


def _out(why: str) -> Said:
    return Said(f"leave it out: {why}")


def _model_args(value: str, task: str) -> Said:
    words: list[str] = []
    unknown: list[str] = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, given = part.partition("=")
        if name == "trust_remote_code":
            words += ["--trust-remote-code"] if given.lower() == "true" else []
        elif name not in MODEL_ARGS:
            unknown.append(name)
        elif MODEL_ARGS[name].startswith("--"):
            words += [MODEL_ARGS[name], _base_url(given) if name == "base_url" else given]
        else:
            words += ["--set", f"{MODEL_ARGS[name]}={given}"]
    note = f"no such option here: {', '.join(unknown)}" if unknown else ""
    return _typed(*words, note=note) if words else Said(note or "type --model MODEL", ("--model", "MODEL"))


def _base_url(url: str) -> str:
    """The base URL, without the path of one call."""
    return url.removesuffix("/").removesuffix("/chat/completions").removesuffix("/completions")


def _gen_kwargs(value: str, task: str) -> Said:
    words: list[str] = []
    unknown: list[str] = []
    for part in filter(None, (part.strip() for part in value.split(","))):
        name, _, given = part.partition("=")
        if name in GENERATION:
            words += ["--set", f"tasks.{task}.{GENERATION[name]}={given}"]
        elif name not in IDLE_GENERATION:
            unknown.append(name)
    note = f"no such key of sampling here: {', '.join(unknown)}" if unknown else "for each task"
    return _typed(*words, note=note) if words else _out(note if unknown else "the task's page says how it is decoded")


def _setting(key: str) -> Translate:
    return lambda value, task: _typed("--set", f"tasks.{task}.{key}={value}", note="for each task")


def _renamed(flag: str, note: str = "") -> Translate:
    return lambda value, task: _typed(flag, value, note=note)


def _dropped(why: str) -> Translate:
    return lambda value, task: _out(why)


# Option -> its translation; those in SWITCHES take no value
WORDS: Mapping[str, Translate] = {
    "--num_fewshot": lambda value, task: _typed(
        "--sweep", f"shots={value}", note=f"for every task; for one: --set tasks.{task}.fewshot.count={value}"
    ),
    "--model_args": _model_args,
    "--gen_kwargs": _gen_kwargs,
    "--apply_chat_template": _dropped("a model with a chat template gets chat prompts; --style text does without"),
    "--fewshot_as_multiturn": _dropped("examples of a chat prompt are turns; prompt.chat.one_turn makes them one"),
    "--system_instruction": _setting("prompt.chat.system"),
    "--output_path": _renamed("--out", "the run folder"),
    "--log_samples": _dropped("every answer is kept; `harness show RUN` prints them"),
    "--include_path": lambda value, task: _out(f"name the page itself, as in --tasks {value.rstrip('/')}/{task}.yaml"),
    "--use_cache": _dropped("the run folder keeps every answer, and the same command goes on with it"),
    "--cache_requests": _dropped("the run folder keeps every answer, and the same command goes on with it"),
    "--predict_only": _dropped("answers are scored as they come; `harness rescore RUN` scores them again"),
    "--write_out": lambda value, task: _typed("--dry-run", note="shows the first prompt of each task"),
    "--show_config": lambda value, task: _typed("--dry-run"),
    "--check_integrity": _dropped("`harness tasks validate TASK` checks a task"),
    "--verbosity": _dropped("--quiet prints less, --verbose more"),
    "--max_batch_size": _renamed("--batch-size"),
    "--confirm_run_unsafe_code": _dropped("programs run in a sandbox"),
    "--hf_hub_log_args": _dropped("`harness export RUN --to hub` writes what the hub takes"),
    "--wandb_args": _dropped("`harness export RUN` gives the scores to other tools"),
    "--samples": _dropped("--limit N --limit-seed S draws samples"),
    # lighteval
    "--max-samples": _renamed("--limit"),
    "--output-dir": _renamed("--out", "the run folder"),
    "--use-chat-template": _dropped("a model with a chat template gets chat prompts; --style text does without"),
    "--save-details": _dropped("every answer is kept; `harness show RUN` prints them"),
    "--custom-tasks": _renamed("--tasks", "a task page of this harness"),
    # Inspect
    "--epochs": _setting("repeats"),
    "--temperature": _setting("sampling.temperature"),
    "--top-p": _setting("sampling.top_p"),
    "--top-k": _setting("sampling.top_k"),
    "--max-tokens": _setting("sampling.max_tokens"),
    "--max-connections": _renamed("--concurrency"),
    "--model-base-url": _renamed("--endpoint"),
    "--log-dir": _renamed("--out", "the run folder"),
    "--sample-shuffle": _renamed("--limit-seed", "with --limit N"),
}
# No value follows
SWITCHES = {
    *("--fewshot_as_multiturn", "--log_samples", "--predict_only", "--write_out", "--show_config"),
    *("--check_integrity", "--confirm_run_unsafe_code", "--use-chat-template", "--save-details"),
}
# A value may follow
OPTIONAL = {"--apply_chat_template", "--cache_requests", "--sample-shuffle"}
SHORT = {"-a": "--model_args", "-m": "--model", "-t": "--tasks", "-f": "--num_fewshot", "-o": "--output_path"}
SHORT |= {"-b": "--batch_size", "-L": "--limit", "-s": "--log_samples", "-x": "--predict_only", "-w": "--write_out"}


def refuse_other_words(args: Sequence[str], known: Mapping[str, bool]) -> None:
    """Raise ConfigError, a line for each word of another harness the whole command first; else do nothing.

    `known` are the options of `harness run`, and whether each takes a value.
    """
    from harness.errors import ConfigError

    lines: list[str] = []
    whole: list[str] = []
    task = _first_task(args)
    for flag, values in _options(args, known):
        said = _said(flag, values[0] if values else "", task, known)
        if said is None:
            whole += [flag, *values]
            continue
        lines.append(f"{flag}{f' {values[0]}' if values and flag in known else ''}: {said.hint}")
        whole += said.instead
    if not lines:
        return
    same = shlex.join(["harness", "run", *whole])
    error = ConfigError(f"these are words of another harness; the same here: {same}" if whole else lines[0])
    for line in lines if whole else lines[1:]:
        error.add_note(line)
    raise error


def _options(args: Sequence[str], known: Mapping[str, bool]) -> list[tuple[str, list[str]]]:
    """The options with their values, short and foreign ones under their long names; other words are alone."""
    found: list[tuple[str, list[str]]] = []
    place = 0
    while place < len(args):
        flag, sign, given = args[place].partition("=") if args[place].startswith("--") else (args[place], "", "")
        flag = SHORT.get(flag, flag)
        place += 1
        values = [given] if sign else []
        foreign = flag in WORDS
        twin = flag.replace("_", "-")
        follows = place < len(args) and not args[place].startswith("--")
        takes = known.get(flag, known.get(twin, False)) if not foreign else flag not in SWITCHES
        if takes and not sign and follows and flag.startswith("-"):
            values = [args[place]]
            place += 1
        found.append((flag, values))
    return found


def _said(flag: str, value: str, task: str, known: Mapping[str, bool]) -> Said | None:
    """What to say about one option with its value; None where it is one of `harness run` with a usual value."""
    if flag in WORDS and flag not in known:
        return WORDS[flag](value or ("" if flag in SWITCHES | OPTIONAL else "VALUE"), task)
    twin = flag.replace("_", "-")
    usual = _value(twin, value)
    if usual is not None:
        return usual
    if flag not in known and twin in known and flag.startswith("--"):
        return _typed(twin, *([value] if known[twin] else []))
    return None


def _value(flag: str, value: str) -> Said | None:
    """What to say about a value of an option that is called the same here."""
    if flag == "--model" and value in LOCAL:
        return Said("the model itself is named here: its hub id or folder, not what runs it")
    if flag == "--model" and value in SERVED:
        return Said("a model on a server is named by --endpoint URL --model NAME; harness starts no server")
    if flag == "--batch-size" and value.startswith("auto"):
        return _out("batches fill the memory by themselves")
    if flag == "--tasks" and value in ("list", "list_groups", "list_tags", "list_subtasks"):
        return Said("`harness tasks list` lists tasks and suites")
    if flag == "--limit" and _is_share(value):
        return Said("a count of samples of each task, not a share; --limit-seed S draws them", ("--limit", "N"))
    if flag == "--seed" and "," in value:
        first = value.partition(",")[0]
        seed = first if first.lstrip("-").isdigit() else "0"
        return _typed("--seed", seed, note="of sampled answers; that of examples is fewshot.seed of the task's page")
    return None


def _is_share(value: str) -> bool:
    try:
        return not value.lstrip("-").isdigit() and 0 < float(value) < 1
    except ValueError:
        return False


def _first_task(args: Sequence[str]) -> str:
    """The first task that the command names, for the keys of tasks."""
    for place, word in enumerate(args):
        flag, sign, given = word.partition("=")
        if SHORT.get(flag, flag) == "--tasks" and (sign or place + 1 < len(args)):
            first = (given if sign else args[place + 1]).split(",")[0]
            return first if first and first.replace("_", "").replace("-", "").isalnum() and first != "list" else "TASK"
    return "TASK"
