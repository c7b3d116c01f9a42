"""Go: candidate and tests in separate packages, compiled and linked by the toolchain's internal commands.

`go build` is not used: the standard library and the frame are compiled once into the cache folder, and a program costs
two small packages and a link. Unused imports of the prelude are removed (Go would refuse the program); those of the
candidate stay. `testing` and `github.com/stretchr/testify/assert` are substitutes with the part that benchmarks use
and testify's definition of equality.

If the prelude declares a signature, the tests call a function with that signature, so that neither the candidate's own
types nor names like `true` or `len` that it redefines reach the tests.

Guaranteed: no exit, panic, marker or exit code passes; the secret is read before the candidate's package is
initialised and is in no file; the packages are compiled separately, and `go:embed` finds no tests. Not guaranteed:
candidate and tests share a process; `unsafe` code that targets this harness can search its memory. Without a signature
both also share a package. cgo is not available.
"""

from __future__ import annotations

import functools
import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain
from harness.execution.languages.assembly import Parts

DEFINITION = r"^func\s+NAME\s*(?:\[[^\]{}]*\])?\s*\(.*\{"
THREADS = 16
_TESTIFY = "github.com/stretchr/testify/assert"
_IMPORTS = re.compile(r"^import\s*(?:\(([^)]*)\)|((?:[\w.]+\s+)?\"[^\"\n]+\"))", re.M)
_SPEC = re.compile(r"(?:([\w.]+)\s+)?\"([^\"\n]+)\"")


SHAPE = forms.braces(DEFINITION, backticks=True)
ENDINGS = (".go",)


class Go:
    """The `Language` of `tests.language: go`."""

    name = "go"

    def missing(self) -> str | None:
        """Whether there is a toolchain."""
        return None if toolchain.find("go") else toolchain.install_hint("go", "golang-go")

    def trial(self) -> Job:
        """Doubles a number."""
        prelude = 'package main\n\nimport (\n\t"testing"\n)\n\nfunc twice(value int) int {\n'
        tests = 'func TestTwice(t *testing.T) {\n\tif twice(2) != 4 {\n\t\tt.Errorf("not 4")\n\t}\n}\n'
        return Job("\treturn 2 * value\n}\n", Tests("go", prelude, tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        tests, tools = job.tests, _toolchain()
        readable = toolchain.outside_system(str(tools.folder), tools.root)
        program = Program(command=("./program",), readable=readable, reserves=True, threads=THREADS)
        if tests.cases:
            files, steps = _built(tools, {"main": {"candidate": assembly.whole_program(job)}})
            return assembly.per_case(replace(program, files=files, build=steps), tests)
        nonce, framed = secrets.token_hex(16), "frame" + secrets.token_hex(8)
        parts = assembly.split(forms.normalized(job, SHAPE), DEFINITION, backticks=True)
        parts = assembly.with_helpers(parts, DEFINITION, rf"^package\s+\w+|{_IMPORTS.pattern}", backticks=True)
        files, steps = _built(tools, packages(parts, framed), framed)
        request = nonce.encode()
        return (replace(program, files=files, build=steps, request=request, nonce=nonce, tests=tests.tests),)


def build() -> Go:
    """Return the language."""
    return Go()


def packages(parts: Parts, framed: str) -> dict[str, dict[str, str]]:
    """Return package -> file -> text: two packages if there is a signature between candidate and tests, else one."""
    own, shim = candidate(parts), _shim(parts)
    if shim is None:
        return {"main": {"candidate": own.format(package="main"), "tests": tests(parts, framed, "")}}
    caller, bridge = shim
    return {
        "candidate": {
            "candidate": own.format(package="candidate"),
            "bridge": f'package candidate\nimport _ "{framed}"\n{bridge}\n',
        },
        "main": {"tests": tests(parts, framed, f'import candidate_ "candidate"\n{caller}')},
    }


def candidate(parts: Parts) -> str:
    """Return the candidate's program without unused imports of the prelude, as a format with the field `package`."""
    text = assembly.joined(parts)
    body = _IMPORTS.sub(_emptied, parts.body) if parts.whole else text
    specs = _specs(parts.body) if parts.whole else {}
    code = assembly.blanked(_IMPORTS.sub(_emptied, text), backticks=True)
    for path, line in _specs(parts.head).items():
        name = _package_name(line, path)
        if path not in specs and re.search(rf"\b{name}\.", code):
            specs[path] = line
    body = _IMPORTS.sub(_emptied, body)
    body = re.sub(r"^package\s+\w+[ \t]*$", "", body, count=1, flags=re.M)
    # It could access private names of the frame
    body = body.replace("//go:linkname", "//no:linkname").replace("{", "{{").replace("}", "}}")
    lines = " ".join(f"import {line};" for line in specs.values())
    return f"package {{package}}; {lines}\n//line candidate:1\n{body}\n"


def tests(parts: Parts, framed: str, caller: str) -> str:
    """Return the text of the tests' package: their imports, the function they call, the main that runs them."""
    code = assembly.blanked(parts.tests, backticks=True)
    specs = {
        path: line
        for path, line in {**_specs(parts.head), **_specs(parts.tests), "testing": '"testing"'}.items()
        if re.search(rf"\b{_package_name(line, path)}\.", code)
    }
    names = re.findall(r"^func\s+(Test\w*)\s*\(\s*\w+\s+\*testing\.T\s*\)", code, re.M)
    calls = "".join(f'\n\t{name}(testing_.New("{name}"))' for name in names)
    own_main = "" if names else "\n\ttests_main()"
    body = _IMPORTS.sub(_emptied, parts.tests)
    if not names:
        body = re.sub(r"^func\s+main\s*\(\s*\)", "func tests_main()", body, flags=re.M)
    lines = ["package main", f'import frame_ "{framed}"', 'import testing_ "testing"']
    lines += [f"import {line}" for line in specs.values()]
    start = (
        "func main() {\n\tdefer func() {\n\t\tif wrong := recover(); wrong != nil {\n"
        '\t\t\tframe_.Report("error", "panic", fmt_.Sprint(wrong), 0)\n\t\t}\n\t}()'
        f'{calls}{own_main}\n\tframe_.Report("passed", "", "", 0)\n}}\nvar _ = testing_.New\n'
    )
    return "\n".join((*lines, 'import fmt_ "fmt"', caller, "//line tests:1", body, "//line harness:1", start))


def _shim(parts: Parts) -> tuple[str, str] | None:
    """Return the function that the tests call and its counterpart for the candidate; None without a signature."""
    if not parts.signature or not parts.entry:
        return None
    masked = " ".join(assembly.blanked(parts.signature, backticks=True).split())
    match = re.search(rf"\bfunc\s+{re.escape(parts.entry)}\s*\(", masked)
    end = assembly.bracketed(masked, match.end() - 1) if match else None
    if match is None or end is None:
        return None
    declared = masked[match.end() : end]
    names = []
    for text in assembly.separated(declared):
        name, _, kind = text.partition(" ")
        names.append(name + ("..." if kind.strip().startswith("...") else ""))
    result = masked[end + 1 :].rstrip().removesuffix("{").strip()
    others = _others(parts)
    exported = "H" + secrets.token_hex(8)
    giving = "return " if result else ""
    arguments = ", ".join(names)
    caller = f"func {parts.entry}({declared}) {result} {{ {giving}candidate_.{exported}({arguments}) }}\n"
    bridge = f"func {exported}({declared}) {result} {{ {giving}{parts.entry}({arguments}) }}\n"
    for name in others:
        caller += f"var {name} = candidate_.{exported}{name}\n"
        bridge += f"var {exported}{name} = {name}\n"
    return caller, bridge


def _others(parts: Parts) -> list[str]:
    """Functions besides the entry point that the tests call and the candidate's program defines."""
    code = assembly.blanked(parts.tests, backticks=True)
    own = assembly.blanked(assembly.joined(parts), backticks=True)
    defined = set(re.findall(r"^func\s+(\w+)\s*\(", own, re.M)) - {parts.entry, "main", "init"}
    theirs = set(re.findall(r"^func\s+(\w+)\s*\(", code, re.M))
    return sorted(name for name in defined - theirs if re.search(rf"(?<!\.)\b{name}\s*\(", code))


def _emptied(match: re.Match[str]) -> str:
    return "\n" * match.group().count("\n")


def _specs(source: str) -> dict[str, str]:
    """Import path -> how it is imported."""
    imports: dict[str, str] = {}
    for block, single in _IMPORTS.findall(source):
        for alias, path in _SPEC.findall(re.sub(r"//[^\n]*", "", block or single)):
            imports[path] = f'{alias} "{path}"'.strip()
    return imports


def _package_name(line: str, path: str) -> str:
    alias = line.partition('"')[0].strip()
    return re.escape(alias or path.rpartition("/")[2])


@dataclass(frozen=True, slots=True)
class _Tools:
    """The cached build (`folder`, with the lines of its import configuration), and the toolchain."""

    folder: Path
    imports: str
    compiler: str
    linker: str
    root: str


def _built(
    tools: _Tools, sources: dict[str, dict[str, str]], framed: str = ""
) -> tuple[tuple[tuple[str, bytes], ...], tuple[tuple[str, ...], ...]]:
    """Return the files of a program and the commands that compile its packages in turn and link them."""
    imports = tools.imports + (f"importmap {framed}=harness/frame\n" if framed else "")
    files, steps = [], []
    for package, texts in sources.items():
        files += [(f"{name}.go", text.encode()) for name, text in texts.items()]
        files.append((f"{package}.imports", imports.encode()))
        words = ("-p", package, "-complete", "-pack", "-importcfg", f"{package}.imports", "-o", f"{package}.a")
        steps.append((tools.compiler, *words, *(f"{name}.go" for name in texts)))
        imports += f"packagefile {package}={package}.a\n"
    linked = "\n".join(line for line in imports.splitlines() if not line.startswith("importmap"))
    files.append(("link.imports", f"{linked}\n".encode()))
    steps.append((tools.linker, "-s", "-w", "-importcfg", "link.imports", "-o", "program", "main.a"))
    return tuple(files), tuple(steps)


@functools.cache
def _toolchain() -> _Tools:
    """Return the toolchain, with its cached build."""
    go = toolchain.require("go")
    root = toolchain.output_of(go, "env", "GOROOT").strip()
    inner = toolchain.output_of(go, "env", "GOTOOLDIR").strip()
    compiler, linker = f"{inner}/compile", f"{inner}/link"
    sources = {name: toolchain.frame(f"go/{name}.go") for name in ("frame", "testing", "assert")}

    def make(folder: Path) -> None:
        lines = [f"packagefile {path}={file}" for path, file in sorted(_standard(go, folder).items())]
        lines = [line for line in lines if not line.startswith("packagefile testing=")]
        lines.append("importmap testing=harness/testing")
        config = folder / "imports"
        for name, path in (("frame", "harness/frame"), ("testing", "harness/testing"), ("assert", _TESTIFY)):
            (folder / f"{name}.go").write_text(sources[name], encoding="utf-8")
            config.write_text("\n".join(lines) + "\n", encoding="utf-8")
            words = ("-p", path, "-complete", "-pack", "-importcfg", str(config), "-o", str(folder / f"{name}.a"))
            toolchain.output_of(compiler, *words, str(folder / f"{name}.go"))
            lines.append(f"packagefile {path}={folder}/{name}.a")
        text = "\n".join(lines).replace(str(folder), "@FOLDER@")
        config.write_text(text + "\n", encoding="utf-8")

    version = toolchain.output_of(go, "version")
    folder = toolchain.cached_build("go", (toolchain.stamp(compiler), version, *sources.values()), make)
    imports = (folder / "imports").read_text(encoding="utf-8").replace("@FOLDER@", str(folder))
    return _Tools(folder, imports, compiler, linker, root)


def _standard(go: str, folder: Path) -> dict[str, str]:
    """Compile the standard library if it is not installed in compiled form; return import path -> file."""
    environment = ("CGO_ENABLED=0", f"GOCACHE={folder}/std", "GOFLAGS=", "GO111MODULE=off")
    words = ("env", *environment, go, "list", "-export", "-f", "{{.ImportPath}} {{.Export}}", "std")
    pairs = (line.split(" ", 1) for line in toolchain.output_of(*words).splitlines())
    return {path: file for path, file in pairs if file}
