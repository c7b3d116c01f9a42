"""Rust by rustc (edition 2021, without `-O`): candidate and tests in one crate, linked with the frame of C and C++.

The tests are in a separate module that uses only named functions of the candidate. If the prelude declares a
signature, they call a function with that signature, which calls the candidate's, so the candidate's own types never
reach the tests. `assert_eq!` and the like are written as `::std::assert_eq!`, because a macro of the candidate could
shadow them.

Guaranteed: as in `native.py` (no exit code, marker, `process::exit`, abort or panic passes; the secret is read before
any code of the candidate runs and is in no file; no `include_str!` finds the tests). Not guaranteed: candidate and
tests share a process; `unsafe` code that targets this harness can search its memory. A panic hook of the candidate
makes a failed test look like an error. Only the standard library is available; `use` lines of the prelude that name
another crate are removed.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import replace
from pathlib import Path

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, native, toolchain
from harness.execution.languages.assembly import Parts

DEFINITION = r"^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|unsafe\s+)*fn\s+NAME\s*(?:<[^{};]*>)?\s*\([^;{}]*\)[^;{}]*\{"
_USE = re.compile(r"^[ \t]*use\s+[^;]+;", re.M)
# Names that the tests never take from the candidate
_PRELUDE = (
    "Box", "Clone", "Copy", "Default", "Drop", "Eq", "Err", "None", "Ok", "Option", "Ord", "PartialEq", "Result",
    "Some", "String", "ToString", "Vec", "bool", "char", "f32", "f64", "i32", "i64", "isize", "str", "u32", "u64",
    "u8", "usize", "std",
)  # fmt: skip
_MACROS = (
    "assert", "assert_eq", "assert_ne", "debug_assert", "vec", "panic", "format", "println", "print", "matches",
    "unreachable", "write", "eprintln",
)  # fmt: skip
_START = """
extern "C" {{ fn harness_failed(line: u64); fn harness_error(kind: *const u8, message: *const u8); }}
fn main() {{
    static LINE: ::std::sync::atomic::AtomicU32 = ::std::sync::atomic::AtomicU32::new(0);
    let previous = ::std::panic::take_hook();
    ::std::panic::set_hook(::std::boxed::Box::new(move |panic| {{
        if let ::std::option::Option::Some(place) = panic.location() {{
            LINE.store(place.line(), ::std::sync::atomic::Ordering::SeqCst);
        }}
        previous(panic);
    }}));
    if let ::std::result::Result::Err(panic) = ::std::panic::catch_unwind({tests}::main) {{
        let line = LINE.load(::std::sync::atomic::Ordering::SeqCst) as u64;
        let text = if let ::std::option::Option::Some(text) = panic.downcast_ref::<&str>() {{
            (*text).as_bytes().to_vec()
        }} else if let ::std::option::Option::Some(text) = panic.downcast_ref::<::std::string::String>() {{
            text.as_bytes().to_vec()
        }} else {{ ::std::vec::Vec::new() }};
        let mut message: ::std::vec::Vec<u8> = text;
        message.push(0);
        unsafe {{
            if line >= {first} && line < {last} {{ harness_failed(line - {first} + 1); }}
            harness_error(b"panic\\0".as_ptr(), message.as_ptr());
        }}
    }}
}}
"""


SHAPE = forms.braces(DEFINITION)
ENDINGS = (".rs",)


class Rust:
    """The `Language` of `tests.language: rust`."""

    name = "rust"

    def missing(self) -> str | None:
        """Whether there is a compiler, and the C compiler that it links with."""
        if not toolchain.find("rustc"):
            return toolchain.install_hint("the Rust compiler (rustc)", "rustc")
        return (
            None
            if toolchain.find("cc", "gcc")
            else toolchain.install_hint("a C compiler, which Rust links with", "gcc")
        )

    def trial(self) -> Job:
        """Doubles the numbers of a vector."""
        prelude = "fn twice(values: Vec<i32>) -> Vec<i32> {\n"
        body = "    values.iter().map(|value| 2 * value).collect()\n}\n"
        return Job(body, Tests("rust", prelude, "fn main() { assert_eq!(twice(vec![1, 2]), vec![2, 4]); }\n", "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        tests, compiler = job.tests, native.framed(toolchain.require("cc", "gcc"))
        if tests.cases:
            return assembly.per_case(_program(assembly.whole_program(job), None), tests)
        nonce = secrets.token_hex(16)
        source = crate(
            assembly.with_helpers(assembly.split(forms.normalized(job, SHAPE), DEFINITION), DEFINITION, _USE.pattern)
        )
        return (replace(_program(source, compiler), request=nonce.encode(), nonce=nonce, tests=tests.tests),)


def build() -> Rust:
    """Return the language."""
    return Rust()


def crate(parts: Parts) -> str:
    """Return the text of the crate with candidate and tests."""
    # Attributes of the crate must stay first; the candidate's main is renamed, the tests have their own
    own = _renamed_main(_candidate(parts), assembly.fresh("main"))
    module = assembly.fresh("tests")
    tests = re.sub(rf"(?<![\w:])({'|'.join(_MACROS)})!", r"::std::\1!", _as_main(parts.tests))
    shim = _shim(parts)
    seen = ["use super::*;"]
    if shim is not None:
        leaves = _leaves(parts.head)
        used = assembly.identifiers(assembly.blanked(parts.tests)) | assembly.identifiers(parts.signature)
        theirs = (used & _items(own)) - {parts.entry, *leaves, *_PRELUDE}
        seen = [f"use {path};" for path in leaves.values()] + [f"use super::{name};" for name in sorted(theirs)]
    top = " ".join(("#[allow(unused)]", f"mod {module} {{", *seen, shim or ""))
    first = own.count("\n") + 2
    end = _START.format(tests=module, first=first, last=first + tests.count("\n") + 1)
    return f"{own}{top}\n{tests}\n}}\n{end}"


def _candidate(parts: Parts) -> str:
    """The candidate's program; a whole program gets the `use` lines of the prelude that it needs."""
    leaves = _leaves(parts.head)
    if not parts.whole:
        head = re.sub(_USE, lambda match: "\n" * match.group().count("\n"), parts.head)
        text = assembly.joined(replace(parts, head=head))
    else:
        text = assembly.joined(parts)
    masked = assembly.blanked(text)
    bound = set().union(*(assembly.identifiers(line) for line in re.findall(_USE, masked)), _items(masked))
    needed = [f"use {path};" for name, path in leaves.items() if name in assembly.identifiers(masked) - bound]
    if not parts.whole:
        return " ".join(needed) + text
    attributes = re.match(r"(?:\s*#!\[[^\]]*\])*", masked)
    at = attributes.end() if attributes else 0
    return text[:at] + " ".join(needed) + text[at:]


def _program(source: str, frame: Path | None) -> Program:
    compiler = toolchain.require("rustc")
    root = toolchain.output_of(compiler, "--print", "sysroot").strip()
    words = [f"{root}/bin/rustc", "--edition=2021", "-Awarnings", "--crate-name=program", "-Cdebuginfo=0"]
    words += ["-Ccodegen-units=1", "-Cstrip=symbols", "-o", "program"]
    if frame:
        words += [f"-Clink-arg={frame}", "-Clink-arg=-Wl,--wrap=main"]
    command = ("/bin/sh", "-c", '{ cat unit; rm unit; : > unit; } | "$@" -', "sh", *words)
    return Program(
        command=("./program",),
        files=(("unit", source.encode()),),
        build=(command,),
        readable=toolchain.outside_system(root, str(frame.parent) if frame else ""),
        environment=(("PATH", "/usr/bin:/bin"),),
    )


def _renamed_main(source: str, name: str) -> str:
    masked = assembly.blanked(source)
    pieces, done = [], 0
    for match in re.finditer(r"\bfn\s+(main)\s*\(\s*\)", masked):
        if masked.count("{", 0, match.start()) == masked.count("}", 0, match.start()):
            pieces += [source[done : match.start(1)], name]
            done = match.end(1)
    return "".join((*pieces, source[done:]))


def _leaves(head: str) -> dict[str, str]:
    """Name -> absolute path of what the prelude's `use` lines import from the standard library."""
    paths: dict[str, str] = {}
    for text in re.findall(_USE, assembly.blanked(head)):
        tree = "".join(text.strip().removeprefix("use").strip().rstrip(";").split())
        if re.match(r"(?:::)?(?:std|core|alloc)\b", tree) and " as " not in text:
            _flatten("", tree, paths)
    return paths


def _flatten(before: str, tree: str, paths: dict[str, str]) -> None:
    path, brace, inside = tree.partition("{")
    if brace:
        for piece in assembly.separated(inside.rpartition("}")[0]):
            _flatten(before + path, piece, paths)
        return
    whole = (before + path).removesuffix("::self")
    paths[whole.rpartition("::")[2]] = "::" + whole.removeprefix("::")


def _items(source: str) -> set[str]:
    """Names of the functions and types that a crate defines."""
    kinds = r"^[ \t]*(?:pub(?:\([^)]*\))?\s+)?(?:const\s+|unsafe\s+)*(?:fn|struct|enum|type|const|static|trait)\s+(\w+)"
    return set(re.findall(kinds, assembly.blanked(source), re.M))


def _shim(parts: Parts) -> str | None:
    """A function with the prelude's signature that calls the candidate's; None if the signature cannot be read."""
    if not parts.signature or not parts.entry:
        return None
    masked = " ".join(assembly.blanked(parts.signature).split())
    match = re.search(rf"\bfn\s+{re.escape(parts.entry)}\s*(<[^()]*>)?\s*\(", masked)
    end = assembly.bracketed(masked, match.end() - 1) if match else None
    if match is None or end is None:
        return None
    names, declared = [], []
    for text in assembly.separated(masked[match.end() : end]):
        name, colon, kind = text.partition(":")
        plain = name.strip().removeprefix("mut ").strip()
        if not colon or not plain.isidentifier():
            return None
        names.append(plain)
        declared.append(f"{plain}: {kind.strip()}")
    result = masked[end + 1 :].rstrip().removesuffix("{")
    called = f"super::{parts.entry}({', '.join(names)})"
    return f"fn {parts.entry}{match.group(1) or ''}({', '.join(declared)}){result} {{ {called} }}"


def _as_main(tests: str) -> str:
    """Turn a module of `#[test]` functions into a `main` that calls them in turn; keep a `main` as it is."""
    if "#[test]" not in tests:
        return re.sub(r"\bfn\s+main\b", "pub fn main", tests, count=1)
    names = re.findall(r"#\[test\]\s*(?:#\[[^\]]*\]\s*)*(?:pub\s+)?fn\s+(\w+)", tests)
    text = re.sub(r"#\[(?:cfg\(test\)|test)\]", "", tests)
    module = re.search(r"\bmod\s+(\w+)\s*\{", text)
    inside = f"{module.group(1)}::" if module else ""
    text = re.sub(rf"(#\[test\]\s*)?\bfn\s+({'|'.join(names) or '-'})\b", r"pub fn \2", text)
    return f"{text} pub fn main() {{ {' '.join(f'{inside}{name}();' for name in names)} }}"
