"""How candidate, prelude and tests are put together in each language: texts, without running any."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from pathlib import Path

import pytest

from harness import plugins
from harness.datatypes import StdinCase, Tests
from harness.errors import DataError, SandboxError
from harness.execution.base import Job
from harness.execution.languages import assembly, go, java, native, rust, toolchain

CPP = native.Compiler("/usr/bin/g++", "c++", ("-O1",), "static_cast<bool>", 'extern "C"')
PRELUDE = "#include <vector>\nusing namespace std;\n// twice(x) {\nint twice(vector<int> xs, int by = 2){\n"
TESTS = "}\nint main() {\n    auto candidate = twice;\n    assert(candidate({1}, 2) == (2));\n}\n"
BODY = "    return xs[0] * by;"


def cpp(candidate: str, tests: str = TESTS, prelude: str = PRELUDE) -> str:
    job = Job(candidate, Tests("cpp", prelude, tests, "twice"))
    return native.unit(assembly.split(job, native.DEFINITION), CPP)


def test_a_completion_continues_its_prompt_to_the_letter():
    parts = assembly.split(Job(BODY, Tests("cpp", PRELUDE, TESTS, "twice")), native.DEFINITION)
    assert assembly.joined(parts) == PRELUDE + BODY + "\n\n}\n"
    assert not parts.whole and parts.signature.startswith("int twice(")


def test_a_whole_function_stands_by_itself():
    whole = "int twice(vector<int> xs, int by) { return xs[0] * by; }"
    parts = assembly.split(Job(whole, Tests("cpp", PRELUDE, TESTS, "twice")), native.DEFINITION)
    assert parts.whole and parts.closing == ""
    assert assembly.joined(parts) == whole + "\n"


def test_a_call_of_itself_is_no_definition():
    parts = assembly.split(
        Job("  if (by) { return twice(xs, 0); }", Tests("cpp", PRELUDE, TESTS, "twice")), native.DEFINITION
    )
    assert not parts.whole


@pytest.mark.parametrize("text", ["// int twice() {", "/* int twice() { */", 'auto x = "\\\nint twice() {";'])
def test_comments_and_texts_define_nothing(text):
    assert not assembly.split(Job(text, Tests("cpp", PRELUDE, TESTS, "twice")), native.DEFINITION).whole


def test_blanking_keeps_places_and_lines():
    source = "a /* b\n c */ \"d // e\" 'f' // g\nh"
    masked = assembly.blanked(source)
    assert len(masked) == len(source) and masked.count("\n") == source.count("\n")
    assert masked.split() == ["a", "h"]


def test_cpp_tests_come_before_the_candidate_and_keep_their_lines():
    text = cpp(BODY)
    assert text.index("auto candidate") < text.index(BODY)
    first = text[text.index('#line 1 "tests"\n') + len('#line 1 "tests"\n') :].splitlines()
    assert "auto candidate = twice" in first[2] and "assert" not in first[3]


def test_cpp_candidate_is_called_through_the_declared_signature():
    text = cpp("#define main oh\nstruct Liar {};\nLiar twice(vector<int>, int) { return {}; }")
    shim = re.search(r"static int (entry_\w+)\(vector<int> xs, int by\) \{ return twice\(xs, by\); \}", text)
    assert shim and f"#define twice {shim.group(1)}\n" in text


def test_cpp_secret_names_differ_each_time():
    assert cpp(BODY) != cpp(BODY)


def test_cpp_without_a_signature_undefines_what_the_candidate_defined():
    text = cpp("#define candidate(x) 1\nint f() { return 1; }", "int main() { assert(candidate(f())); }", "")
    assert "#undef candidate\n" in text and text.index("int f()") < text.index('#line 1 "tests"')


def test_cpp_without_a_signature_refuses_saved_macros():
    text = cpp('#pragma push_\\\nmacro("f")\nint f();', "int main() { f(); }", "")
    assert "#error" in text


def test_rust_tests_name_the_macros_of_std():
    job = Job(
        "x * 2\n}", Tests("rust", "fn twice(x: i32) -> i32 {\n", "fn main() { assert_eq!(twice(1), 2); }", "twice")
    )
    text = rust.crate(assembly.split(job, rust.DEFINITION))
    assert "::std::assert_eq!(twice(1), 2)" in text
    assert "fn twice(x: i32) -> i32  { super::twice(x) }" in text


def test_rust_whole_programs_get_the_imports_that_they_rely_on():
    prelude = "use std::{collections::{HashMap, HashSet}, cmp::max};\nuse rand::Rng;\nfn f(x: i32) -> i32 {\n"
    job = Job("fn f(x: i32) -> i32 { max(x, 1) }", Tests("rust", prelude, "fn main() { assert!(f(1) == 1); }", "f"))
    text = rust.crate(assembly.split(job, rust.DEFINITION))
    assert text.startswith("use ::std::cmp::max;fn f") and "rand" not in text


def test_rust_modules_of_tests_become_a_main():
    tests = "#[cfg(test)]\nmod tests {\n use super::*;\n #[test]\n fn a() { f(1); }\n #[test]\n fn b() {}\n}\n"
    job = Job("x\n}", Tests("rust", "fn f(x: i32) -> i32 {\n", tests, "f"))
    text = rust.crate(assembly.split(job, rust.DEFINITION))
    assert "pub fn main() { tests::a(); tests::b(); }" in text and "#[test]" not in text


def test_go_drops_unused_imports_of_the_prompt_and_none_of_the_candidate():
    prelude = 'package x_test\n\nimport (\n\t"testing"\n\t"sort"\n\t"math"\n)\n\nfunc f(x float64) float64 {\n'
    job = Job("\treturn math.Abs(x)\n}\n", Tests("go", prelude, "func TestF(t *testing.T) { t.Log(f(1)) }", "f"))
    packages = go.packages(assembly.split(job, go.DEFINITION, backticks=True), "frame1")
    own = packages["candidate"]["candidate"]
    assert 'import "math";' in own and "sort" not in own and "testing" not in own
    assert "package x_test" not in own and "TestF" not in own
    whole = Job('package main\nimport "sort"\nfunc f(x float64) float64 { return x }', job.tests)
    assert (
        '"sort"'
        in go.packages(assembly.split(whole, go.DEFINITION, backticks=True), "frame1")["candidate"]["candidate"]
    )


JAVA_PRELUDE = "import java.util.*;\n\nclass Problem {\n    public static ArrayList<Long> f(ArrayList<Long> x) {\n"
JAVA_TESTS = (
    "    }\n    public static void main(String[] args) {\n    assert(f(null).equals(Arrays.asList()));\n    }\n\n}\n"
)


def test_java_tests_inside_of_the_class_move_into_one_of_their_own():
    job = Job("        return x;", Tests("java", JAVA_PRELUDE, JAVA_TESTS, "f"))
    files, main = java.sources(assembly.split(job, java.DEFINITION), True)
    assert files["Candidate.java"].endswith("        return x;\n\n}\n}\n")
    tests = files[f"{main}.java"]
    assert (
        "static ArrayList<Long> f(ArrayList<Long> x)  { return HarnessPlain.<ArrayList<Long>>of(own.f(x)); }" in tests
    )
    assert "import java.util.Arrays;" in tests
    assert tests.splitlines()[2].strip().startswith("assert(f(null)")


def test_java_whole_class_may_be_public():
    whole = "public class Answer {\n    public static ArrayList<Long> f(ArrayList<Long> x) { return x; }\n}"
    files, main = java.sources(
        assembly.split(Job(whole, Tests("java", JAVA_PRELUDE, JAVA_TESTS, "f")), java.DEFINITION), True
    )
    assert "\nclass Answer {" in files["Candidate.java"] and "Answer own = new Answer()" in files[f"{main}.java"]


INSTALLED = [name for name in plugins.names("language") if plugins.load("language", name).build().missing() is None]


@pytest.mark.parametrize("name", INSTALLED)
def test_a_sample_without_tests_proves_nothing(name):
    with pytest.raises(DataError, match="there is nothing to check"):
        plugins.load("language", name).build().programs(Job("x", Tests(name)))


@pytest.mark.parametrize("name", [name for name in INSTALLED if name != "python"])
def test_the_secret_is_in_no_file_and_no_command(name):
    job = plugins.load("language", name).build().trial()
    (program,) = plugins.load("language", name).build().programs(job)
    assert len(program.nonce) == 32 and program.nonce.encode() in program.request
    words = [*program.command, *(word for command in program.build for word in command), *map(str, program.environment)]
    assert not [word for word in words if program.nonce in word]
    assert not [file for file, content in program.files if program.nonce.encode() in content]
    (again,) = plugins.load("language", name).build().programs(job)
    assert again.nonce != program.nonce


@pytest.mark.parametrize("name", [name for name in INSTALLED if name != "python"])
def test_stdin_cases_are_programs_judged_by_their_output(name):
    language = plugins.load("language", name).build()
    cases = (StdinCase("1\n", "2\n"), StdinCase("2\n", "4\n"))
    programs = language.programs(Job("text", Tests(name, cases=cases)))
    assert [(p.stdin, p.expected, p.nonce) for p in programs] == [(b"1\n", "2\n", ""), (b"2\n", "4\n", "")]


def test_a_missing_toolchain_is_one_line_with_the_package(monkeypatch):
    monkeypatch.setattr(toolchain, "find", lambda *names: None)
    for name in plugins.names("language"):
        if name == "python":
            continue
        line = plugins.load("language", name).build().missing()
        assert line and "\n" not in line and "apt install" in line, name


def test_what_is_made_once_is_made_once_and_whole(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    calls = []

    def make(folder: Path) -> None:
        calls.append(folder)
        (folder / "file").write_text("text", encoding="utf-8")

    first = toolchain.cached_build("thing", ("a",), make)
    assert toolchain.cached_build("thing", ("a",), make) == first and len(calls) == 1
    assert (first / "file").read_text() == "text"
    assert toolchain.cached_build("thing", ("b",), make) != first


def test_a_failed_making_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def make(folder: Path) -> None:
        (folder / "half").touch()
        raise SandboxError("no")

    with pytest.raises(SandboxError):
        toolchain.cached_build("thing", ("a",), make)
    assert [p.name for p in (tmp_path / "harness/toolchains").iterdir() if not p.name.endswith(".lock")] == []


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch):
    """As in a container that was started under a number that has no name."""

    def nowhere():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(toolchain.os, "geteuid", lambda: 12345)
    monkeypatch.setattr(toolchain.Path, "home", nowhere)
    with pytest.raises(SandboxError, match="no home folder: set XDG_CACHE_HOME"):
        toolchain.cached_build("thing", ("a",), lambda folder: None)


@pytest.mark.parametrize("shell", [path for path in [toolchain.find("bash")] if path])
def test_a_program_that_may_only_be_started_stays_so(shell, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    copy = toolchain.unreadable(shell)
    assert copy.stat().st_mode & 0o777 == 0o111
    assert subprocess.run([copy, "-c", "echo 5"], capture_output=True, text=True, check=True).stdout == "5\n"
    assert toolchain.unreadable(shell) == copy


@pytest.mark.parametrize("compiler", [path for path in [toolchain.find("g++")] if path])
def test_the_precompiled_header_is_really_used(compiler, tmp_path):
    """The compiler ignores a header that was compiled with other flags, and reports it only with a flag."""
    language = plugins.load("language", "cpp").build()
    (program,) = language.programs(language.trial())
    for name, content in program.files:
        (tmp_path / name).write_bytes(content)
    command = [*program.build[0], "-H", "-Werror=invalid-pch"]
    seen = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.search(r"^! .*first\.h\.gch$", seen.stderr, re.M), seen.stderr[:500]


def test_a_job_is_not_changed_by_being_taken_apart():
    job = Job(BODY, Tests("cpp", PRELUDE, TESTS, "twice"))
    kept = dataclasses.replace(job)
    assembly.split(job, native.DEFINITION)
    assert job == kept
