"""`--perturb names`: Python problems whose functions and parameters have other names; the tests follow.

The functions of the prompt, or those that the tests call and the gold solution defines, and their parameters get
neutral names from a list, drawn by the seed: in signatures and calls by the syntax tree, in docstrings, comments and
task descriptions where a word is the name (`prose.py`). Guarantees: new names occur nowhere else in the sample; tests
and gold solution use the new ones, and the programs are the same but for them. A drop is no proof of memory: names
carry meaning, which a model may rightly use (Wang et al. 2023, ReCode, arXiv:2212.10264).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from harness.config.task_page import TaskPage
from harness.datatypes import Sample, Tests
from harness.errors import ConfigError
from harness.perturb.base import LeftOut, Original, Perturbation, PerturbOptions, Variant
from harness.perturb.neutral_names import function_names, new_names, parameter_names
from harness.perturb.prose import edited, mentions, prose_edits
from harness.perturb.python_names import FUNCTIONS, CannotRename, Names, code_edits, parameters_of, parsed

VERSION = 1
# Placeholder of a name until the new one is drawn
_MARK = "harness_renamed_"
_MARKED = re.compile(rf"{_MARK}\d+_")


@dataclass(frozen=True, slots=True)
class Renamed:
    """Renames the functions of a sample, and their parameters."""

    about: str = "functions and parameters renamed"

    @property
    def identity(self) -> Mapping[str, Any]:
        """The version of the rules and of the list of names."""
        return {"by": "names", "version": VERSION}

    def refusal(self, page: TaskPage) -> str:
        """Return why a task has no functions to rename."""
        tests = page.reference.tests
        if tests is None:
            return "it has no programs (`reference.tests`), so no functions to rename"
        if tests.language != "python":
            return f"its programs are {tests.language}; functions are renamed in Python only"
        return ""

    def variants(self, original: Original, draws: int, random: Random) -> Sequence[Variant] | LeftOut:
        """Rename `draws` times, with function names that differ from draw to draw."""
        sample = original.sample
        assert isinstance(sample.reference, Tests)
        leaves = list(_texts(original.columns))
        found = _names_of(sample.reference, leaves)
        marked = found if isinstance(found, LeftOut) else _marked(original.columns, found, sample.reference.prelude)
        if isinstance(marked, LeftOut):
            return marked
        text = "\n".join(leaves)
        made: list[Variant] = []
        for _ in range(draws):
            new = _drawn(marked.found, text, random)
            if new is None:
                break
            # The next draw has none of this one's names
            text += "\n" + " ".join(new[name] for name in marked.found.functions)
            columns = {key: _written(value, marked.marks, new) for key, value in marked.columns.items()}
            if fault := _fault(sample, original.bind(columns), marked.found.functions):
                return LeftOut(fault)
            made.append(Variant(columns, "names"))
        return made or LeftOut("it uses so many names that no new one is left")


@dataclass(frozen=True, slots=True)
class Found:
    """What is renamed in a sample: functions and parameters, in the order in which they are defined.

    `shown` are the parameters of functions that the prompt begins: only those can be meant by a description.
    """

    functions: tuple[str, ...]
    parameters: tuple[str, ...]
    shown: frozenset[str]


@dataclass(frozen=True, slots=True)
class Marked:
    """The columns with a mark in place of each name (`marks`: mark -> old name), to be replaced by new names."""

    found: Found
    columns: Mapping[str, Any]
    marks: Mapping[str, str]


def _names_of(tests: Tests, leaves: Sequence[str]) -> Found | LeftOut:
    """The functions of the prompt, and those that the tests call and the solution defines; with their parameters."""
    tree = parsed(tests.tests)
    if tests.cases or tree is None:
        return LeftOut("the tests call no function")
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    own = {node.id for node in names if isinstance(node.ctx, ast.Store)}
    own |= {node.name for node in ast.walk(tree) if isinstance(node, (*FUNCTIONS, ast.ClassDef))}
    called = {node.id for node in names if isinstance(node.ctx, ast.Load)} - own
    prelude = parsed(tests.prelude)
    begun = {} if prelude is None else _functions(prelude)
    # What the tests' own text defines is no solution
    modules = [module for leaf in leaves if leaf not in tests.tests and (module := _module(leaf, tests.prelude))]
    solutions = [_functions(module) for module in modules]
    wanted = list(begun)
    for each in solutions:
        wanted += [name for name in each if name in called or name == tests.entry_point]
    wanted = list(dict.fromkeys(wanted))
    if not wanted or (tests.entry_point and tests.entry_point not in wanted):
        return LeftOut("the function that the tests call is defined nowhere in the sample")
    arguments: dict[str, None] = {}
    for each in (begun, *solutions):
        for name in wanted:
            arguments |= dict.fromkeys(parameters_of(each[name]) if name in each else [])
    parameters = [name for name in arguments if name not in wanted and name.strip("_") and name != "self"]
    shown = frozenset(name for each in begun.values() for name in parameters_of(each))
    return Found(tuple(wanted), tuple(parameters), shown)


def _functions(module: ast.Module) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {node.name: node for node in module.body if isinstance(node, FUNCTIONS)}


def _module(leaf: str, prelude: str) -> ast.Module | None:
    """A column as a program, by itself or behind the prelude; None for one that defines nothing."""
    if "def " not in leaf and "return" not in leaf:
        return None
    return parsed(leaf) or (parsed(prelude + leaf) if prelude else None)


def _marked(columns: Mapping[str, Any], found: Found, prelude: str) -> Marked | LeftOut:
    """Put the marks; a parameter whose uses cannot be distinguished keeps its name."""
    while True:
        marks = {name: f"{_MARK}{number}_" for number, name in enumerate((*found.functions, *found.parameters))}
        names = Names(
            {name: marks[name] for name in found.functions},
            {name: marks[name] for name in found.parameters},
            {name: marks[name] for name in found.parameters if name in found.shown},
        )
        try:
            changed = {key: _in(value, names, prelude) for key, value in columns.items()}
        except CannotRename as error:
            if error.name not in found.parameters:
                return LeftOut(f"a function cannot be renamed: {error}")
            found = replace(found, parameters=tuple(name for name in found.parameters if name != error.name))
            continue
        return Marked(found, changed, {mark: name for name, mark in marks.items()})


def _drawn(found: Found, text: str, random: Random) -> dict[str, str] | None:
    """New names, none of which is a word of `text`; None where there are not enough."""
    functions = new_names(found.functions, function_names, text, random)
    if functions is None:
        return None
    parameters = new_names(found.parameters, parameter_names, text, random)
    return None if parameters is None else {**parameters, **functions}


def _in(value: Any, names: Names, prelude: str, in_list: bool = False) -> Any:
    """A column, or what is in it, with the marks. Of lists only programs are changed: the rest is data."""
    if isinstance(value, str):
        return _text_with(value, names, prelude, in_list)
    if isinstance(value, dict):
        return {key: _in(each, names, prelude, in_list) for key, each in value.items()}
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return type(value)(_in(each, names, prelude, True) for each in value)
    return value


def _text_with(text: str, names: Names, prelude: str, in_list: bool) -> str:
    """A text of a column: a whole program, a piece that goes on behind the prelude, or a description."""
    if text in names.functions:
        return names.functions[text]
    if not mentions(text, names.all()):
        return text
    if parsed(text) is not None:
        return edited(text, code_edits(text, names))
    if in_list:
        return text
    if prelude and parsed(prelude + text) is not None:
        start = len(prelude)
        behind = [edit.moved(-start) for edit in code_edits(prelude + text, names) if edit.start >= start]
        return edited(text, behind)
    return edited(text, prose_edits(text, names.functions, names.shown))


def _written(value: Any, marks: Mapping[str, str], new: Mapping[str, str]) -> Any:
    """A marked column with the new names."""
    if isinstance(value, str):
        return _MARKED.sub(lambda mark: new[marks[mark.group()]], value) if _MARK in value else value
    if isinstance(value, dict):
        return {key: _written(each, marks, new) for key, each in value.items()}
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return type(value)(_written(each, marks, new) for each in value)
    return value


def _fault(before: Sample, after: Sample, old: Sequence[str]) -> str:
    """Why a renamed sample is none; "" where the tests call the new functions and no program has the old names."""
    assert isinstance(before.reference, Tests) and isinstance(after.reference, Tests)
    if after.reference.tests == before.reference.tests:
        return "the tests do not name the function"
    if after.reference.entry_point in old:
        return "the page's `entry_point` is no column, so it keeps the old name"
    return ""


def _texts(value: Any) -> Iterator[str]:
    """Every text in the columns, but for data in nested lists."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        yield from value


def build(options: PerturbOptions) -> Perturbation:
    """Build the perturbation. Raises ConfigError for a file, of which it takes nothing."""
    if options.file is not None:
        raise ConfigError("--perturb-file has no effect with --perturb names; leave it out")
    return Renamed()
