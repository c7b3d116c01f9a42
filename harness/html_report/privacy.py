"""What of a command line or a path must not be in a file that is forwarded: keys, passwords, the user's own folder.

The manifest holds command lines as they were typed. The harness takes no key from them, but nothing stops a user from
typing one. Guarantees nothing about secrets without a name or a known form.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePath

HIDDEN = "***"
# A name that ends so has a secret as its value; `key_env` and `max_tokens` have none
_NAMED = re.compile(r"(?:^|[-_.])(?:key|token|secret|password|passwd|authorization|bearer|cookie)$", re.IGNORECASE)
_FORMS = re.compile(
    r"\b(?:sk-|hf_|gh[pousr]_|github_pat_|glpat-|xox[abprs]-|AKIA|AIza)[A-Za-z0-9_\-]{12,}|(?<=bearer )\S+",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY = re.compile(r"([?&][^=&\s]*(?:key|token|secret|password|sig)[^=&\s]*=)[^&\s]+", re.IGNORECASE)
_HOME = re.compile(r"(?:/home/[^/\s'\"]+|/Users/[^/\s'\"]+|/root|[A-Za-z]:\\Users\\[^\\/\s'\"]+)(?=[/\\\s'\"]|$)")


def presentable(text: str) -> str:
    """Return the text without what looks like a key or a login; a user's folder becomes `~`."""
    text = _LOGIN.sub(f"{HIDDEN}@", text)
    text = _QUERY.sub(lambda found: found.group(1) + HIDDEN, text)
    return _HOME.sub("~", _FORMS.sub(HIDDEN, text))


def presentable_command(words: Sequence[str]) -> str:
    """Return a command line as one would type it, without values of options that name a secret."""
    shown: list[str] = []
    hide = False
    for place, word in enumerate(words):
        if hide:
            word = HIDDEN
        name, equals, _ = word.partition("=")
        hide = not equals and word.startswith("-") and bool(_NAMED.search(name))
        if equals and _NAMED.search(name):
            word = f"{name}={HIDDEN}"
        shown.append(PurePath(word).name if place == 0 else presentable(word))
    # Quotes around stars would say less
    return shlex.join(shown).replace(f"'{HIDDEN}'", HIDDEN)
