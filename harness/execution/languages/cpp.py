"""C++ by g++ (else clang++): `-std=c++17 -O1`, with the whole standard library included first.

`<bits/stdc++.h>` is precompiled once for this compiler and these flags, which saves two thirds of the time of a build.
It is included before everything else, so a program that forgot an include still compiles. `<boost/any.hpp>` is a
substitute (names for `std::any`) if Boost is not installed. `native.py` states what is guaranteed.
"""

from __future__ import annotations

import functools
from pathlib import Path

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import native, toolchain

FLAGS = ("-std=c++17", "-O1")
_HEADER = "#include <bits/stdc++.h>\n#include <typeinfo>\n#include <cxxabi.h>\n"
_BOOST_ANY = """#pragma once
#include <any>
namespace boost { using std::any; using std::any_cast; using bad_any_cast = std::bad_any_cast; }
"""
# Reports an uncaught exception, which would abort the program anyway
_START = """
extern "C" void harness_error(const char *, const char *);
namespace { struct harness_start_ { harness_start_() { std::set_terminate([]() {
    const char *message = "", *kind = "terminated";
    int status = 0;
    std::string kept;
    if (auto type = abi::__cxa_current_exception_type()) {
        if (char *name = abi::__cxa_demangle(type->name(), nullptr, nullptr, &status)) kind = name;
        try { throw; }
        catch (const std::exception &error) { kept = error.what(); message = kept.c_str(); }
        catch (...) {}
    }
    harness_error(kind, message);
}); } } harness_started_; }
"""


SHAPE = native.SHAPE
ENDINGS = (".cpp", ".cc", ".cxx")


class Cpp:
    """The `Language` of `tests.language: cpp`."""

    name = "cpp"

    def missing(self) -> str | None:
        """Whether there is a compiler."""
        return None if toolchain.find("g++", "clang++") else toolchain.install_hint("a C++ compiler (g++)", "g++")

    def trial(self) -> Job:
        """Adds two vectors."""
        prelude = "#include <vector>\nusing namespace std;\nvector<int> twice(vector<int> values){\n"
        body = "    for (auto &value : values) value *= 2;\n    return values;\n}\n"
        tests = "int main(){ assert((twice({1, 2}) == vector<int>{2, 4})); }\n"
        return Job(body, Tests("cpp", prelude, tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        return native.programs(job, _compiler())


def build() -> Cpp:
    """Return the language."""
    return Cpp()


@functools.cache
def _compiler() -> native.Compiler:
    path = toolchain.require("g++", "clang++")
    clang = "clang" in toolchain.output_of(path, "--version")

    def make(folder: Path) -> None:
        header = folder / "first.h"
        header.write_text(_HEADER, encoding="utf-8")
        (folder / "boost").mkdir()
        (folder / "boost" / "any.hpp").write_text(_BOOST_ANY, encoding="utf-8")
        suffix = ".pch" if clang else ".gch"
        toolchain.output_of(path, *FLAGS, "-x", "c++-header", str(header), "-o", f"{header}{suffix}")

    depends_on = (toolchain.stamp(path), *FLAGS, _HEADER, _BOOST_ANY)
    first = toolchain.cached_build("cpp", depends_on, make) / "first.h"
    flags = (*FLAGS, "-idirafter", str(first.parent))
    return native.Compiler(path, "c++", flags, "static_cast<bool>", 'extern "C"', str(first), _START)
