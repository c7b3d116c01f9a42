"""Renaming in Python source changes what it says and nothing that it does."""

from __future__ import annotations

import doctest
import types

import pytest

from harness.perturb.prose import edited, prose_edits
from harness.perturb.python_names import CannotRename, Names, code_edits


def renamed(source: str, functions: dict[str, str], parameters: dict[str, str]) -> str:
    """The source with other names."""
    return edited(source, code_edits(source, Names(functions, parameters, parameters)))


def in_prose(text: str, functions: dict[str, str] | None = None, **parameters: str) -> str:
    """A text with other names."""
    return edited(text, prose_edits(text, functions or {}, parameters))


def space_of(source: str) -> dict[str, object]:
    """What a program defines."""
    space: dict[str, object] = {}
    exec(compile(source, "renamed", "exec"), space)
    return space


def test_a_parameter_called_like_a_builtin_does_not_take_the_builtin_along():
    source = (
        "def widest(max: list, list=list):\n    return [n for n in max]\n\ndef other(x):\n    return max(x), list(x)\n"
    )
    after = renamed(source, {"widest": "work_out"}, {"max": "given", "list": "supplied"})
    space = space_of(after)
    assert space["work_out"]([1, 2]) == [1, 2]
    assert space["other"]([1, 2]) == (2, [1, 2])
    assert "given: list, supplied=list" in after


@pytest.mark.parametrize(
    ("source", "call", "value"),
    [
        ("def f(n, acc=1):\n    return acc if n < 2 else f(n=n - 1, acc=acc * n)\n", "g(5)", 120),
        ("def f(n, acc):\n    return f'{n!r}: {acc + 1} {{n}}'\n", "g('n', 2)", "'n': 3 {n}"),
        ("def f(n, acc):\n    def inner(n):\n        return n + acc\n    return inner(n=3) + n\n", "g(1, 10)", 14),
        ("def f(n, acc):\n    return [n for n in acc] + [n]\n", "g(9, [1, 2])", [1, 2, 9]),
        (
            "def f(n, acc):\n    def up():\n        nonlocal acc\n        acc += n\n    up()\n    return acc\n",
            "g(2, 3)",
            5,
        ),
        ("def f(n, acc):\r\n    é = 'ßn'; x = n; return x, acc\r\n", "g(1, 2)", (1, 2)),
        ("def f(n, *acc):\n    return (lambda n: n * 2)(n), acc\n", "g(4, 1)", (8, (1,))),
        (
            "class K:\n    n = 7\n    def f(self):\n        return self.n\ndef f(n, acc):\n    return K().f()\n",
            "g(1, 2)",
            7,
        ),
        ("def f(n, acc):\n    f = n\n    return f + acc\n", "g(1, 2)", 3),
    ],
)
def test_a_renamed_program_gives_the_same_values(source, call, value):
    after = renamed(source, {"f": "g"}, {"n": "given", "acc": "supplied"})
    assert eval(call, space_of(after)) == value
    assert "f(n" not in after.replace("def f(self", "").replace("\n    def inner(n", "")


def test_the_examples_of_a_docstring_still_run():
    source = (
        "def total_of(values, start=0):\n"
        '    """Sum `values`, which are values of a list, from start.\n\n'
        "    >>> total_of([1, 2], start=1)\n    4\n"
        "    >>> values = [5]; total_of(values)\n    5\n"
        '    """\n    return sum(values, start)\n'
    )
    after = renamed(source, {"total_of": "work_out"}, {"values": "given", "start": "supplied"})
    module = types.ModuleType("renamed")
    exec(compile(after, "renamed", "exec"), vars(module))
    seen = doctest.DocTestRunner().run(doctest.DocTestFinder().find(module.work_out, globs=vars(module))[0])
    assert (seen.attempted, seen.failed) == (2, 0)
    assert "Sum `given`, which are values of a list" in after


def test_names_that_cannot_be_told_apart_are_refused():
    with pytest.raises(CannotRename, match="string is also imported") as refused:
        renamed("def f(string):\n    import string\n    return string\n", {"f": "g"}, {"string": "given"})
    assert refused.value.name == "string"
    with pytest.raises(CannotRename, match="locals"):
        renamed("def f(a):\n    return locals()['a']\n", {"f": "g"}, {"a": "given"})


def test_english_words_stay_where_they_are_no_names():
    text = (
        "Return the numbers of a list. `numbers` is a list, and numbers[0] its head: search for it with search(numbers)"
    )
    assert in_prose(text, {"search": "work_out"}, numbers="given") == (
        "Return the numbers of a list. `given` is a list, and given[0] its head: search for it with work_out(given)"
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a list l and a list l' of it's size", "a list v and a list v' of it's size"),
        ("the n-th number, nth and 2n, not in 'n' or \"n\"", "the k-th number, kth and 2k, not in 'n' or \"n\""),
        ("takes an integer a and returns a list", "takes an integer g and returns a list"),
        ("two strings a and b consisting of a letter", "two strings g and h consisting of a letter"),
    ],
)
def test_letters_are_names_where_they_are_no_articles_and_no_data(text, after):
    assert in_prose(text, l="v", n="k", a="g", b="h") == after
