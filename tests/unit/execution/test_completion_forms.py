"""One program in the forms in which files hold completions: each is put together as the same program."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

import pytest

from harness import plugins
from harness.datatypes import Tests
from harness.execution.base import Job, Limits, Sandbox
from harness.execution.languages import forms

# Language: head of the prompt, the open function, its body, how it is closed, tests, whether the tests close it
PROGRAMS = {
    "c": ("#include <assert.h>\n", "int add(int x, int y) {\n", "    int z = x + y;\n    return z;", "\n}",
          "int main() { assert(add(2, 3) == 5); }", ""),
    "cpp": ("#include <vector>\n// {\n", "int add(int x, int y) {\n", "    if (x) { return x + y; }\n    return y;",
            "\n}",
            "int main() { assert(add(2, 3) == 5); }", "}\n"),
    "rust": ("/// add {\n", "fn add(x: isize, y: isize) -> isize {\n", "    x + y", "\n}",
             "fn main() { assert_eq!(add(2, 3), 5); }", "}\n"),
    "go": ("package main\n\n", "func add(x int, y int) int {\n", "\treturn x + y", "\n}",
           "func TestAdd(t *testing.T) { if add(2, 3) != 5 { t.Fatal() } }", ""),
    "java": ("class Problem {\n", "    public static long add(long x, long y) {\n", "        return x + y;", "\n    }",
             "    public static void main(String[] args) { assert(add(2, 3) == 5); }\n}\n", "    }\n"),
    "javascript": ("// }\n", "function add(x, y){\n", "  const text = '{';\n  return x + y;", "\n}",
                   "require('node:assert').equal(add(2, 3), 5);", ""),
    "php": ("<?php\n", "function add($x, $y) {\n", "    $text = '{'; # {\n    return $x + $y;", "\n}",
            "if (add(2, 3) !== 5) { throw new Exception('no'); }", ""),
    "perl": ("# {\n", "sub add {\n", "    my ($x, $y) = @_;\n    my $last = $#{[1]};\n    return $x + $y;", "\n}",
             'die "wrong" unless add(2, 3) == 5;', ""),
    "bash": ("#!/bin/bash\n# }\n", "add() {\n", "    local words=(a b)\n    # ${#words[@]} {\n    echo $(($1 + $2))",
             "\n}",
             '[[ $(add 2 3) = "5" ]]', "}\n"),
    "lua": ("-- if\n", "local function add(x, y)\n",
            "  for i = 1, 2 do\n    if i > 1 then x = x end\n  end\n  return x + y",
            "\nend", "assert(add(2, 3) == 5)", ""),
    "ruby": ("# def\n", "def add(x, y)\n", "  [1].each do |k|\n    x += 0 if k\n  end\n  x + y", "\nend",
             "raise 'wrong' unless add(2, 3) == 5", ""),
}  # fmt: skip
FORMS = ("body", "closed body", "whole", "open whole", "function", "open function")


def shape(language: str) -> forms.Shape:
    found = plugins.load("language", language).SHAPE
    assert isinstance(found, forms.Shape)
    return found


def job(language: str, form: str, behind: str = "") -> Job:
    head, opening, body, closing, tests, lead = PROGRAMS[language]
    texts = {
        "body": body,
        "closed body": body + closing + "\n",
        "whole": head + opening + body + closing + ("\n}\n" if language == "java" else "\n"),
        "open whole": head + opening + body + (closing if language == "java" else ""),
        "function": opening + body + closing + "\n",
        "open function": opening + body,
    }
    return Job(texts[form] + behind, Tests(language, head + opening, lead + tests, "add"))


@pytest.mark.parametrize("language", PROGRAMS)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_closed_as_the_language_expects(language: str, form: str) -> None:
    given = job(language, form)
    kind = shape(language)
    assert forms.misfit(given, kind) == ""
    candidate = forms.normalized(given, kind).candidate
    net = kind.net(kind.masked(candidate))
    if "whole" in form or "function" in form:
        assert net == 0
    else:
        # Tests that begin with the closing brace close one function themselves
        opened = kind.net(kind.masked(given.tests.prelude))
        assert opened + net == (opened if PROGRAMS[language][5] else 0)


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_program_cut_in_a_loop_is_left_as_it_is_and_reported(language: str) -> None:
    loop = {"lua": "\n  while x do", "ruby": "\n  while x do", "bash": "\n    foo() {"}.get(language, "\n    if (1) {")
    for form in ("body", "open function"):
        given = job(language, form, loop)
        twice = job(language, form, loop + loop)
        assert forms.normalized(twice, shape(language)) == twice
        assert "no known form" in forms.misfit(twice, shape(language))
        if form == "body":
            assert forms.normalized(given, shape(language)) == given
            assert "leaves 1 open" in forms.misfit(given, shape(language))


def test_what_is_unfinished_behind_the_function_is_left_out() -> None:
    for language, rest in (("rust", "\n\nfn main() {\n    println!("), ("cpp", "\n\nint main() {\n    if (add(")):
        for form in ("closed body", "function"):
            given = job(language, form, rest)
            assert forms.normalized(given, shape(language)).candidate.count("main") == 0
            assert forms.misfit(given, shape(language)) == ""


def test_a_helper_behind_the_function_stays() -> None:
    helper = "\nfn three() -> isize {\n    3\n}\n"
    settled = forms.normalized(job("rust", "closed body", helper), shape("rust")).candidate
    assert settled.rstrip().endswith("3") and settled.count("{") == settled.count("}")


@pytest.mark.parametrize("language", PROGRAMS)
def test_the_function_that_a_prompt_leaves_open_is_the_one_asked_for(language: str) -> None:
    given = job(language, "body")
    unnamed = Job(given.candidate, dataclasses.replace(given.tests, entry_point=None))
    assert forms.normalized(unnamed, shape(language)) == forms.normalized(given, shape(language))


def test_a_prompt_that_leaves_nothing_open_changes_nothing() -> None:
    tests = Tests("rust", "", "fn main() { assert_eq!(add(2, 3), 5); }", "add")
    for candidate in ("fn add() {", "}", "x"):
        assert forms.normalized(Job(candidate, tests), shape("rust")).candidate == candidate
        assert forms.misfit(Job(candidate, tests), shape("rust")) == ""


def here(names: Iterable[str]) -> list[str]:
    return [name for name in names if plugins.load("language", name).build().missing() is None]


# Their compilers take seconds for each program
COMPILED = {"java", "cpp", "rust"}
LANGUAGES = [pytest.param(one, marks=[pytest.mark.slow] if one in COMPILED else []) for one in here(PROGRAMS)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_same_program_passes_in_every_form_and_a_wrong_one_in_none(sandbox: Sandbox, language: str) -> None:
    limits = Limits(wall_seconds=120)
    for form in FORMS:
        given = job(language, form)
        assert sandbox.run(given, limits).status == "passed", form
        wrong = Job(given.candidate.replace("x + y", "x - y").replace("$1 + $2", "$1 - $2"), given.tests)
        wrong = Job(wrong.candidate.replace("$x + $y", "$x - $y"), given.tests)
        assert sandbox.run(wrong, limits).status in ("failed", "error"), form


CALLS = {"bash": "add 1 1\n", "javascript": "console.log(add(1, 1));\n", "perl": "print add(1, 1);\n"}


@pytest.mark.parametrize("language", here(CALLS))
@pytest.mark.parametrize("form", ["closed body", "function"])
@pytest.mark.parametrize("lead", ["", "}\n"])
def test_calls_behind_a_finished_function_leave_it_right(language: str, form: str, lead: str, sandbox: Sandbox) -> None:
    given = job(language, form, "\n" + CALLS[language])
    tests = dataclasses.replace(given.tests, tests=lead + given.tests.tests.removeprefix("}\n"))
    assert sandbox.run(Job(given.candidate, tests), Limits(wall_seconds=120)).status == "passed"


def test_braces_in_a_regular_expression_are_none() -> None:
    given = Job("  return x.replace(/[}]/g, '') / y / 2;", Tests("javascript", "function add(x, y){\n", "}\n1;", "add"))
    assert forms.misfit(given, shape("javascript")) == ""
