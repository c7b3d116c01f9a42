"""Programs in files, each with a first line that states what it tries and which verdicts are right.

A file is a candidate for `add(a, b)` in its language. Its first line is a comment with JSON: `tries` (in words),
`right` (statuses), and where it needs them `tests` (instead of the usual ones), `wall` (seconds), `memory_mb`,
`build` (seconds), `cut` (characters to take off the end) and `swap` (`{marker: text}`, `times` repeats). One that is
`aimed` at this harness may pass if the verdict's `check` allows that for such code. A program about containment gives
right answers only if it broke out, so `passed` shows it. Markers in capitals between two `@` are filled
with the bait's addresses.
"""

from __future__ import annotations

import dataclasses
import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import plugins
from harness.datatypes import Tests
from harness.execution.base import Job, Limits

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
LANGUAGES = {
    "py": "python", "cpp": "cpp", "c": "c", "js": "javascript", "java": "java", "rs": "rust", "go": "go", "sh": "bash",
    "php": "php",
}  # fmt: skip
_PYTHON = """
def check(candidate):
    assert candidate(1, 2) == 3
    assert candidate(-5, 5) == 0
    assert abs(candidate(0.1, 0.2) - 0.3) < 1e-6
    assert candidate(10**6, 1) == 1000001
check(add)
"""
_CPP = """}
int main() {
    auto candidate = add;
    assert(candidate(1, 2) == (3));
    assert(candidate(-5, 5) == (0));
    assert(candidate(1000000, 1) == (1000001));
}
"""
_C = _CPP.replace("auto candidate", "int (*candidate)(int, int)")
_JAVASCRIPT = """
const assert = require('node:assert');
function test() {
  let candidate = add;
  assert.deepEqual(candidate(1, 2), 3);
  assert.deepEqual(candidate(-5, 5), 0);
  assert.deepEqual(candidate(1000000, 1), 1000001);
}
test();
"""
_JAVA = """
public class Main {
    public static void main(String[] args) {
        Solution s = new Solution();
        List<Boolean> correct = Arrays.asList(s.add(1, 2) == 3, s.add(-5, 5) == 0, s.add(1000000, 1) == 1000001);
        if (correct.contains(false)) {
            throw new AssertionError();
        }
    }
}
"""
_RUST = """}

fn main() {
    let candidate = add;
    assert_eq!(candidate(1, 2), 3);
    assert_eq!(candidate(-5, 5), 0);
    assert_eq!(candidate(1000000, 1), 1000001);
}
"""
_GO = """
func TestAdd(t *testing.T) {
    candidate := add
    tests := []struct{ actual, expected interface{} }{
        {candidate(1, 2), 3}, {candidate(-5, 5), 0}, {candidate(1000000, 1), 1000001},
    }
    for i, tc := range tests {
        t.Run(fmt.Sprintf("test num %d", i), func(t *testing.T) {
            if fmt.Sprintf("%v", tc.actual) != fmt.Sprintf("%v", tc.expected) {
                t.Errorf("expected '%v', got '%v'", tc.expected, tc.actual)
            }
        })
    }
}
"""
_BASH = """}

candidate() {
    add "$@"
}

set -e
run_test() {
    [[ $(candidate "1" "2") = "3" ]]
    [[ $(candidate "-5" "5") = "0" ]]
    [[ $(candidate "1000000" "1") = "1000001" ]]
}

run_test
"""
_PHP = """
function candidate(...$args) {
    return add(...$args);
}

function test(): void {
    if (candidate(1, 2) !== 3) { throw new Exception("Test failed!"); }
    if (candidate(-5, 5) !== 0) { throw new Exception("Test failed!"); }
    if (candidate(1000000, 1) !== 1000001) { throw new Exception("Test failed!"); }
}

test();
"""
TESTS = {
    "python": _PYTHON, "cpp": _CPP, "c": _C, "javascript": _JAVASCRIPT, "java": _JAVA, "rust": _RUST, "go": _GO,
    "bash": _BASH, "php": _PHP,
}  # fmt: skip
# A prompt that ends in an open function, as in MultiPL-E and HumanEval-X; candidates here are whole programs
PRELUDES = {
    "cpp": "#include<assert.h>\n#include<bits/stdc++.h>\nint add(int a, int b) {\n",
    "c": "#include <assert.h>\nint add(int a, int b) {\n",
    "javascript": "function add(a, b){\n",
    "java": "import java.util.*;\nimport java.lang.*;\n\nclass Solution {\n    public int add(int a, int b) {\n",
    "rust": "fn add(a: i64, b: i64) -> i64 {\n",
    "go": 'package add_test\n\nimport (\n    "testing"\n    "fmt"\n)\n\nfunc add(a int, b int) int {\n',
    "bash": "#!/bin/bash\nadd() {\n",
    "php": "<?php\nfunction add($a, $b) {\n",
}

LIMITS = Limits(
    wall_seconds=3.0,
    memory_bytes=512 << 20,
    output_bytes=1 << 20,
    work_bytes=8 << 20,
    processes=24,
    build_seconds=20.0,
    build_memory_bytes=1 << 30,
)

# What a runtime needs before a program of its language does anything
MEMORY_MB = {"java": 1024}


@dataclass(frozen=True)
class Candidate:
    """One file."""

    name: str
    language: str
    text: str
    tries: str
    right: frozenset[str]
    tests: str
    limits: Limits
    aimed: bool

    def job(self, addresses: dict[str, str]) -> Job:
        """The job of this program, with the bait's addresses instead of its markers."""
        text = self.text
        for marker, value in addresses.items():
            text = text.replace(f"@{marker}@", value)
        tests = Tests(self.language, PRELUDES.get(self.language, ""), self.tests, "add")
        return Job(text, tests)


def read(path: Path) -> Candidate:
    """Read one file; its first line stays outside of the program."""
    head, _, body = path.read_text(encoding="utf-8").partition("\n")
    sign = "//" if head.startswith("//") else "#"
    about: dict[str, Any] = json.loads(head.removeprefix(sign))
    language = LANGUAGES[path.suffix[1:]]
    swap = about.get("swap", {})
    times = swap.pop("times", 1)
    for marker, text in swap.items():
        body = body.replace(marker, text * times)
    if cut := about.get("cut"):
        body = body[:-cut]
    limits = dataclasses.replace(
        LIMITS,
        wall_seconds=about.get("wall", LIMITS.wall_seconds),
        memory_bytes=about.get("memory_mb", MEMORY_MB.get(language, LIMITS.memory_bytes >> 20)) << 20,
        build_seconds=about.get("build", LIMITS.build_seconds),
    )
    tests = about.get("tests", TESTS[language])
    aimed = about.get("aimed", False)
    return Candidate(path.name, language, body, about["tries"], frozenset(about["right"]), tests, limits, aimed)


@functools.cache
def found_languages() -> frozenset[str]:
    """The languages whose toolchains are installed."""
    known = set(plugins.names("language")) & set(LANGUAGES.values())
    return frozenset(name for name in known if plugins.load("language", name).build().missing() is None)


@functools.cache
def toolchains() -> tuple[str, ...]:
    """Folders that the found languages read, so that another user may be let through to them."""
    found: set[str] = set()
    for name in found_languages():
        language = plugins.load("language", name).build()
        for program in language.programs(language.trial()):
            found.update(program.readable)
    return tuple(sorted(found))


def candidates(folder: str) -> dict[str, Candidate]:
    """Every program of a folder whose language is found, by file name."""
    paths = [path for path in sorted((HERE / folder).iterdir()) if LANGUAGES.get(path.suffix[1:]) in found_languages()]
    return {path.name: read(path) for path in paths}
