"""Characters that a terminal would obey, or that hide in a line, written so that a reader sees them.

Data, ids, paths and answers of models may hold them: ESC, CSI and OSC begin commands (colours, titles, links, even
replies that are typed back), BEL rings, bidirectional controls reorder a line, a lone surrogate cannot be encoded.
"""

from __future__ import annotations

import re

# C0 but tab and line feed, DEL, C1; soft marks and overrides of direction; line and paragraph separators; the byte
# order mark, interlinear and tag characters; surrogates
HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f"
)
ESCAPED = re.compile(f"[{HIDDEN}]")
IN_A_LINE = re.compile(f"[\t\n{HIDDEN}]")


def visible(text: str) -> str:
    r"""Return the text with such characters escaped (`\x1b`, `\u202e`); tabs and line feeds are kept.

    Beyond ASCII the escapes are those of JSON, so that a JSON document stays the same document.
    """
    return ESCAPED.sub(_escape, text)


def visible_line(text: str) -> str:
    r"""Return the same for text that must stay on one line: tabs and line feeds are `\t` and `\n`."""
    return IN_A_LINE.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    sign = found.group()
    short = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}.get(sign)
    if short:
        return short
    code = ord(sign)
    if code < 0x20:
        return f"\\x{code:02x}"
    if code <= 0xFFFF:
        return f"\\u{code:04x}"
    high, low = divmod(code - 0x10000, 0x400)
    return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}"
