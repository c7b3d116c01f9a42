"""docs/statistics.md names every method and test that the program can print, and every metric."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from files import REPO

from harness import plugins
from harness.guide.plug_ins import written

TEXT = (REPO / "docs" / "statistics.md").read_text(encoding="utf-8")
NAMES = set(re.findall(r"`([^`]+)`", TEXT))
# Where estimates, comparisons and evidence are made; a name is set by keyword, to a variable, or as a constant
PLACES = ("stats", "analysis", "claims")


def texts(node: ast.AST, constants: dict[str, ast.AST]) -> Iterator[str]:
    """The texts that an expression may be; a name is that of a constant."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.Name) and node.id in constants:
        yield from texts(constants[node.id], {})
    elif isinstance(node, ast.IfExp):
        yield from texts(node.body, constants)
        yield from texts(node.orelse, constants)
    elif isinstance(node, ast.Tuple):
        for one in node.elts:
            yield from texts(one, constants)


def printed() -> dict[str, str]:
    """Each name that is set as a method or a test, with a file that does."""
    found: dict[str, str] = {}
    for package in PLACES:
        for path in sorted((REPO / "harness" / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            constants: dict[str, ast.AST] = {
                target.id: node.value
                for node in tree.body
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for node in ast.walk(tree):
                given: list[ast.AST] = []
                if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Attribute)):
                    # Not numpy's, whose `method` is another
                    given = [one.value for one in node.keywords if one.arg in ("method", "test")]
                elif isinstance(node, ast.Assign):
                    names = [one.id for one in ast.walk(node.targets[0]) if isinstance(one, ast.Name)]
                    given = [node.value] if "method" in names or "test" in names else []
                if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                    # From the end, since bounds are often given as one starred argument
                    place = {"MeanInterval": -1, "Scored": -2, "_scored": -1, "Differed": -2}.get(node.func.id)
                    given += [node.args[place]] if place is not None and len(node.args) >= -place else []
                for one in given:
                    found |= {text: str(path) for text in texts(one, constants) if text}
    return found


def test_every_method_and_test_is_described() -> None:
    names = printed()
    # The search finds what is known to be there
    assert {"wilson", "t", "clustered", "bonett_price", "Clopper-Pearson", "all items", "calibration"} <= set(names)
    # Made of parts, or returned beside a p-value
    composed = ("mcnemar", "sign_flip", "weighted by size", "macro, same samples", "paired, t", "paired, clustered")
    names |= dict.fromkeys(composed, "a composed name")
    missing = {name: path for name, path in names.items() if name not in NAMES}
    assert not missing, f"docs/statistics.md does not describe {missing}"


def test_every_metric_is_described() -> None:
    spelt = {"g_pass@k": "g_pass@k_t"}
    names = [written(name) for name in plugins.names("metric")]
    assert not [name for name in names if spelt.get(name, name) not in NAMES]


def test_every_module_that_it_names_exists() -> None:
    modules = [name for name in NAMES if re.fullmatch(r"(?:stats|analysis|claims|cost)/\w+\.py", name)]
    assert len(modules) > 12
    assert not [name for name in modules if not (REPO / "harness" / name).is_file()]


def test_the_contents_lead_to_every_section() -> None:
    headings = re.findall(r"(?m)^## (.+)$", TEXT)
    links = re.findall(r"(?m)^\d+\. \[(.+)\]\(#(.+)\)$", TEXT)
    assert [title for title, _ in links] == headings
    assert [anchor for _, anchor in links] == [
        re.sub(r"[^\w -]", "", one.lower()).replace(" ", "-") for one in headings
    ]
