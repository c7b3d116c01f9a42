"""New names for functions and parameters that say nothing of what they are for, and clash with nothing."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Callable, Sequence
from random import Random

# None says what is computed, of what kind it is, or how long ago it was met
FUNCTIONS = (
    "work_out", "carry_out", "apply_rule", "run_task", "get_answer", "give_answer", "make_result", "find_answer",
    "do_step", "follow_rule", "handle_case", "settle_case", "produce_it", "obtain_it", "treat_case", "perform_task",
    "arrive_at", "bring_about", "deal_with", "come_up_with", "finish_task", "answer_case", "do_the_task", "see_to_it",
    "take_steps", "reach_answer", "yield_answer", "supply_answer", "solve_case", "complete_task",
)  # fmt: skip
PARAMETERS = (
    "given", "subject", "matter", "thing", "stuff", "object_in", "supplied", "received", "passed_in", "handed_in",
    "first_in", "presented", "provided", "offered", "brought_in", "put_in", "fed_in", "taken_in", "submitted",
    "delivered", "furnished", "assigned", "entrusted", "obtained", "admitted", "accepted", "posed", "laid_out",
)  # fmt: skip
SMALL = "bcdefghjkmnpqrtuvwxyz"
# Common short names, with which a model's own solution would collide most
_OWN_BY_HABIT = frozenset("ijkx")
_RESERVED = frozenset({*dir(builtins), *keyword.kwlist, *keyword.softkwlist, "self", "cls", "candidate", "check"})


def new_names(
    old: Sequence[str], pools: Callable[[str], Sequence[Sequence[str]]], text: str, random: Random
) -> dict[str, str] | None:
    """Return a new name for each of `old`, none of which is a word of `text`; None where there are not enough.

    `pools` gives the lists for a name; the next one is for what the one before does not have.
    """
    chosen: dict[str, str] = {}
    for name in old:
        taken = _RESERVED | set(chosen.values())
        tried = (each for pool in pools(name) for each in random.sample(pool, len(pool)))
        free = next((each for each in tried if each not in taken and not _has_word(text, each)), None)
        if free is None:
            return None
        chosen[name] = free
    return chosen


def _has_word(text: str, name: str) -> bool:
    return name in text and re.search(rf"(?<!\w){name}(?!\w)", text) is not None


def function_names(name: str) -> Sequence[Sequence[str]]:
    """Return what a function may be called instead."""
    return (FUNCTIONS,)


def parameter_names(name: str) -> Sequence[Sequence[str]]:
    """Return what a parameter may be called instead: one letter stays one ("n-th"), as long as there are some."""
    if len(name) > 1:
        return (PARAMETERS,)
    letters = [letter for letter in SMALL if letter not in _OWN_BY_HABIT]
    return ([letter.upper() for letter in letters] if name.isupper() else letters), PARAMETERS
