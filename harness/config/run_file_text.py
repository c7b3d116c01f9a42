"""The text of a run file, written by `--save-config`: what a run was given, and its help as comments.

A value that the default is, of a key with a fixed default, is left out. What looks like a key or a password is
refused: a run file is passed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from harness.config.building import DEFAULT_MODEL, DEFAULT_SUITE
from harness.config.options import run_options
from harness.config.run_file import TRUSTED, RunChoices
from harness.config.schema import RunConfig
from harness.config.yaml_page import parse_value
from harness.errors import ConfigError
from harness.privacy import names_secret, without_secrets

PLAIN = re.compile(r"[A-Za-z0-9./~][\w./:+*?~-]*")
# Names of environment variables, and of columns
NO_SECRETS = ("engine.key_env",)


def run_file_text(choices: RunChoices, facts: Mapping[str, str]) -> str:
    """Return the YAML of the choices; `facts` are lines for the head (version, environment).

    Raises ConfigError for a value that looks like a secret.
    """
    for key, value in choices.settings.items():
        _refuse_secrets(key, value)
    trusted = [name for name, key in TRUSTED.items() if choices.settings.get(key)]
    choices = replace(choices, settings={k: v for k, v in choices.settings.items() if k not in TRUSTED.values()})
    blocks = [["# Options of `harness run`; run it with: harness run --config FILE"]]
    blocks[0] += [f"# {name}: {text}" for name, text in facts.items()]
    blocks[0] += ["# Paths are relative to the folder in which the command runs. Options on the command line win."]
    blocks[0] += [
        f"# --{name.replace('_', '-')} was given: a run file cannot allow it, type it again" for name in trusted
    ]
    blocks.append(list(_names(choices)))
    helps = {option.key: (name, option.help) for name, (_, option) in run_options().items()}
    kept = {key: value for key, value in choices.settings.items() if not _is_default(key, value)}
    of_run = sorted((key for key in kept if key in helps), key=list(helps).index)
    if of_run:
        blocks.append([_entry(_name(helps[key][0], kept[key]), kept[key], helps[key][1]) for key in of_run])
    others = sorted(key for key in kept if key not in helps)
    if others:
        blocks.append([_entry(key, kept[key]) for key in others])
    if choices.gates:
        gates = list(choices.gates)
        blocks.append([_entry("fail_under", gates, "exit code 1 below: of every task, or TASK=SCORE")])
    return "\n\n".join("\n".join(lines) for lines in blocks) + "\n"


def _names(choices: RunChoices) -> Iterator[str]:
    own = any(key in choices.settings for key in ("model.path", "engine.completions", "engine.url"))
    if choices.model is not None or not own:
        yield _entry("model", choices.model or DEFAULT_MODEL)
    if choices.tasks is not None:
        yield _entry("tasks", list(choices.tasks))
    else:
        yield _entry("suite", choices.suite or DEFAULT_SUITE)
    if choices.sweep:
        yield _entry("sweep", {axis: list(values) for axis, values in choices.sweep.items()})


def _name(option: str, value: Any) -> str:
    """The option's name; its config key where the name means something else with such a value (`engine: {...}`)."""
    return run_options()[option][1].key if isinstance(value, dict) else option


def _entry(key: str, value: Any, about: str = "") -> str:
    comment = f"# {about.split(' [default')[0]}\n" if about else ""
    return f"{comment}{key if PLAIN.fullmatch(key) else _quoted(key)}: {_written(value)}"


def _written(value: Any) -> str:
    """A value as YAML on one line: plain words where they stay words, else quoted or as in JSON."""
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) is not None and parse_value(value) == value
        return value if plain else _quoted(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_inside, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_inside(key)}: {_inside(inner)}' for key, inner in value.items())}}}"
    return json.dumps(value)


def _quoted(text: str) -> str:
    """A text in double quotes. Not by JSON, whose escapes beyond 16 bits come in two halves, which YAML keeps apart."""
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(sign: str) -> str:
    if sign in '"\\':
        return f"\\{sign}"
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _inside(value: Any) -> str:
    """A value in brackets, where `a: b` and `?` would be read as keys."""
    if isinstance(value, str):
        return value if re.fullmatch(r"[A-Za-z][\w./-]*", value) and parse_value(value) == value else _quoted(value)
    return _written(value)


def _is_default(key: str, value: Any) -> bool:
    """Whether a key has this value anyway, whatever the model, the engine and the tasks are."""
    if key.startswith(("model", "engine", "tasks", "suite")):
        return False
    found: Any = RunConfig.model_fields.get(key.split(".")[0])
    default = found.default if found is not None else None
    for part in key.split(".")[1:]:
        default = getattr(default, part, None)
    return bool(value == default and type(value) is type(default))


def _refuse_secrets(key: str, value: Any) -> None:
    for name, inner in _leaves(key, value):
        if name in NO_SECRETS or not isinstance(inner, str) or not inner:
            continue
        # A name of a setting such as `engine.extra_body.api_key`, a URL with a password, a key by its form
        if names_secret(name) or without_secrets(inner) != inner:
            raise ConfigError(
                f"--save-config: {name} looks like a key or a password, and a run file is passed on: name the "
                "environment variable that holds it with engine.key_env"
            )


def _leaves(key: str, value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(f"{key}.{name}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(key, inner)
    else:
        yield key, value
