"""The architecture, checked: layers, plug-in boundaries, the core's size, types, names, and early imports."""

from __future__ import annotations

import ast
import functools
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from files import REPO

LIBRARY = REPO / "harness"
FILES = sorted(path for path in LIBRARY.rglob("*.py") if "_pages" not in path.parts)
# Each package may import only packages of lower layers, and itself
LAYERS = [
    {"datatypes", "errors", "privacy", "reasoning", "results", "stats"},
    {"plugins", "config", "store", "hub", "ray_cluster"},
    {"data", "prompts", "engines", "execution", "analysis"},
    {"scoring", "report", "comparison", "samples", "sharding", "perturb"},
    {"catalog", "page_scorers", "metrics", "cost", "leaderboard"},
    {"streaming", "held_answers", "toolchains"},
    {"plan", "validate", "repeat_check", "guide", "export"},
    {"run", "preview", "models", "recorded_verdicts", "importing"},
    {"claims", "publish", "rescore", "merging", "probes"},
    {"html_report", "planning"},
    {"cli"},
]
LAYER = {package: number for number, packages in enumerate(LAYERS) for package in packages}
# The public API and `python -m harness` import what they need when they are called
ENTRY = {"__init__", "__main__"}
# Packages whose files are plug-ins: they share an interface and must not import each other
PLUGIN_PACKAGES = [
    "engines",
    "scoring",
    "scoring/extractors",
    "analysis/metrics",
    "execution/sandboxes",
    "export",
    "execution/languages",
    "perturb",
]
# Where any exception may be caught: scoring one sample, the edge of the command line, a page's own Python, and that of
# a page that is imported
BROAD_EXCEPT = {"scoring/base.py", "cli/main.py", "data/page_code.py", "importing/lm_eval_code.py"}
# The way of one sample outside the engine (docs/architecture.md lists the files)
MOST_CORE_FILES = 13
MOST_CORE_LINES = 6000


def package(path: Path) -> str:
    """The package or top-level module that a file belongs to."""
    return path.relative_to(LIBRARY).parts[0].removesuffix(".py")


def name(path: Path) -> str:
    """A file's path inside the library."""
    return str(path.relative_to(LIBRARY))


@functools.cache
def trees() -> list[tuple[Path, ast.Module]]:
    """Every file, parsed."""
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


def imports(tree: ast.Module) -> set[str]:
    """Modules of the library that a file imports, anywhere in it, for its types alone too."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {module for module in found if module == "harness" or module.startswith("harness.")}


def upward_imports(path: Path, tree: ast.Module) -> list[str]:
    """Imports of a file that go to its own layer or a higher one."""
    here = package(path)
    if here in ENTRY:
        return []
    assert here in LAYER, f"{name(path)} is in no layer"
    wrong = []
    for module in imports(tree):
        parts = module.split(".")
        if len(parts) < 2 or parts[1] == here or parts[1] not in LAYER:
            continue
        if LAYER[parts[1]] >= LAYER[here]:
            wrong.append(f"{name(path)} -> {module}")
    return wrong


def broad_handlers(tree: ast.Module) -> list[int]:
    """Lines of handlers that catch everything, alone or in a tuple, unless they only clean up and raise it again."""
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {ast.unparse(kind).removeprefix("builtins.") if kind else "" for kind in kinds}
            raised_again = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
            if names & {"", "Exception", "BaseException"} and not raised_again:
                lines.append(node.lineno)
    return lines


def mutable_state(tree: ast.Module) -> Iterator[str]:
    """Module-level names that hold something that can be filled, and `global` statements."""
    literals = ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp | ast.SetComp
    makers = {"list", "dict", "set", "defaultdict", "deque", "Counter", "OrderedDict", "bytearray"}
    for node in tree.body:
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        value = node.value
        called = isinstance(value, ast.Call) and ast.unparse(value.func).rpartition(".")[2] in makers
        if not (called or isinstance(value, literals)):
            continue
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if not isinstance(target, ast.Name) or target.id == "__all__":
                continue
            # Upper case is a constant, unless it is made empty: then something fills it later
            empty = isinstance(value, ast.Call) and not (value.args or value.keywords)
            if empty or not target.id.strip("_").isupper():
                yield target.id
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            yield f"global {', '.join(node.names)}"


def test_imports_only_go_down_the_layers():
    assert not [wrong for path, tree in trees() for wrong in upward_imports(path, tree)]


def test_no_circle_of_imports():
    modules = {"harness." + name(p).removesuffix(".py").replace("/", ".").removesuffix(".__init__"): p for p in FILES}
    arrows = {m: {i for i in imports(ast.parse(p.read_text())) if i in modules and i != m} for m, p in modules.items()}
    done: set[str] = set()

    def visit(module: str, way: tuple[str, ...]) -> None:
        assert module not in way, " -> ".join((*way, module))
        if module not in done:
            for other in arrows[module]:
                visit(other, (*way, module))
            done.add(module)

    for module in modules:
        visit(module, ())


@pytest.mark.parametrize(
    ("where", "source", "caught"),
    [
        ("scoring/seeded.py", "try:\n    pass\nexcept (Exception, ValueError):\n    x = 1\n", "handler"),
        ("scoring/seeded.py", "import builtins\ntry:\n    pass\nexcept builtins.Exception:\n    x = 1\n", "handler"),
        (
            "datatypes.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from harness.run import Result\n",
            "import",
        ),
        ("scoring/seeded.py", "seen = dict()\n", "state"),
        ("scoring/seeded.py", "SEEN = list()\n", "state"),
        ("scoring/seeded.py", "from collections import defaultdict\nseen = defaultdict(list)\n", "state"),
    ],
)
def test_the_checks_catch_what_they_are_for(where, source, caught):
    tree = ast.parse(source)
    kinds = {
        "handler": bool(broad_handlers(tree)),
        "import": bool(upward_imports(LIBRARY / where, tree)),
        "state": bool(list(mutable_state(tree))),
    }
    assert [kind for kind, seen in kinds.items() if seen] == [caught]


@pytest.mark.parametrize("where", PLUGIN_PACKAGES)
def test_plug_ins_do_not_import_each_other(where):
    from harness import plugins

    path = LIBRARY / where
    kinds = {module.replace("harness.", "").replace(".", "/"): kind for kind, module in plugins.PACKAGES.items()}
    peers = set(plugins.names(kinds[where]))
    assert peers, f"{where} has no plug-in"
    for file in path.glob("*.py"):
        if file.stem in peers:
            dotted = "harness." + where.replace("/", ".")
            known = {m.removeprefix(dotted + ".").split(".")[0] for m in imports(ast.parse(file.read_text()))}
            assert not known & (peers - {file.stem}), file


def engine_words() -> tuple[set[str], set[str]]:
    """Names of the engines, and those of their options that change only the pace."""
    from harness import plugins
    from harness.engines.local.engine import LocalEngine
    from harness.engines.reference import ReferenceEngine

    # "reference" is a key of task pages too
    return set(plugins.names("engine")) - {"reference"}, set(LocalEngine.paced_by | ReferenceEngine.paced_by)


def test_no_package_but_engines_names_an_engine():
    """An engine's name or option outside `engines/` is a special case that a third party's engine cannot have."""
    engines, options = engine_words()
    mentioned = re.compile(rf"\bengines? (?:{'|'.join(sorted(engines | {'reference'}))})\b")
    wrong = []
    for path, tree in trees():
        if package(path) == "engines":
            continue
        documented = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
        # Attention kinds are called local too, and so does Ray call a cluster of one machine
        other = package(path) in ("models", "ray_cluster")
        # Levels of an inspected model are in the documents of `models`
        known = options - ({"level"} if package(path) in ("models", "report", "cli") else set())
        for node in ast.walk(tree):
            named = isinstance(node, ast.Constant) and node.value in engines and not other
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= node.value in known
                named |= mentioned.search(node.value) is not None
            if named and id(node) not in documented:
                wrong.append(f"{name(path)}:{node.lineno}: {node.value!r}")
            if isinstance(node, ast.ImportFrom) and node.module:
                parts = node.module.split(".")
                if parts[:2] == ["harness", "engines"] and len(parts) > 2 and parts[2] in engines:
                    wrong.append(f"{name(path)}:{node.lineno}: imports {node.module}")
    assert not wrong, wrong


def _has_docstring(node: ast.AST) -> bool:
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return isinstance(node, kinds) and ast.get_docstring(node) is not None


def core() -> list[str]:
    """The files of the core, in the reading order of docs/architecture.md."""
    text = (REPO / "docs" / "architecture.md").read_text(encoding="utf-8")
    return re.findall(r"^\d+\. `harness/([\w/]+\.py)`", text, flags=re.MULTILINE)


def test_the_core_can_be_read_in_an_afternoon():
    files = core()
    assert 0 < len(files) <= MOST_CORE_FILES, files
    lines = sum(len((LIBRARY / file).read_text(encoding="utf-8").splitlines()) for file in files)
    assert lines <= MOST_CORE_LINES


# Prints the files of the library that a run enters while it binds, and from the stream's start to the first append
TRACE = """
import os, sys, threading
import harness
root = os.path.dirname(harness.__file__) + os.sep
entered, begun = set(), []

def profile(frame, event, argument):
    # The clock of the status line is no part of the way of a sample
    if threading.current_thread().name == "progress":
        return
    if not frame.f_code.co_filename.startswith(root):
        return
    place = frame.f_code.co_filename.removeprefix(root), frame.f_code.co_name
    if event == "call":
        if place in (("catalog/binder.py", "bind"), ("streaming.py", "stream")):
            begun.append(place)
        if begun:
            entered.add(place[0])
    elif event == "return" and place in (("catalog/binder.py", "bind"), ("store/journal.py", "append")):
        begun.clear()

sys.argv = ["harness", "run", "--tasks", "demo_math", "--limit", "1", "--out", sys.argv[1]]
from harness.cli.main import main
threading.setprofile(profile)
sys.setprofile(profile)
try:
    main()
finally:
    sys.setprofile(None)
    print("@@", *sorted(entered))
"""


@pytest.mark.slow
def test_one_sample_passes_the_files_of_the_core_and_no_others(tmp_path):
    command = [sys.executable, "-c", TRACE, str(tmp_path / "run")]
    seen = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert "@@" in seen.stdout, seen.stderr
    entered = {file for file in seen.stdout.rpartition("@@")[2].split() if not file.startswith("engines/")}
    assert entered == set(core())


def test_no_file_for_odds_and_ends():
    odd = {"utils.py", "common.py", "helpers.py", "misc.py", "util.py"}
    assert not [name(path) for path in FILES if path.name in odd]


def test_everything_is_caught_only_where_it_must_be():
    assert {name(path) for path, tree in trees() if broad_handlers(tree)} <= BROAD_EXCEPT


def test_modules_keep_no_state():
    assert not [f"{name(path)}: {what}" for path, tree in trees() for what in mutable_state(tree)]


def test_every_module_says_what_it_is_for():
    assert not [name(path) for path, tree in trees() if not ast.get_docstring(tree) and path.stat().st_size]


def imported_by(*words: str) -> set[str]:
    """Modules in memory at the end of a command."""
    code = (
        "import sys\nsys.argv = ['harness', *sys.argv[1:]]\n"
        "import atexit; atexit.register(lambda: print('\\n@@', ' '.join(sys.modules)))\n"
        "from harness.cli.main import main\nmain()\n"
    )
    seen = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    return set(seen.stdout.rpartition("@@")[2].split())


HEAVY = {"torch", "transformers", "datasets", "evaluate", "math_verify", "scipy", "numpy", "pandas", "rich"}


@pytest.mark.parametrize("words", [("--help",), ("run", "--help"), ("tasks", "--help")])
def test_help_imports_nothing_heavy(words):
    loaded = imported_by(*words)
    assert "typer" in loaded
    assert not loaded & HEAVY, loaded & HEAVY


def test_listing_and_validating_pages_imports_no_model_library():
    for words in (("tasks", "list"), ("tasks", "validate", "--no-data")):
        loaded = imported_by(*words)
        assert "ruamel.yaml" in loaded
        assert not loaded & {"torch", "transformers", "datasets", "evaluate", "math_verify"}, words


def test_importing_the_library_is_free():
    code = "import sys, harness; print(' '.join(sys.modules))"
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not set(seen.stdout.split()) & (HEAVY | {"typer"})


def test_the_readme_lists_the_library_as_it_is():
    """Every package and module of the top level is in the README's map, and nothing else is."""
    text = (REPO / "README.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^ {2}([a-z_]+(?:/|\.py)) ", text, flags=re.MULTILINE))
    ignored = {"__pycache__", "_pages", "__init__.py", "__main__.py", "py.typed"}
    real = {p.name + ("/" if p.is_dir() else "") for p in LIBRARY.iterdir() if p.name not in ignored}
    assert listed == real, listed ^ real


def test_every_dependency_has_its_reason():
    text = (REPO / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    for dependency in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        lines = [line for line in text.splitlines() if f'"{dependency}"' in line]
        if dependency.split(">")[0] not in ("pytest", "ruff", "mypy"):
            assert any("#" in line for line in lines), dependency


def test_no_path_of_a_machine_is_in_the_repository():
    home = str(REPO.parent)
    # A checkout may lie in a folder that every machine has
    suspicious = [path for path in (home + os.sep, str(Path.home()) + os.sep) if path != "/tmp/"]
    tracked = subprocess.run(["git", "ls-files"], cwd=REPO, capture_output=True, text=True, check=True).stdout.split()
    for file in tracked:
        path = REPO / file
        if (
            path.is_file()
            and path.suffix in {".py", ".md", ".yaml", ".toml", ".json", ""}
            and path.stat().st_size < 1e6
        ):
            content = path.read_text(encoding="utf-8", errors="ignore")
            assert not [s for s in suspicious if len(s) > 2 and s in content], file
