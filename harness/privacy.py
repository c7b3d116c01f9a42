"""What of a command line or a path must not be in a file that is forwarded: keys, passwords, the user's own folder.

The manifest holds command lines as they were typed. The harness takes no key from them, but nothing stops a user from
typing one. Guarantees nothing about secrets without a name or a known form. The only list of such names and forms:
run files, reports and exports use it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath

HIDDEN = "***"
_WORD = r"(?:key|token|secret|password|passwd|authorization|bearer|cookie|sig)"
# A name that ends so has a secret as its value; `key_env` and `max_tokens` have none
_ENDS = rf"(?:[\w.-]*[-_.])?(?:api|access|auth|secret|private)?{_WORD}"
_NAMED = re.compile(_ENDS, re.IGNORECASE)
_FORMS = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|rk|pk|xai|pplx|nvapi|glpat|xox[abeprs])-[\w-]{12,}|github_pat_\w{12,}|(?:gsk|gh[oprsu])_[A-Za-z0-9]{12,}"
    r"|(?:hf|r8|npm)_[A-Za-z0-9]{12,}|(?:AKIA|ASIA)[A-Z0-9]{12,}|AIza[\w-]{12,}"
    # A JSON Web Token: its first part is base64 of `{"`
    r"|eyJ[\w-]{8,}\.[\w-]+\.[\w-]*)"
)
_BEARER = re.compile(r"(?<=bearer )[^\s'\"]+", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"([?&][^=&\s]*(?:key|token|secret|password|sig)[^=&\s]*=)[^&\s'\"]+", re.IGNORECASE)
# `"x-api-key": "abc"` of JSON, `{x-api-key: abc}` of YAML, and the value up to the end of its quotes
_PAIR = re.compile(
    rf"""(?P<name>(?P<quote>["']?)(?<![\w.-]){_ENDS}(?P=quote)\s*:\s*)"""
    r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\[[^\]]*\]|[^\s,}\]"'\[{][^,}\]"']*)""",
    re.IGNORECASE,
)
# Only at the beginning of a path: `/mnt/home/joe` is another folder
_HOME = re.compile(
    r"(?<![\w.~-])(?:/home/[^/\s'\"]+|/Users/[^/\s'\"]+|/root|[A-Za-z]:\\Users\\[^\\/\s'\"]+)(?=[/\\\s'\",;:)\]}]|$)"
)


def names_secret(name: str) -> bool:
    """Whether the value of a setting of this name is a secret (`api_key`, `engine.headers.Authorization`)."""
    return _NAMED.fullmatch(name.lstrip("-")) is not None


def without_secrets(text: str) -> str:
    """Return the text without what looks like a key or a login."""
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    for pattern in (_QUERY, _PAIR):
        text = pattern.sub(_hidden, text)
    return _BEARER.sub(HIDDEN, _FORMS.sub(HIDDEN, text))


def presentable(text: str) -> str:
    """Return the text without what looks like a key or a login; a user's folder becomes `~`."""
    return _HOME.sub("~", without_secrets(text))


def presentable_words(words: Sequence[str]) -> list[str]:
    """Return the words of a command line, without values of options that name a secret."""
    shown: list[str] = []
    hide = False
    for place, word in enumerate(map(str, words)):
        name, equals, _ = word.partition("=")
        if hide:
            shown.append(HIDDEN)
        elif equals and names_secret(name):
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(PurePath(word).name if place == 0 else presentable(word))
        hide = not hide and not equals and word.startswith("-") and names_secret(name)
    return shown


def presentable_command(words: Sequence[str]) -> str:
    """Return a command line as one would type it, without values of options that name a secret."""
    return " ".join(map(_typed, presentable_words(words)))


def _hidden(found: re.Match[str]) -> str:
    """The name with a hidden value, in quotes where the name has them: JSON stays JSON."""
    groups = found.groupdict()
    if "quote" not in groups:
        return f"{found.group(1)}{HIDDEN}"
    quote = groups["quote"]
    return f"{groups['name']}{quote}{HIDDEN}{quote}"


def _typed(word: str) -> str:
    """A word in the quotes of a shell, which reads `~` only outside of them. Quotes around stars would say less."""
    if word == HIDDEN:
        return word
    return f"~/{shlex.quote(word[2:]) if word[2:] else ''}" if word.startswith("~/") else shlex.quote(word)
