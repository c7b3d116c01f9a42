"""Labels of runs: the shortest text that tells them apart, without a user's own folder."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.comparison import labelled


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        (["/home/joe/x/run", "/home/joe/y/run"], ["m (x/run)", "m (y/run)"]),
        (["/home/joe/x", "/home/joe/y"], ["m (x)", "m (y)"]),
        (["/home/joe/x/a/run", "/home/joe/y/a/run", "/home/joe/z"], ["m (x/a/run)", "m (y/a/run)", "m (z)"]),
        (["/home/joe/run", "/home/joe/a/run", "/home/ann/z"], ["m (~/run)", "m (a/run)", "m (z)"]),
        (["/home/joe/run", "/home/ann/run"], ["m (run) #1", "m (run) #2"]),
        (["/home/joe/x", "/home/joe/x"], ["m (x) #1", "m (x) #2"]),
    ],
)
def test_labels_are_the_shortest_end_that_differs(folders, labels):
    manifests = [SimpleNamespace(shown_name="m") for _ in folders]
    assert list(labelled(list(map(Path, folders)), manifests)) == labels
