r"""Unicode signs as LaTeX: `−½` is `-\frac{1}{2}`, `x²` is `x^{2}`, `৭২` is `72`, a thin space is a space.

Import-light: only `re` and `unicodedata`, so extractors may use it too. Text in ASCII comes back unchanged.
"""

from __future__ import annotations

import re
import unicodedata

_GREEK = {
    chr(code): "\\" + unicodedata.name(chr(code)).rpartition(" ")[2].lower() + " "
    for code in (*range(0x3B1, 0x3C2), *range(0x3C3, 0x3CA))
    if chr(code) != "ο"
} | {
    "Γ": r"\Gamma ", "Δ": r"\Delta ", "∆": r"\Delta ", "Θ": r"\Theta ", "Λ": r"\Lambda ", "Ξ": r"\Xi ", "Π": r"\Pi ",
    "Σ": r"\Sigma ", "Φ": r"\Phi ", "Ψ": r"\Psi ", "Ω": r"\Omega ", "\u2126": r"\Omega ", "ϕ": r"\phi ",
}  # fmt: skip
_SIGNS = {
    **_GREEK,
    # separators and marks of other scripts
    "٫": ".",
    "٬": ",",
    "٪": "%",
    "،": ",",
    "؛": ";",
    "、": ", ",
    "。": ".",
    "।": ".",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "﹣": "-",
    "➖": "-",
    "×": r"\times ",
    "✕": r"\times ",
    "✖": r"\times ",
    "⋅": r"\cdot ",
    "·": r"\cdot ",
    "∙": r"\cdot ",
    "•": r"\cdot ",
    "∗": "*",
    "÷": "/",
    "∕": "/",
    "⁄": "/",
    "±": r"\pm ",
    "∓": r"\mp ",
    "∞": r"\infty ",
    "≤": r"\le ",
    "⩽": r"\le ",
    "≦": r"\le ",
    "≥": r"\ge ",
    "⩾": r"\ge ",
    "≧": r"\ge ",
    "≠": r"\neq ",
    "≈": r"\approx ",
    "≃": r"\approx ",
    "≅": r"\cong ",
    "∪": r"\cup ",
    "∩": r"\cap ",
    "∈": r"\in ",
    "∉": r"\notin ",
    "∅": r"\emptyset ",
    "‰": r"\permil ",
    "∖": r"\setminus ",
    "→": r"\to ",
    "⟨": r"\langle ",
    "⟩": r"\rangle ",
    "〈": r"\langle ",
    "〉": r"\rangle ",
    "∣": "|",
    "…": r"\ldots ",
    "⋯": r"\ldots ",
    "ℝ": r"\mathbb{R}",
    "ℤ": r"\mathbb{Z}",
    "ℕ": r"\mathbb{N}",
    "ℚ": r"\mathbb{Q}",
    "ℂ": r"\mathbb{C}",
    "∠": r"\angle ",
    "°": r"^\circ ",
    "º": r"^\circ ",
    "˚": r"^\circ ",
    "℃": r"^\circ C",
    "℉": r"^\circ F",
    "¼": r"\frac{1}{4}",
    "’": "'",
    "‘": "'",
    "′": "'",
}
_UPPER = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿˣ", "0123456789+-nx", strict=True))
_LOWER = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n", strict=True))
_UPPERS = re.compile(f"[{''.join(_UPPER)}]+")
_LOWERS = re.compile(f"[{''.join(_LOWER)}]+")
_BUILT_FRACTION = re.compile(f"([{''.join(_UPPER)}]+)[⁄∕/]([{''.join(_LOWER)}]+)")
_ROOT = re.compile(r"([√∛∜])\s?(\d+(?:\.\d+)?|[A-Za-zπ]|\([^()]*\)|\{[^{}]*\})")
_DEGREE_OF_ROOT = {"√": "", "∛": "[3]", "∜": "[4]"}
# 0.3 with a bar over the 3, written with a combining sign behind the digit
_BARRED = re.compile("((?:\\d[\u0304\u0305])+)")
# a dash before a number is a minus; between two numbers it is a range
_DASH = re.compile(r"(?<![\d\s)])\s*[–—](?=\s?[\d.\\(A-Za-z])|(?<=[)A-Za-z]) ?– ?(?=[\d\\(A-Za-z])")


def in_latex(text: str) -> str:
    """Return `text` with every sign of another script or of Unicode's mathematics written as LaTeX does."""
    if text.isascii():
        return text
    text = _BARRED.sub(lambda run: rf"\overline{{{re.sub(r'[^0-9]', '', run.group())}}}", text)
    text = _BUILT_FRACTION.sub(
        lambda part: rf"\frac{{{_translate(part.group(1), _UPPER)}}}{{{_translate(part.group(2), _LOWER)}}}", text
    )
    text = _UPPERS.sub(lambda run: f"^{{{_translate(run.group(), _UPPER)}}}", text)
    text = _LOWERS.sub(lambda run: f"_{{{_translate(run.group(), _LOWER)}}}", text)
    text = _ROOT.sub(lambda root: rf"\sqrt{_DEGREE_OF_ROOT[root.group(1)]}{{{root.group(2).strip('(){}')}}}", text)
    text = _DASH.sub("-", text)
    return "".join(_SIGNS.get(sign) or (sign if sign.isascii() else _plain(sign)) for sign in text)


def _plain(sign: str) -> str:
    """One sign that the table lacks: a digit of any script, a fraction, a space, a letter of another font."""
    digit = unicodedata.decimal(sign, None)
    if digit is not None:
        return str(digit)
    kind = unicodedata.category(sign)
    if kind == "Zs":
        return " "
    if kind == "Cf":
        return ""
    form = unicodedata.normalize("NFKC", sign)
    if "⁄" in form and len(form) > 2:
        above, _, below = form.partition("⁄")
        return rf"\frac{{{above}}}{{{below}}}"
    if form != sign and (form.isascii() or form in _SIGNS):
        # full-width signs, mathematical letters, the micro sign
        return _SIGNS.get(form, {"{": r"\{", "}": r"\}"}.get(form, form))
    return sign


def _translate(run: str, table: dict[str, str]) -> str:
    return "".join(table[sign] for sign in run)
