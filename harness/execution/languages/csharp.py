"""C# by Mono's mcs and mono: candidate and tests in separate classes, called by a frame class.

The tests are the rest of the prompt's class, with its `Main`; they call the candidate's methods as `using static`
allows. `Debug.Assert` throws where it is false. What a class of the candidate returns is compared by the tests as it
is.

Guaranteed: `Environment.Exit`, an exit code, an uncaught exception or a marker never passes; the secret is read before
the candidate runs and is in no file or field; no source file is left when the program runs. Not guaranteed: candidate
and tests share a process; code that targets this harness can search its memory, or decide comparisons by operators of
its own classes.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain

DEFINITION = (
    r"(?:^|(?<=[{};]))[ \t]*(?:(?:public|private|protected|internal|static|async|unsafe)\s+)*"
    r"(?!(?:return|new|else|throw|await)\b)[\w<>\[\](), .?]+\s+NAME\s*(?:<[\w, ]+>)?\([^{};]*\)\s*\{"
)
THREADS = 16
SHAPE = forms.braces(DEFINITION)
ENDINGS = (".cs",)
_USING = re.compile(r"^[ \t]*using\s+[\w.= ]+;", re.MULTILINE)
_OPTIONS = ("-langversion:latest", "-nologo", "-warn:0", "-r:System.Numerics.dll")


class CSharp:
    """The `Language` of `tests.language: csharp`."""

    name = "csharp"

    def missing(self) -> str | None:
        """Whether there are Mono's compiler and runtime."""
        installed = toolchain.find("mcs") and toolchain.find("mono")
        return None if installed else toolchain.install_hint("Mono (mcs, mono)", "mono-mcs mono-runtime")

    def trial(self) -> Job:
        """Doubles the numbers of a list."""
        prelude = (
            "using System.Diagnostics;\nusing System.Collections.Generic;\nusing System.Linq;\n"
            "class Problem {\n    public static List<long> Twice(List<long> values) {\n"
        )
        body = "        return values.Select(value => 2 * value).ToList();"
        tests = (
            "    }\n    public static void Main(string[] args) {\n"
            "    Debug.Assert(Twice(new List<long>{1, 2}).Equals(new List<long>{2, 4})"
            " || Twice(new List<long>{1, 2}).SequenceEqual(new List<long>{2, 4}));\n    }\n}\n"
        )
        return Job(body, Tests("csharp", prelude, tests, "Twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        compiler, runtime = toolchain.require("mcs"), toolchain.require("mono")
        # Its settings name the libraries that even reading a file needs
        readable = toolchain.outside_system("/etc/mono")
        base = Program(command=(runtime, "program.exe"), readable=readable, reserves=True, threads=THREADS)
        if job.tests.cases:
            build = ((compiler, *_OPTIONS, "-out:program.exe", "Program.cs"),)
            files = (("Program.cs", assembly.whole_program(job).encode()),)
            return assembly.per_case(replace(base, build=build, files=files), job.tests)
        assembly.require_tests(assembly.blanked(job.tests.tests))
        main = assembly.fresh("Tests")
        sources = _sources(forms.closed(job, SHAPE), main)
        nonce = secrets.token_hex(16)
        program = replace(
            base,
            command=(runtime, "program.exe", main),
            files=tuple((name, text.encode()) for name, text in sources.items()),
            build=((compiler, *_OPTIONS, "-out:program.exe", "-main:HarnessFrame", *sources),),
            request=nonce.encode(),
            nonce=nonce,
            tests=job.tests.tests,
        )
        return (program,)


def build() -> CSharp:
    """Return the language."""
    return CSharp()


def _sources(job: Job, main: str) -> dict[str, str]:
    """File -> text; the tests' class is called `main`."""
    tests = job.tests
    usings = " ".join(" ".join(line.split()) for line in _USING.findall(tests.prelude))
    if not assembly.defines(assembly.blanked(job.candidate), tests.entry_point, DEFINITION):
        candidate = assembly.whole_program(job)
    elif re.search(r"\bclass\s+\w+", assembly.blanked(job.candidate)):
        candidate = f"{usings}\n{job.candidate}\n"
    else:
        head = re.match(r".*?\bclass\s+\w+[^{]*\{", assembly.blanked(tests.prelude), re.S)
        candidate = f"{tests.prelude[: head.end()] if head else ''}\n{job.candidate}\n}}\n"
    return {
        "Candidate.cs": candidate,
        "Tests.cs": f"{usings} using static {_home(candidate, tests.entry_point)}; class {main} {{ {tests.tests}\n",
        "HarnessFrame.cs": toolchain.frame("csharp/HarnessFrame.cs"),
    }


def _home(candidate: str, entry: str | None) -> str:
    """The class that has the entry point."""
    masked = assembly.blanked(candidate)
    found = re.search(DEFINITION.replace("NAME", re.escape(entry or "")), masked, re.M) if entry else None
    names = re.findall(r"\bclass\s+(\w+)", masked[: found.start()] if found else masked)
    return names[-1] if names else "Problem"
