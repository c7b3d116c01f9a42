"""What programs of a task need on this machine: the toolchain of their language, and Python packages."""

from __future__ import annotations

from collections.abc import Sequence

from harness import plugins
from harness.catalog import Task
from harness.datatypes import Tests
from harness.errors import MissingPackage, SandboxError
from harness.execution import packages
from harness.scoring.services import Services


def try_toolchains(task: Task, services: Services) -> None:
    """Refuse a task whose programs cannot run on this machine, before a model is loaded."""
    _require_packages(task, *services.limits.packages)
    languages = {sample.reference.language for sample in task.samples if isinstance(sample.reference, Tests)}
    for language in sorted(languages):
        if lacking := lacking_language(language):
            raise SandboxError(f"the task {task.name!r} needs {lacking}")
    for language in sorted(languages):
        services.sandbox().try_language(language)


def lacking_packages(tasks: Sequence[Task]) -> dict[str, str]:
    """Return tasks with programs that import packages which are not installed here, with the message that says so."""
    lacking: dict[str, str] = {}
    for task in tasks:
        try:
            _require_packages(task)
        except MissingPackage as error:
            lacking[task.name] = error.lacks
    return lacking


def _require_packages(task: Task, *more: str) -> None:
    """Raise MissingPackage for a Python package that is not installed: of a task's programs, or of `more` for them."""
    tests = [sample.reference for sample in task.samples if isinstance(sample.reference, Tests)]
    own = sorted({name for test in tests for name in test.packages})
    for key, names in (
        (f"{task.name}: reference.tests.packages", own),
        (packages.CONFIG_KEY, more if tests else ()),
    ):
        if names:
            packages.locate(tuple(names), key)


def lacking_language(language: str) -> str | None:
    """Return what of a language's toolchain is not installed here, None where it is complete."""
    missing = plugins.load("language", language).build().missing()
    return f"{language}: {missing}" if missing else None
