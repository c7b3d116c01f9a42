"""Python's own syntax trees, made and compiled by one thread at a time.

CPython 3.11 counts the depth of trees under way once for all threads; two that cross raise a SystemError about it
(python/cpython issue 106905). Every tree of the harness that may be made beside another one is made here.
"""

from __future__ import annotations

import ast
import threading
from types import CodeType

_ALONE = threading.Lock()


def parse(source: str) -> ast.Module:
    """Return the tree of a module. Raises what `ast.parse` raises."""
    with _ALONE:
        return ast.parse(source)


def compiled(tree: ast.Module, file: str) -> CodeType:
    """Return the code of a tree, apart from this module's own `__future__`. Raises what `compile` raises."""
    with _ALONE:
        return compile(tree, file, "exec", dont_inherit=True)
