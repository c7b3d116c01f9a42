"""Shared by C and C++: one translation unit in which the tests come before the candidate, and the frame linked to it.

Order of the unit: the prelude's head, the tests, the candidate, and last a function with the signature that the prelude
declares, which calls the candidate's function. The tests call that one. So no macro, overload, operator or template of
the candidate reaches the tests, and its results are converted to the declared type first. If the prelude declares no
signature that can be read, or a whole program repeats definitions of the prelude, the tests follow the candidate as
written, without its macros.

Guaranteed: an exit code, a marker on any descriptor, `exit`, `abort`, a signal or a jump out of the tests never passes;
the secret is read before any constructor of the candidate runs and is in no file; the unit is sent to the compiler
through a pipe, so no `#include`, `.incbin` or `__FILE__` finds the tests; a candidate's own `main` and `assert` do not
replace those of the tests. Not guaranteed: candidate and tests share a process. Code that targets this harness can
search its memory for the tests' machine code or the masked secret, read the secret in an ifunc resolver (which runs
before the frame), or replace functions of the C library that comparisons use (`memcmp`). If the tests come last, the
candidate's own `operator==` can deceive them.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain
from harness.execution.languages.assembly import Parameter, Parts

DEFINITION = (
    r"^[ \t]*(?!(?:return|else|if|while|for|switch|case|new|delete|throw|using|typedef)\b)"
    r"[A-Za-z_][\w:<>,&*\s\[\]]*?[\s&*>]NAME\s*\([^;{}]*\)\s*(?:const\s*)?(?:->[^;{}]*)?\{"
)
SHAPE = forms.braces(DEFINITION)
# A candidate that saves and restores macros could override those of the tests; honest programs never do
_MACRO_STACK = re.compile(r"p(?:ush|op)_macro|_Pragma|\bpush\b.*##|##.*_macro")

# Libraries that are linked if a program includes the header
_LIBRARIES = (("<openssl/", "-lcrypto"), ("<pthread.h>", "-pthread"), ("<thread>", "-pthread"))


@dataclass(frozen=True, slots=True)
class Compiler:
    """A compiler with its flags. `first` is included before everything; `truth` makes an expression a condition."""

    path: str
    kind: str
    flags: tuple[str, ...]
    truth: str
    linkage: str = ""
    first: str | None = None
    start: str = ""


def programs(job: Job, compiler: Compiler) -> tuple[Program, ...]:
    """One program for the tests, or one per stdin case."""
    if job.tests.cases:
        source = assembly.whole_program(job)
        program = Program(
            command=("./program",),
            files=(("unit", f'#line 1 "candidate"\n{source}'.encode()),),
            build=(_command(compiler, None, source),),
            readable=_readable(compiler, None),
        )
        return assembly.per_case(program, job.tests)
    source = unit(assembly.split(forms.normalized(job, SHAPE), DEFINITION), compiler)
    nonce, frame = secrets.token_hex(16), framed(compiler.path)
    program = Program(
        command=("./program",),
        files=(("unit", source.encode()),),
        build=(_command(compiler, frame, source),),
        request=nonce.encode(),
        readable=_readable(compiler, frame),
        nonce=nonce,
        tests=job.tests.tests,
    )
    return (program,)


def framed(compiler: str) -> Path:
    """Return the frame's object file, built once for this compiler."""
    source = toolchain.frame("native.c")
    c_compiler = toolchain.find("gcc", "cc", "clang") or compiler

    def make(folder: Path) -> None:
        (folder / "frame.c").write_text(source, encoding="utf-8")
        flags = ("-O1", "-fPIC", "-fno-stack-protector", "-fno-builtin", "-fvisibility=hidden", "-w")
        toolchain.output_of(c_compiler, *flags, "-c", str(folder / "frame.c"), "-o", str(folder / "frame.o"))

    return toolchain.cached_build("frame", (source, toolchain.stamp(c_compiler)), make) / "frame.o"


def unit(parts: Parts, compiler: Compiler) -> str:
    """Return the text of the unit with tests and candidate."""
    failed = assembly.fresh("check")
    declared = f"{compiler.linkage} void harness_failed(unsigned long);\n"
    macro = f"#define {failed}(...) ({compiler.truth}(__VA_ARGS__) ? (void)0 : harness_failed(__LINE__))\n"
    tests = re.sub(r"\bassert(?=\s*\()", failed, parts.tests)
    own_main = f"#define main {assembly.fresh('main')}\n"
    signature = _signature(parts)
    if signature is None or (parts.whole and _repeats(parts)):
        return "".join(
            (
                own_main,
                f'#line 1 "candidate"\n{assembly.joined(parts) if parts.entry else _after(parts.head, parts.body)}',
                "#undef main\n#undef assert\n#undef NDEBUG\n",
                _without_macros(parts),
                f'{declared}{macro}{compiler.start}#line 1 "tests"\n{tests}\n',
            )
        )
    result, parameters, tail = signature
    name, shim = str(parts.entry), assembly.fresh("entry")
    head = f"static {result} {shim}({', '.join(p.declared for p in parameters)}){tail}"
    line = assembly.line_of(parts.head + parts.signature, len(parts.head))
    body = parts.body if parts.whole else _after(parts.signature, parts.body)
    return "".join(
        (
            f'#line 1 "prompt"\n{parts.head}\n{declared}{macro}{compiler.start}{head};\n#define {name} {shim}\n',
            f'#line 1 "tests"\n{tests}\n#undef {name}\n{own_main}',
            f'#line {1 if parts.whole else line} "candidate"\n{body}\n{parts.closing}\n',
            f'#line 1 "harness"\n{head} {{ return {name}({", ".join(p.name for p in parameters)}); }}\n',
        )
    )


def _after(before: str, text: str) -> str:
    return before + ("" if before.endswith("\n") or not before else "\n") + text + "\n"


def _signature(parts: Parts) -> tuple[str, list[Parameter], str] | None:
    """Return result type, parameters and what follows them; None if the text cannot be read."""
    if not parts.signature or not parts.entry:
        return None
    masked = assembly.blanked(parts.signature)
    match = re.search(rf"\b{re.escape(parts.entry)}\s*\(", masked)
    end = assembly.bracketed(masked, match.end() - 1) if match else None
    if match is None or end is None:
        return None
    result = " ".join(masked[: match.start()].split()).removeprefix("static ")
    tail = masked[end + 1 :].rstrip().removesuffix("{").strip()
    parameters = []
    for text in assembly.separated(masked[match.end() : end]):
        if text == "void":
            continue
        declared = text.partition("=")[0].strip()
        name = re.search(r"(\w+)\s*(?:\[[^\]]*\]\s*)*$", declared)
        if name is None or not declared[: name.start()].strip():
            return None
        parameters.append(Parameter(declared, name.group(1)))
    return (result, parameters, tail) if result and not tail else None


def _repeats(parts: Parts) -> bool:
    """Whether a whole program defines again what the prelude's head defines."""
    head, body = assembly.blanked(parts.head), assembly.blanked(parts.body)
    types = re.findall(r"\b(?:struct|class|union|enum)\s+(\w+)", head)
    functions = re.findall(r"^[\w:<>,&*\s]*?[\s&*>](\w+)\s*\([^;{}]*\)\s*\{", head, re.M)
    return any(re.search(rf"\b{name}\b\s*(?:\([^;{{}}]*\)\s*)?\{{", body) for name in types + functions)


def _without_macros(parts: Parts) -> str:
    """Undefine the macros that the candidate defines and the tests use."""
    spliced = re.sub(r"\\\s*\n", "", parts.body)
    if _MACRO_STACK.search(spliced):
        return "#error the program saves or restores macros, which could change its tests\n"
    defined = set(re.findall(r"(?:#|%:|\?\?=)\s*define\s+(\w+)", spliced))
    return "".join(f"#undef {name}\n" for name in sorted(defined & assembly.identifiers(parts.tests)))


def _command(compiler: Compiler, frame: Path | None, source: str) -> tuple[str, ...]:
    """Return the build command. It empties the unit's file before the compiler runs, so nothing can include it."""
    words = [compiler.path, *compiler.flags, "-w", "-pipe"]
    if compiler.first:
        words += ["-Winvalid-pch", "-include", compiler.first]
    words += [str(frame), "-Wl,--wrap=main"] if frame else []
    words += ["-x", compiler.kind, "-", "-x", "none", "-lm", "-o", "program"]
    words += [library for header, library in _LIBRARIES if header in source]
    return ("/bin/sh", "-c", '{ cat unit; rm unit; : > unit; } | "$@"', "sh", *words)


def _readable(compiler: Compiler, frame: Path | None) -> tuple[str, ...]:
    folders = [str(Path(path).parent) for path in (compiler.first, frame) if path]
    return toolchain.outside_system(*folders, str(Path(compiler.path).parent))
