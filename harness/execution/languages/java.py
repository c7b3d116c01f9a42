"""Java by the JDK's javac and java: candidate and tests in separate files, called by a frame class.

javac starts from a cached archive of its classes, and both run only with the fast compiler: a build takes less than
half the time of a plain `javac`. `public` is removed from the candidate's classes, so that their file may have any
name. `org.javatuples.Pair` is a substitute.

If the prelude declares a signature, the tests call a method with that signature, which calls the candidate's method
and copies its result: collections become those of the library, objects of other classes equal nothing. Names of
`java.lang` and `java.util` mean the library's classes in the tests, whatever the candidate calls its classes.

Guaranteed: `System.exit`, an exit code, a hook, a thread, an uncaught exception or a marker never passes; the secret is
read before a class of the candidate is loaded and is in no file, field or property; no source file of the tests is left
when the program runs. Not guaranteed: candidate and tests share a process; code that targets this harness can search
its memory, read the tests' class file, or replace `System.out`. Without a signature, results are not copied.
"""

from __future__ import annotations

import functools
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from harness.datatypes import Tests
from harness.execution.base import Job
from harness.execution.language import Program
from harness.execution.languages import assembly, forms, toolchain
from harness.execution.languages.assembly import Parts

DEFINITION = (
    r"(?:^|(?<=[{};]))[ \t]*(?:(?:public|private|protected|static|final|synchronized)\s+)*(?:<[^<>{}()]*>\s*)?"
    r"(?!(?:return|new|else|throw)\b)[\w<>\[\], .?&]+\s+NAME\s*\([^{};]*\)\s*(?:throws\s+[\w., ]+)?\{"
)
THREADS = 24
SHAPE = forms.braces(DEFINITION)
ENDINGS = (".java",)
_QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-XX:-UsePerfData")
_MODULE = ("--add-opens", "java.base/java.io=ALL-UNNAMED")
_LANG = (
    "AssertionError", "Boolean", "Byte", "Character", "Double", "Exception", "Float", "Integer", "Iterable", "Long",
    "Math", "Number", "Object", "RuntimeException", "Short", "String", "StringBuilder", "System",
)  # fmt: skip
_UTIL = (
    "ArrayList", "Arrays", "Collection", "Collections", "Comparator", "Deque", "HashMap", "HashSet", "Iterator",
    "LinkedHashMap", "LinkedHashSet", "LinkedList", "List", "Map", "Objects", "Optional", "PriorityQueue", "Queue",
    "Random", "Set", "Stack", "TreeMap", "TreeSet",
)  # fmt: skip
_PRIMITIVE = ("boolean", "byte", "char", "double", "float", "int", "long", "short", "void")
_PUBLIC = re.compile(r"^(\s*)public\s+((?:(?:abstract|final|static)\s+)*(?:class|interface|enum|record)\b)", re.M)
_IMPORT = re.compile(r"^[ \t]*import\s+[\w.*\s]+;", re.M)


class Java:
    """The `Language` of `tests.language: java`."""

    name = "java"

    def missing(self) -> str | None:
        """Whether there are compiler and runtime."""
        installed = toolchain.find("javac") and toolchain.find("java")
        return (
            None
            if installed
            else toolchain.install_hint("a Java development kit (javac, java)", "default-jdk-headless")
        )

    def trial(self) -> Job:
        """Doubles the numbers of a list."""
        prelude = "import java.util.*;\n\nclass Solution {\n    public List<Integer> twice(List<Integer> values) {\n"
        body = "        values.replaceAll(value -> 2 * value);\n        return values;\n    }\n}\n"
        tests = (
            "public class Main {\n    public static void main(String[] args) {\n"
            "        List<Integer> twice = new Solution().twice(new ArrayList<>(Arrays.asList(1, 2)));\n"
            "        if (!twice.equals(Arrays.asList(2, 4))) throw new AssertionError();\n    }\n}\n"
        )
        return Job(body, Tests("java", prelude, tests, "twice"))

    def programs(self, job: Job) -> tuple[Program, ...]:
        """One program for the tests, or one per stdin case. Raises DataError without either."""
        kit = _kit()
        if job.tests.cases:
            source = _without_public(assembly.whole_program(job))
            program = Program(
                command=(*kit.start, "-Xss16m", "-cp", ".", _main_class(source)),
                files=(("Program.java", source.encode()),),
                build=((*kit.compile, "Program.java"),),
                readable=kit.readable,
                reserves=True,
                threads=THREADS,
            )
            return assembly.per_case(program, job.tests)
        files, main = sources(
            assembly.split(forms.normalized(job, SHAPE), DEFINITION), job.tests.tests.lstrip().startswith("}")
        )
        nonce = secrets.token_hex(16)
        program = Program(
            command=(*kit.start, *_MODULE, "-cp", f"{kit.folder}:.", "HarnessFrame", main),
            files=tuple((name, text.encode()) for name, text in files.items()),
            build=((*kit.compile, *files),),
            request=nonce.encode(),
            readable=kit.readable,
            nonce=nonce,
            tests=job.tests.tests,
            reserves=True,
            threads=THREADS,
        )
        return (program,)


def build() -> Java:
    """Return the language."""
    return Java()


def sources(parts: Parts, inside: bool) -> tuple[dict[str, str], str]:
    """Return file -> text, and the class whose main runs the tests.

    `inside`: the tests' text is part of the candidate's class.
    """
    own = _without_public(_candidate(parts, inside))
    signatures = _signatures(parts)
    if not signatures and inside:
        whole = _without_public(parts.head + parts.signature + parts.body + "\n}\n" + parts.tests)
        return {"Candidate.java": whole}, _main_class(whole)
    main, shim = assembly.fresh("Tests"), assembly.fresh("Shim")
    text, home = parts.tests, _home(parts, own)
    # All on one line before the tests, so that their line numbers do not change
    before = " ".join(" ".join(line.split()) for line in _IMPORT.findall(parts.head))
    before += _library(parts) + " "
    methods = " ".join(_method(name, result, declared, thrown) for name, result, declared, thrown in signatures)
    if inside:
        static = re.sub(r"\bpublic (?=\S)", "static ", methods)
        before += f"class {main} {{ static final {home} own = new {home}(); {static} "
    else:
        text = re.sub(r"\b(?:public\s+)?class\s+Main\b", f"public class {main}", text)
        if signatures:
            given = re.search(r"\bclass\s+(\w+)[^{}]*\{[^{}]*\Z", assembly.blanked(parts.head))
            text = re.sub(rf"\b{given.group(1) if given else home}\b", shim, text)
            before += f"class {shim} {{ final {home} own = new {home}(); {methods} }} "
        if main not in text:
            main = _main_class(text)
    return {"Candidate.java": own, f"{main}.java": f"{before}{text}\n"}, main


def _candidate(parts: Parts, inside: bool) -> str:
    """The candidate's program with its class around it."""
    if not parts.whole:
        return assembly.joined(parts) + ("}\n" if inside else "")
    body = re.sub(r"^\s*package\s+[\w.]+\s*;", "", parts.body)
    masked = assembly.blanked(body)
    if re.search(rf"\bclass\s+\w+[^;{{]*\{{(?:.*?)\b{re.escape(parts.entry or '')}\s*\(", masked, re.S):
        return " ".join(_IMPORT.findall(parts.head)) + "\n" + body + "\n"
    imports = "".join(_IMPORT.findall(body))
    return imports + parts.head + _IMPORT.sub("", body) + "\n}\n"


def _home(parts: Parts, own: str) -> str:
    """Return the name of the class that has the entry point."""
    masked = assembly.blanked(own)
    positions = [match.start() for match in re.finditer(DEFINITION.replace("NAME", parts.entry or ""), masked, re.M)]
    names = re.findall(r"\bclass\s+(\w+)", masked[: positions[0]] if positions else masked)
    return names[-1] if names else "Solution"


def _signatures(parts: Parts) -> list[tuple[str, str, str, str]]:
    """Name, result, parameters and `throws` of the prelude's methods; empty if one of them cannot be read."""
    if not parts.signature or not parts.entry:
        return []
    masked = assembly.blanked(parts.head + parts.signature)
    pattern = r"((?:(?:public|static|final)\s+)*)([\w<>\[\], .?&]+?)\s+(\w+)\s*\(([^(){};]*)\)\s*(throws\s+[\w., ]+)?\{"
    signatures = []
    for _, result, name, declared, thrown in re.findall(r"(?:^|(?<=[{};]))[ \t]*" + pattern, masked, re.M):
        if name != parts.entry and not re.search(rf"\b{name}\s*\(", parts.tests):
            continue
        if not all(re.fullmatch(r".+[\s>\]]\w+", text, re.S) for text in assembly.separated(declared)):
            return []
        signatures.append((name, " ".join(result.split()), " ".join(declared.split()), thrown.strip()))
    return signatures if any(name == parts.entry for name, *_ in signatures) else []


def _method(name: str, result: str, declared: str, thrown: str) -> str:
    names = ", ".join(re.findall(r"(\w+)\Z", text)[0] for text in assembly.separated(declared))
    called = f"own.{name}({names})"
    if result == "void":
        body = f"{called};"
    elif result in _PRIMITIVE:
        body = f"return {called};"
    else:
        body = f"return HarnessPlain.<{result}>of({called});"
    return f"public {result} {name}({declared}) {thrown} {{ {body} }}"


def _library(parts: Parts) -> str:
    """Imports by name of the library classes that the tests use: they take precedence over the candidate's classes."""
    used = assembly.identifiers(assembly.blanked(parts.tests)) | assembly.identifiers(parts.signature)
    names = [f"java.lang.{name}" for name in _LANG if name in used]
    names += [f"java.util.{name}" for name in _UTIL if name in used]
    return "".join(f" import {name};" for name in names)


def _without_public(source: str) -> str:
    return _PUBLIC.sub(r"\1\2", source)


def _main_class(source: str) -> str:
    masked = assembly.blanked(source)
    at = masked.find("static void main")
    names = re.findall(r"\bclass\s+(\w+)", masked[:at] if at >= 0 else masked)
    return names[-1] if names else "Main"


@dataclass(frozen=True, slots=True)
class _Kit:
    """The cached build (`folder`: the frame's classes and javac's archive), and the commands."""

    folder: Path
    compile: tuple[str, ...]
    start: tuple[str, ...]
    readable: tuple[str, ...]


@functools.cache
def _kit() -> _Kit:
    compiler = str(Path(toolchain.require("javac")).resolve())
    home = Path(compiler).parent.parent
    runtime = str(home / "bin" / "java")
    sources = {name: toolchain.frame(f"java/{name}.java") for name in ("Pair", "HarnessFrame")}

    def make(folder: Path) -> None:
        for name, text in sources.items():
            (folder / f"{name}.java").write_text(text, encoding="utf-8")
        archive = (f"-J-XX:ArchiveClassesAtExit={folder}/javac.jsa", "-J-XX:+UseSerialGC", "-J-Xlog:disable")
        files = [str(folder / f"{name}.java") for name in sources]
        toolchain.output_of(compiler, *archive, "-proc:none", "-d", str(folder), *files)
        # On the class path they would count as classes without a package
        for file in files:
            Path(file).unlink()

    version = (toolchain.stamp(compiler), toolchain.stamp(str(home / "lib" / "modules")))
    folder = toolchain.cached_build("java", (*version, "classes", *sources.values()), make)
    quick = [
        f"-J{flag}" for flag in (*_QUICK, f"-XX:SharedArchiveFile={folder}/javac.jsa", "-Xlog:disable", "-Xmx512m")
    ]
    words = (compiler, *quick, "-proc:none", "-nowarn", "-encoding", "UTF-8", "-cp", f"{folder}:.", "-d", ".")
    start = (runtime, *_QUICK, "-Xmx640m", "-ea")
    return _Kit(folder, words, start, toolchain.outside_system(str(folder), str(home), *_settings(home)))


def _settings(home: Path) -> set[str]:
    """Folders outside of the kit that its links lead to: Debian keeps its settings in /etc."""
    links = [path for part in ("conf", "lib") for path in (home / part).rglob("*") if path.is_symlink()]
    links += [path for path in (home / "conf", home / "lib") if path.is_symlink()]
    targets = {path.resolve() for path in links}
    return {str(Path(*target.parts[:3])) for target in targets if target.parts[:2] == ("/", "etc")}
