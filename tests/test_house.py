"""The habits of the house, held by tests: floors, sizes, types, names, and what may not be imported too early."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from files import REPO

HOUSE = REPO / "harness"
FILES = sorted(path for path in HOUSE.rglob("*.py") if "_pages" not in path.parts)
# Each floor may import only the floors below it (and its own room)
FLOORS = [
    {"datatypes", "errors", "reasoning"},
    {"plugins", "config", "store", "report", "hub"},
    {"data", "prompts", "engines", "execution", "analysis"},
    {"scoring"},
    {"catalog", "metrics"},
    {"plan"},
    {"run", "validate", "preview", "inspect_model", "comparison", "recorded_verdicts"},
    {"publish", "claims", "rescore"},
    {"cli"},
]
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
# The way in: they import what they need when they are called
DOORS = {"__init__", "__main__"}
# Scripts that stand outside the house: nothing imports them
OUTSIDE = {"demo"}
# Rooms whose files are plug-ins and must not import each other
PLUGIN_ROOMS = [
    "engines",
    "scoring",
    "scoring/extractors",
    "analysis/metrics",
    "execution/sandboxes",
    "execution/languages",
]
MOST_LINES = 350
MOST_LINES_OF_A_FUNCTION = 60
MOST_PARAMETERS = 6
# Where everything may be caught: scoring one sample, the edge of the command line, a page's own Python and templates
BROAD_EXCEPT = {"run.py", "cli/main.py", "data/page_code.py", "prompts/bounded.py", "scoring/golds.py"}


def room(path: Path) -> str:
    """The room that a file stands in."""
    first = path.relative_to(HOUSE).parts[0]
    return first.removesuffix(".py")


def name(path: Path) -> str:
    """A file as the house calls it."""
    return str(path.relative_to(HOUSE))


def trees() -> list[tuple[Path, ast.Module]]:
    """Every file, parsed."""
    return [(path, ast.parse(path.read_text(encoding="utf-8"))) for path in FILES]


def imports(tree: ast.Module) -> set[str]:
    """Modules of the house that a file imports, anywhere in it but under TYPE_CHECKING."""
    found: set[str] = set()
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            skipped.update(id(inner) for inner in ast.walk(node))
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return {module for module in found if module == "harness" or module.startswith("harness.")}


def test_imports_only_run_down():
    wrong = []
    for path, tree in trees():
        here = room(path)
        if here in DOORS | OUTSIDE:
            continue
        assert here in FLOOR, f"{name(path)} stands on no floor"
        for module in imports(tree):
            parts = module.split(".")
            if len(parts) < 2 or parts[1] == here or parts[1] not in FLOOR:
                continue
            if FLOOR[parts[1]] >= FLOOR[here]:
                wrong.append(f"{name(path)} -> {module}")
    assert not wrong, wrong


def test_nothing_imports_what_stands_outside():
    for path, tree in trees():
        if room(path) not in OUTSIDE:
            assert not [m for m in imports(tree) if m.split(".")[1:2] and m.split(".")[1] in OUTSIDE], name(path)


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


@pytest.mark.parametrize("where", PLUGIN_ROOMS)
def test_plug_ins_do_not_know_each_other(where):
    from harness import plugins

    path = HOUSE / where
    kinds = {module.replace("harness.", "").replace(".", "/"): kind for kind, module in plugins.ROOMS.items()}
    peers = set(plugins.names(kinds[where]))
    assert peers, f"{where} has no plug-in"
    for file in path.glob("*.py"):
        if file.stem in peers:
            dotted = "harness." + where.replace("/", ".")
            known = {m.removeprefix(dotted + ".").split(".")[0] for m in imports(ast.parse(file.read_text()))}
            assert not known & (peers - {file.stem}), file


def test_files_and_functions_are_short_enough_to_read():
    wrong = []
    for path, tree in trees():
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MOST_LINES:
            wrong.append(f"{name(path)}: {lines} lines")
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > MOST_LINES_OF_A_FUNCTION:
                    wrong.append(f"{name(path)}:{node.lineno} {node.name}: {length} lines")
    assert not wrong, wrong


def test_functions_take_few_parameters():
    """The command line's words and the API's are parameters; everything else groups them in a type."""
    wrong = []
    for path, tree in trees():
        if room(path) == "cli" or room(path) in DOORS:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                arguments = [a.arg for a in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]
                count = len([a for a in arguments if a not in ("self", "cls")])
                if count > MOST_PARAMETERS:
                    wrong.append(f"{name(path)}:{node.lineno} {node.name}: {count} parameters")
    assert not wrong, wrong


def test_no_drawer_for_odds_and_ends():
    odd = {"utils.py", "common.py", "helpers.py", "misc.py", "util.py"}
    assert not [name(path) for path in FILES if path.name in odd]


def test_everything_is_caught_only_where_it_must_be():
    found = set()
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler):
                kinds = ast.unparse(node.type) if node.type else ""
                rethrown = any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node))
                if kinds in ("", "Exception", "BaseException") and not (kinds == "BaseException" and rethrown):
                    found.add(name(path))
    assert found <= BROAD_EXCEPT, found


def test_modules_keep_no_state():
    """No module-level list, dict or set that somebody fills: constants are upper case, tuples or frozen."""
    wrong = []
    for path, tree in trees():
        if room(path) in OUTSIDE:
            continue
        for node in tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                for target in targets:
                    holds = isinstance(target, ast.Name) and isinstance(node.value, ast.List | ast.Dict | ast.Set)
                    if holds and not target.id.strip("_").isupper() and target.id != "__all__":
                        wrong.append(f"{name(path)}: {target.id}")
        for node in ast.walk(tree):
            if isinstance(node, ast.Global):
                wrong.append(f"{name(path)}: global {', '.join(node.names)}")
    assert not wrong, wrong


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


def test_the_readme_draws_the_house_as_it_is():
    """Every room and file of the top level stands in the README's map, and nothing that is not there does."""
    text = (REPO / "README.md").read_text(encoding="utf-8")
    drawn = set(re.findall(r"^ {2}([a-z_]+(?:/|\.py)) ", text, flags=re.MULTILINE))
    ignored = {"__pycache__", "_pages", "__init__.py", "__main__.py", "py.typed"}
    real = {p.name + ("/" if p.is_dir() else "") for p in HOUSE.iterdir() if p.name not in ignored}
    assert drawn == real, drawn ^ real


def test_every_dependency_has_its_reason():
    text = (REPO / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    for dependency in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        lines = [line for line in text.splitlines() if f'"{dependency}"' in line]
        if dependency.split(">")[0] not in ("pytest", "ruff", "mypy"):
            assert any("#" in line for line in lines), dependency


def test_no_path_of_a_machine_is_in_the_repository():
    home = str(REPO.parent)
    # A checkout may stand in a folder that every machine has
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
