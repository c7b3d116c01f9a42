"""Parses and compiles Python syntax trees, one thread at a time.

CPython 3.11 keeps one counter of the recursion depth for all threads; two threads that build trees at the same time
raise a SystemError (python/cpython issue 106905). Code of the harness that may run in several threads uses this
module instead of `ast.parse`.
"""

from __future__ import annotations

import ast
import threading
from types import CodeType

_LOCK = threading.Lock()


def parse(source: str) -> ast.Module:
    """Return the tree of a module. Raises what `ast.parse` raises."""
    with _LOCK:
        return ast.parse(source)


def compile_tree(tree: ast.Module, file: str) -> CodeType:
    """Return the code of a tree, without this module's `__future__` imports. Raises what `compile` raises."""
    with _LOCK:
        return compile(tree, file, "exec", dont_inherit=True)
