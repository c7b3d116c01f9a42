"""The extractor `steps` does what its chain says, and trims nothing else."""

from __future__ import annotations

import pytest

from harness.datatypes import Answer, Sample, TextPrompt
from harness.errors import ConfigError
from harness.scoring.extractors.steps import build

SAMPLE = Sample("s", {}, Answer(("x",)), None, None)


@pytest.mark.parametrize(
    ("steps", "text", "answer"),
    [
        ([], " as it is \n", " as it is \n"),
        ([{"strip": True}], " a ", "a"),
        ([{"regex": r"(-?[$0-9.,]{2,})|(-?[0-9]+)", "pick": -1}], "3 then $12.", "$12."),
        ([{"regex": r"is (\d+)"}], "it is 3, is 4", "3"),
        ([{"regex": r"is (\d+)"}], "nothing", None),
        ([{"regex": r"is (\d+)", "fallback": "[invalid]"}], "nothing", "[invalid]"),
        ([{"regex": r"\((.*)\)", "keep": True}], "( a )", " a "),
        ([{"cut": "```"}], "  return 1\n```\nSo", "  return 1\n"),
        ([{"prepend": "```"}, {"regex": "```(.*?)```"}], "a``` b", "a"),
        ([{"case": "lower"}, {"map": {"yes": "A"}, "default": "B"}], "YES", "A"),
        ([{"map": {"yes": "A"}}], "no", None),
    ],
)
def test_steps(steps, text, answer):
    assert build({"steps": steps})(text, TextPrompt(""), SAMPLE) == answer


def test_a_step_does_one_thing():
    with pytest.raises(ConfigError, match="exactly one"):
        build({"steps": [{"strip": True, "case": "lower"}]})
