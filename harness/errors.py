"""Everything the harness raises on purpose, one family; each message states what is wrong, where, and what to do.

HarnessError
+-- UserError          exit 2: the input is wrong
|   +-- ConfigError        a page, a config or a flag: file, line and key in the message
|   |   +-- MissingPackage     a Python package that a task needs is not installed
|   +-- UnknownName        a name that does not exist; suggests the closest ones
|   +-- DataError          missing column, zero rows, a count that differs
|   +-- RunFolderError     a folder of another run, unwritable, or locked by a running one
+-- EnvironmentFault   exit 3: the machine failed
    +-- HubError           exit 2: a hub that cannot be reached, a gated or missing repository
    +-- EngineError        a model that cannot be loaded or run
    |   +-- ModelError         exit 2: its own files are damaged, do not fit together, or are no model
    |   +-- EndpointError      exit 2: no server of the expected protocol at a URL
    +-- SandboxError       programs cannot be run safely here
    +-- StorageError       the disk refused a write
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class HarnessError(Exception):
    """Base of the family. `str(error)` is one line for the user; `exit_code` is what the CLI returns.

    `located`: the message already begins with the file and line (or the flag) that is wrong. Where several faults were
    found at once, the others are the notes of the first (`add_note`).
    """

    exit_code = 3
    located = False

    @property
    def lines(self) -> list[str]:
        """Every fault on a line of its own; the first is `str(error)`."""
        return [str(self), *getattr(self, "__notes__", ())]


class UserError(HarnessError):
    """The user's input is wrong."""

    exit_code = 2


class ConfigError(UserError):
    """An invalid page, config or flag. The message starts with `file:line:` where there is one."""


class MissingPackage(ConfigError):
    """A package that a task needs is not installed here; `--skip-missing` leaves the task out.

    `lacks` says the same in short, without a place: `sacrebleu: pip install 'harness[text]'`.
    """

    def __init__(self, message: str, lacks: str) -> None:
        """`message` is the line for the user."""
        super().__init__(message)
        self.lacks = lacks


class UnknownName(UserError):
    """A name that does not exist."""

    def __init__(self, what: str, name: str, known: Iterable[str], *, where: str = "", listing: str = "") -> None:
        """`what` is the kind of thing ("task"), `listing` the command that lists the known ones."""
        known = sorted(known)
        self.name = name
        message = f"{where}no {what} is called {name!r}"
        message += suggestion(name, known) or (f"; known: {', '.join(known)}" if 0 < len(known) <= 12 else "")
        if listing:
            message += f" (`{listing}` lists them all)"
        super().__init__(message)


class DataError(UserError):
    """Data that a task cannot use."""


class RunFolderError(UserError):
    """A run folder that cannot be written or belongs to another run."""


class EnvironmentFault(HarnessError):
    """The machine, the network or a file system failed; the input may be right."""


class HubError(EnvironmentFault):
    """A model or data set that could not be got from the hub."""

    exit_code = 2


class EngineError(EnvironmentFault):
    """A model that cannot be loaded or run."""


class ModelError(EngineError):
    """A model whose own files (weights, config, tokenizer, chat template) cannot be used as they are."""

    exit_code = 2


class EndpointError(EngineError):
    """A URL that never answered as a server of the expected protocol does; after one answer it is an EngineError."""

    exit_code = 2


class SandboxError(EnvironmentFault):
    """Programs cannot be run safely on this machine."""


class StorageError(EnvironmentFault):
    """The disk refused a write."""


# What the user can put right with another path, and what to do
WRONG_PLACE = {
    errno.ENOENT: "there is no such folder; make it, or give another path",
    errno.ENOTDIR: "a part of the path is a file, not a folder; give another path",
    errno.EISDIR: "is a folder; give the name of a file",
    errno.EEXIST: "is there already and is no folder; give another path",
    errno.EACCES: "you have no permission to write there; give another path",
    errno.EPERM: "you have no permission to write there; give another path",
    errno.EROFS: "nothing can be written there; give another path",
    errno.ENAMETOOLONG: "the name is too long; give a shorter one",
}
FULL = (errno.ENOSPC, errno.EDQUOT)


def unwritable(path: Path, error: OSError) -> UserError | StorageError:
    """Make the error of an output that could not be written: a UserError (exit 2) where another path would do."""
    if error.errno in WRONG_PLACE:
        return UserError(f"{path} cannot be written: {WRONG_PLACE[error.errno]}")
    if error.errno in FULL:
        return StorageError(f"{path}: the disk is full; free some space and run the same command again")
    return StorageError(f"{path} cannot be written: {error.strerror or error}; try again, or give another path")


MOST_LINES = 10


def error_lines(error: HarnessError) -> list[str]:
    """Return the lines to show of an error: its faults, and how many there are beyond `MOST_LINES`."""
    lines = error.lines
    more = len(lines) - MOST_LINES
    if more <= 0:
        return lines
    return [*lines[:MOST_LINES], f"and {more} more fault{'s' if more > 1 else ''}"]


@contextmanager
def error_prefix(text: str) -> Iterator[None]:
    """Put `text` ("--sweep: ") in front of the message of a HarnessError that passes by."""
    try:
        yield
    except HarnessError as error:
        error.args = (f"{text}{error}",)
        if notes := getattr(error, "__notes__", None):
            notes[:] = [f"{text}{note}" for note in notes]
        raise


@dataclass(slots=True)
class Faults:
    """What is wrong with the user's input, collected so that all of it is shown at once."""

    found: list[UserError] = field(default_factory=list)

    @contextmanager
    def caught(self) -> Iterator[None]:
        """Keep a UserError that passes by, and go on behind the block."""
        try:
            yield
        except UserError as error:
            self.found.append(error)

    def refuse(self) -> None:
        """Raise the first error that was caught, with the lines of all others as its notes; without one do nothing."""
        if not self.found:
            return
        first, *others = self.found
        for error in others:
            for line in error.lines:
                if line not in first.lines:
                    first.add_note(line)
        raise first


def suggestion(name: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` for the closest known names, or an empty string."""
    listed = list(known)
    # A name that was typed in part is closer than one that is spelt alike
    begun = sorted(other for other in listed if name and other.startswith(name))[:3]
    close = begun or difflib.get_close_matches(name, listed, n=3, cutoff=0.6)
    return f"; did you mean {' or '.join(repr(c) for c in close)}?" if close else ""
