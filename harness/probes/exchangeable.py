"""Are the rows of a set exchangeable in their published order? Where not, an order test says nothing.

Sets are sorted by length or difficulty, grouped by subject or passage, or written in series. What can be seen without a
model is tested, on the whole set whatever part of it is probed: length, the columns of the data, and the words that
neighbours share (`stats.permutation.lag_test`, at the level ORDER_LEVEL: one set in twenty is refused although its
order is random). Likeness that only a reader would see is not found; a page says it with `probe.ordered`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from harness.probes.rows import ProbeRow, ProbeTask

if TYPE_CHECKING:
    import numpy as np

# One set in twenty is refused although its order is random; a larger level finds more of those that are sorted
ORDER_LEVEL = 0.05
# Rows whose words are compared, each with each
MOST_COMPARED = 1500
WORD = re.compile(r"[^\W\d_]{3,}")
RUNNING = re.compile(r"(?:^|_)(?:id|idx|index|no|nr|number)$")
LENGTH, WORDS = "length", "the words that they use"


def order_fault(task: ProbeTask, seed: int) -> str:
    """Return why the order test is refused: the page's reason, or what neighbours share; empty where it may be made."""
    from harness.stats.permutation import lag_test

    if task.ordered:
        return f"the page says: {task.ordered}"
    rows = task.whole[:MOST_COMPARED]
    values, likeness = _values(rows), _likeness(rows)
    found = lag_test([array for _, array in values], [matrix for _, matrix in likeness], seed)
    if found.p_value > ORDER_LEVEL:
        return ""
    name = [*values, *likeness][found.feature][0]
    return f"the rows are sorted or grouped: neighbours are alike in {name} (p {found.p_value:.2g})"


def _values(rows: Sequence[ProbeRow]) -> list[tuple[str, np.ndarray]]:
    """Numbers of each row, as ranks: its length, and each column of numbers that is no running number."""
    found = [(LENGTH, _ranks([len(row.text) for row in rows]))]
    for column in _columns(rows):
        numbers = [_number(row.columns[column]) for row in rows]
        if None not in numbers and len(set(numbers)) > 1 and not _running(column, numbers):
            found.append((f"the column `{column}`", _ranks(numbers)))
    return found


def _likeness(rows: Sequence[ProbeRow]) -> list[tuple[str, np.ndarray]]:
    """For each pair of rows whether they have the same value in a column, and how much their words agree."""
    import numpy as np

    found = []
    for column in _columns(rows):
        values = [str(row.columns[column]) for row in rows]
        if 1 < len(set(values)) <= len(rows) // 2:
            codes = np.unique(np.array(values), return_inverse=True)[1]
            found.append((f"the column `{column}`", (codes[:, None] == codes[None, :]).astype(np.float32)))
    return [*found, (WORDS, _cosines([row.question or row.text for row in rows]))]


def _columns(rows: Sequence[ProbeRow]) -> list[str]:
    """Columns that every row has."""
    return sorted(set.intersection(*(set(row.columns) for row in rows)))


def _number(value: Any) -> float | None:
    try:
        number = float(str(value).replace(",", ""))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _running(column: str, numbers: Sequence[float | None]) -> bool:
    """Whether a column only counts the rows, or those that were kept of more: a number that no model sees."""
    known = [number for number in numbers if number is not None]
    steps = {after - before for before, after in pairwise(known)}
    return steps == {1.0} or (min(steps) > 0 and RUNNING.search(column.lower()) is not None)


def _ranks(numbers: Sequence[float | int | None]) -> np.ndarray:
    import numpy as np

    _, places, counts = np.unique(np.array(numbers, dtype=float), return_inverse=True, return_counts=True)
    middles = np.cumsum(counts) - (counts - 1) / 2
    return np.asarray(middles[places], dtype=float)


def _cosines(texts: Sequence[str]) -> np.ndarray:
    """Cosine of the word vectors of each pair of texts, words weighted by how rare they are; the diagonal is 0."""
    import numpy as np

    bags = [Counter(word.lower() for word in WORD.findall(text)) for text in texts]
    spread = Counter(word for bag in bags for word in bag)
    # A word of one text is in no other; a word of most texts says nothing
    known = {word: place for place, word in enumerate(w for w, count in spread.items() if 1 < count <= len(texts) / 2)}
    table = np.zeros((len(texts), max(1, len(known))), dtype=np.float32)
    for number, bag in enumerate(bags):
        for word in bag:
            if word in known:
                table[number, known[word]] = math.log(len(texts) / spread[word])
    lengths = np.linalg.norm(table, axis=1, keepdims=True)
    table /= np.where(lengths > 0, lengths, 1)
    cosines = table @ table.T
    np.fill_diagonal(cosines, 0.0)
    return np.asarray(cosines)
