"""The operations that synthetic functions are made of, each with its code and the words that describe it.

Guarantees: every operation is total on the inputs of its family (the edge cases are beside the table),
and takes and gives the family's own kind of value, so that any chain of them is a function. Only data,
nothing runs here.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing to do. `{v}` is the argument's name and `{k}` a constant between `low` and `high`."""

    code: str
    wordings: tuple[str, ...]
    low: int = 0
    high: int = 0


@dataclass(frozen=True, slots=True)
class Family:
    """What can be done with one kind of argument: steps, and (as expressions) results and conditions."""

    arguments: tuple[str, ...]
    steps: tuple[Operation, ...]
    results: tuple[Operation, ...]
    conditions: tuple[Operation, ...]
    # Source text of inputs that every function of the family is tried on, edge cases first
    edges: tuple[str, ...]


# One operation a line reads as a table; wrapped, it would be four pages
# fmt: off
Op = Operation

NUMBERS = Family(
    arguments=("numbers", "values", "items", "data"),
    steps=(
        Op("{v} = [x for x in {v} if x % 2 == 0]", ("keep only the even numbers", "drop the odd numbers")),
        Op("{v} = [x for x in {v} if x % 2 == 1]", ("keep only the odd numbers", "drop the even numbers")),
        Op("{v} = [x for x in {v} if x > {k}]",
            ("keep the numbers above {k}", "drop all that are {k} or less"), 0, 12),
        Op("{v} = [x for x in {v} if x < {k}]",
            ("keep the numbers below {k}", "drop all that are {k} or more"), 3, 20),
        Op("{v} = [x + {k} for x in {v}]", ("add {k} to each", "increase every number by {k}"), 1, 20),
        Op("{v} = [x - {k} for x in {v}]", ("subtract {k} from each", "lower every number by {k}"), 1, 20),
        Op("{v} = [x * {k} for x in {v}]",
            ("multiply each by {k}", "make every number {k} times as large"), 2, 9),
        Op("{v} = [x // {k} for x in {v}]",
            ("divide each by {k} and round down", "floor-divide each by {k}"), 2, 9),
        Op("{v} = [x * x for x in {v}]", ("square each", "replace every number by its square")),
        Op("{v} = [-x for x in {v}]", ("negate each", "flip the sign of every number")),
        Op("{v} = [abs(x) for x in {v}]",
            ("take the absolute value of each", "make all of them non-negative")),
        Op("{v} = [max(x, {k}) for x in {v}]",
            ("raise each to at least {k}", "replace what is below {k} by {k}"), 0, 9),
        Op("{v} = [min(x, {k}) for x in {v}]",
            ("cap each at {k}", "replace what is above {k} by {k}"), 5, 20),
        Op("{v} = {v}[::-1]", ("reverse the list", "turn the order round")),
        Op("{v} = sorted({v})", ("sort in rising order", "order from small to large")),
        Op("{v} = sorted({v}, reverse=True)", ("sort in falling order", "order from large to small")),
        Op("{v} = {v}[:{k}]", ("take the first {k}", "keep no more than {k} from the front"), 2, 5),
        Op("{v} = {v}[::2]", ("take every second one", "keep those at even positions")),
        Op("{v} = list(dict.fromkeys({v}))", ("remove duplicates", "keep the first of equal numbers")),
        Op("{v} = [b - a for a, b in zip({v}, {v}[1:])]",
            ("take the differences of neighbors", "subtract each from the next")),
        Op("{v} = {v} + [{k}]", ("append {k}", "put {k} at the end"), 0, 20),
    ),
    results=(
        Op("{v}", ("return the list", "give back the list")),
        Op("sum({v})", ("return the sum", "give the total")),
        Op("len({v})", ("return how many there are", "give the count")),
        Op("max({v}, default=0)", ("return the largest, or 0", "give the maximum (0 if empty)")),
        Op("min({v}, default=0)", ("return the smallest, or 0", "give the minimum (0 if empty)")),
        Op("{v}.count({k})", ("return how many equal {k}", "give the count of {k}"), 0, 9),
        Op("len(set({v}))", ("return how many differ", "give the number of distinct ones")),
        Op("any(x > {k} for x in {v})",
            ("return whether any is above {k}", "tell if some number exceeds {k}"), 0, 20),
        Op("max({v}, default=0) - min({v}, default=0)",
            ("return the range", "give the largest minus the smallest")),
    ),
    conditions=(
        Op("len({v}) > {k}", ("there are more than {k}", "it is longer than {k}"), 1, 5),
        Op("sum({v}) > {k}", ("the sum is above {k}", "the total exceeds {k}"), 0, 40),
        Op("sum({v}) % 2 == 0", ("the sum is even", "the total is even")),
        Op("{k} in {v}", ("{k} is in it", "it has a {k}"), 0, 9),
    ),
    edges=("[]", "[0]", "[7]", "[-3, -8]", "[4, 4, 9, 4]"),
)

TEXT = Family(
    arguments=("text", "line", "sentence", "phrase"),
    steps=(
        Op("{v} = {v}.upper()", ("make it upper case", "capitalize all letters")),
        Op("{v} = {v}.lower()", ("make it lower case", "turn all letters small")),
        Op("{v} = {v}.strip()", ("strip spaces at both ends", "trim it")),
        Op("{v} = {v}[::-1]", ("reverse the characters", "write it backwards")),
        Op("{v} = {v}.replace(' ', '')", ("remove all spaces", "leave out the spaces")),
        Op("{v} = {v}[:{k}]", ("take the first {k} characters", "cut it after {k} characters"), 2, 9),
        Op("{v} = {v}[{k}:]", ("skip the first {k} characters", "drop {k} characters from the front"), 1, 4),
        Op("{v} = ''.join(c for c in {v} if c not in 'aeiou')",
            ("remove small vowels", "drop a, e, i, o and u")),
        Op("{v} = ' '.join(sorted({v}.split()))", ("sort the words", "put the words in alphabetical order")),
        Op("{v} = ' '.join(w for w in {v}.split() if len(w) > {k})",
            ("keep words longer than {k}", "drop words of {k} letters or less"), 1, 4),
        Op("{v} = ' '.join(w[::-1] for w in {v}.split())",
            ("reverse each word", "write each word backwards")),
        Op("{v} = {v} * {k}", ("repeat it {k} times", "write it {k} times in a row"), 2, 4),
        Op("{v} = {v} + '!'", ("add an exclamation mark", "end it with an exclamation mark")),
    ),
    results=(
        Op("{v}", ("return it", "give back the text")),
        Op("len({v})", ("return its length", "give the number of characters")),
        Op("len({v}.split())", ("return the number of words", "count the words")),
        Op("{v}.count('a')", ("return how often a occurs", "count the letter a")),
        Op("len(set({v}))", ("return how many characters differ", "count the distinct characters")),
        Op("{v} == {v}[::-1]", ("return whether it is a palindrome", "tell if it reads the same backwards")),
        Op("sum(c.isdigit() for c in {v})", ("return how many digits it has", "count the digits")),
    ),
    conditions=(
        Op("len({v}) > {k}", ("it has more than {k} characters", "it is longer than {k}"), 3, 15),
        Op("len({v}.split()) > {k}", ("it has more than {k} words", "there are more than {k} words"), 1, 4),
        Op("'e' in {v}", ("it has an e", "an e occurs")),
        Op("{v}.isalpha()", ("it has only letters", "all of it is letters")),
    ),
    edges=("''", "'a'", "'  Ab1 '", "'level'", "'The quick brown fox 42'"),
)

NUMBER = Family(
    arguments=("n", "number", "value"),
    steps=(
        Op("{v} = {v} + {k}", ("add {k}", "increase it by {k}"), 1, 50),
        Op("{v} = {v} - {k}", ("subtract {k}", "lower it by {k}"), 1, 50),
        Op("{v} = {v} * {k}", ("multiply by {k}", "make it {k} times as large"), 2, 12),
        Op("{v} = {v} // {k}", ("divide by {k} and round down", "floor-divide by {k}"), 2, 9),
        Op("{v} = {v} % {k}", ("take it modulo {k}", "take the remainder by {k}"), 3, 20),
        Op("{v} = {v} * {v}", ("square it", "multiply it by itself")),
        Op("{v} = -{v}", ("negate it", "flip its sign")),
        Op("{v} = abs({v})", ("take its absolute value", "drop its sign")),
        Op("{v} = max({v}, {k})", ("raise it to at least {k}", "use {k} if it is smaller"), 0, 20),
        Op("{v} = min({v}, {k})", ("cap it at {k}", "use {k} if it is larger"), 20, 90),
        Op("{v} = sum(int(d) for d in str(abs({v})))", ("sum its digits", "replace it by its digit sum")),
    ),
    results=(
        Op("{v}", ("return it", "give the result")),
        Op("{v} % 2 == 0", ("return whether it is even", "tell if it is even")),
        Op("{v} > {k}", ("return whether it is above {k}", "tell if it exceeds {k}"), 0, 60),
        Op("str({v})", ("return it as text", "give it as a string")),
        Op("len(str(abs({v})))", ("return how many digits it has", "count its digits")),
        Op("[{v}] * {k}", ("return a list with it {k} times", "give a list of {k} copies"), 2, 5),
    ),
    conditions=(
        Op("{v} > {k}", ("it is above {k}", "it exceeds {k}"), 0, 50),
        Op("{v} < {k}", ("it is below {k}", "it is less than {k}"), 0, 50),
        Op("{v} % {k} == 0", ("{k} divides it", "it is a multiple of {k}"), 2, 7),
        Op("{v} % 2 == 1", ("it is odd", "it is an odd number")),
    ),
    edges=("0", "1", "-1", "-17", "100"),
)
