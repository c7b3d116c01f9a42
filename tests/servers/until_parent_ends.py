"""Keeps a server running until the process that started it ends, in whatever way."""

from __future__ import annotations

import os
import select
import sys


def wait_for_parent() -> None:
    """Return when standard input is closed or the parent is gone, killed or not."""
    parent = os.getppid()
    while os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin], [], [], 1.0)
        if readable and not sys.stdin.buffer.read1(1024):
            return
