"""The whole completion, without the white space around it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.scoring.base import Extract
from harness.scoring.options import ExtractorOptions, checked_options


def build(options: Mapping[str, Any]) -> Extract:
    """Build from ExtractorOptions. Raises ConfigError."""
    checked_options(ExtractorOptions, options, "extractor 'text'")
    return lambda text, prompt, sample: text.strip()
