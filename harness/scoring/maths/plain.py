r"""Mathematics in plain text as LaTeX: `pi/2`, `sqrt(2)`, `x**2`, `5 cos theta`, `(-inf, 3) U (4, oo)`, `x <= 5`.

Words inside `\text{...}` and LaTeX commands are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi"
    " omega"
)
_FUNCTIONS = "arcsin arccos arctan sinh cosh tanh sin cos tan cot sec csc log ln min max gcd lcm det"
_WORDS = {word: rf"\{word} " for word in f"{_GREEK} {_FUNCTIONS}".split()} | {
    "Pi": r"\pi ",
    "infinity": r"\infty ",
    "infty": r"\infty ",
    "inf": r"\infty ",
    "oo": r"\infty ",
    "asin": r"\arcsin ",
    "acos": r"\arccos ",
    "atan": r"\arctan ",
}
_WORD = re.compile(r"(?<![\\A-Za-z])(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")(?![A-Za-z])")
_BOX = re.compile(r"\\(?:text[a-z]*|mbox|mathrm|operatorname|begin|end|mathbb)\s*\{[^{}]*\}")
_ROOT = re.compile(r"(?<![A-Za-z\\])\\?(sqrt|cbrt)\s*\(")
_SHORT_ROOT = re.compile(r"(?<![A-Za-z\\])sqrt\s?(\d+(?:\.\d+)?|[a-z](?![a-z])|(?=[{\[\\]))")
_EXPONENT = re.compile(r"\^\s*\(")
_SIGNED_EXPONENT = re.compile(r"\^\s*([+-]\s*(?:\d+(?:\.\d+)?|[A-Za-z]))")
_EXPONENTIAL = re.compile(r"(?<![A-Za-z\\])exp\s*\(")
_ABSOLUTE = re.compile(r"(?<![A-Za-z\\])abs\s*\(")
_LOG_BASE = re.compile(r"(?<![A-Za-z\\])log_?(\d+)\s*\(")
# an angle in degrees inside a function; by itself its unit is dropped
_ANGLE = re.compile(
    r"(\\(?:sin|cos|tan|cot|sec|csc))\s*(?:(\()|(\{))?\s*(-?\d+(?:\.\d+)?)\s*"
    r"(?:\^\s*(?:\{\s*\\circ\s*\}|\\circ)|\\degree)\s*(?(2)\)|(?(3)\}|))"
)
_CHOOSE = re.compile(r"\{?\s*(?<![\w^_])(\w+)\s*\\choose\s*(\w+)\s*\}?")
_UNION = re.compile(r"(?<=[)\]}])\s*(?:U|u|\\bigcup)\s*(?=[(\[\\])")
# each group is searched for its end: a bound on hostile answers
_MOST_GROUPS = 50
_SIGNS = (("**", "^"), ("<=", r"\le "), (">=", r"\ge "), ("!=", r"\neq "), ("+/-", r"\pm "), ("+-", r"\pm "))


def in_latex(text: str) -> str:
    """Return `text` with plain-text functions, constants and signs written as LaTeX."""
    if text.isdigit():
        return text
    kept: list[str] = []

    def keep(box: re.Match[str]) -> str:
        kept.append(box.group())
        return f"\x00{len(kept) - 1}\x01"

    text = _BOX.sub(keep, text.replace("\x00", "").replace("\x01", ""))
    for sign, latex in _SIGNS:
        text = text.replace(sign, latex)
    text = _grouped(text, _ROOT, lambda found, inside: _root(found.group(1), inside))
    text = _SHORT_ROOT.sub(lambda found: rf"\sqrt{{{found.group(1)}}}" if found.group(1) else r"\sqrt", text)
    text = _grouped(text, _EXPONENTIAL, lambda _, inside: f"e^{{{inside}}}")
    text = _grouped(text, _ABSOLUTE, lambda _, inside: f"|{inside}|")
    text = _grouped(text, _EXPONENT, lambda _, inside: f"^{{{inside}}}")
    text = _LOG_BASE.sub(r"\\log_{\1}(", text)
    text = _SIGNED_EXPONENT.sub(r"^{\1}", text)
    text = _UNION.sub(r" \\cup ", text)
    text = _WORD.sub(lambda word: _WORDS[word.group()], text)
    text = _ANGLE.sub(r"\1(\\frac{\4\\pi}{180})", _CHOOSE.sub(r"\\binom{\1}{\2}", text)).replace(
        r"\varnothing", r"\emptyset"
    )
    return re.sub("\x00(\\d+)\x01", lambda mark: kept[int(mark.group(1))], text)


def _grouped(text: str, opening: re.Pattern[str], write: Callable[[re.Match[str], str], str]) -> str:
    """Rewrite `opening ... )`, brackets balanced, from the last to the first so that inner ones come first."""
    for found in reversed(list(opening.finditer(text))[:_MOST_GROUPS]):
        end = closing(text, found.end())
        if end > 0:
            text = text[: found.start()] + write(found, text[found.end() : end]) + text[end + 1 :]
    return text


def _root(name: str, inside: str) -> str:
    return rf"\sqrt[3]{{{inside}}}" if name == "cbrt" else rf"\sqrt{{{inside}}}"


def closing(text: str, start: int) -> int:
    """Index of the bracket that closes the one before `start`, -1 where none does."""
    depth = 1
    for at in range(start, len(text)):
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        if depth == 0:
            return at
    return -1
