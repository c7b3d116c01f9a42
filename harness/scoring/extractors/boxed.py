r"""The content of the last `\boxed{...}` or `\fbox{...}` whose braces balance; nothing else is an answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.scoring.base import Extract
from harness.scoring.extractors.latex import last_boxed
from harness.scoring.options import ExtractorOptions, checked_options


def build(options: Mapping[str, Any]) -> Extract:
    """Build from ExtractorOptions. Raises ConfigError."""
    checked_options(ExtractorOptions, options, "extractor 'boxed'")
    return lambda text, prompt, sample: last_boxed(text)
