r"""Answers are read out of completions as a reader would; what is no answer is None."""

from __future__ import annotations

import re

import pytest
from cpu_limit import ends_by_itself

from harness.datatypes import Answer, Choice, Sample, TextPrompt
from harness.errors import ConfigError, UnknownName
from harness.scoring.factory import build_extractor

# All hostile texts together take a few
CPU_SECONDS = 60
SAMPLE = Sample("s/0", {}, Answer(("42",)))


def read(by: str, text: str, sample: Sample = SAMPLE, **options: object) -> str | None:
    return build_extractor({"by": by, **options}, "text")(text, TextPrompt("q"), sample)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>7? 8?</think> 42", "42"),
        ("<think>7</think> and <think>8</think>42", "and 42"),
        ("7 or 8, I think\n</think>\n42", "42"),
        ("<think>the answer is 42", None),
        ("<think>7</think><think>so 42", None),
        ("<think>all of it</think>", None),
    ],
)
def test_reasoning_is_not_the_answer(text: str, answer: str | None) -> None:
    assert read("text", text) == answer


def test_reasoning_stays_where_the_page_says_so() -> None:
    assert read("text", "<think>7", strip_reasoning=False) == "<think>7"


def test_regex_takes_the_first_or_the_last_and_a_group() -> None:
    text = "#### 1,000 then #### -2."
    assert read("regex", text, pattern=r"#### (\-?[0-9\.\,]+)") == "1,000"
    assert read("regex", text, pattern=r"#### (\-?[0-9\.\,]+)", pick="last") == "-2."
    assert read("regex", text, pattern=r"(x)|#### (\S+)") == "1,000"
    assert read("regex", text, pattern=r"#### (\S)(\S+)", group=2) == ",000"
    assert read("regex", text, pattern=r"#+ \S+") == "#### 1,000"
    assert read("regex", text, pattern="####$") is None
    assert read("regex", "####  ", pattern=r"####(\s*)") is None


@pytest.mark.parametrize(
    ("text", "plain", "lm_eval"),
    [
        ("She has 3 + 4 = 7 apples", "7", "7"),
        ("It costs $70,000.", "70,000", "$70,000."),
        ("-5", "-5", "-5"),
        ("-12.5 degrees", "-12.5", "-12.5"),
        ("nothing", None, None),
        ("The total is 42.", "42", "42."),
        # lm-evaluation-harness takes these runs too: the same text must give the same score under its rule
        ("7 apples...", "7", "..."),
        ("He pays 5 $.", "5", "$."),
        ("so we get 12 ...", "12", "..."),
        ("৭২ টি", "72", None),
        ("model X2B", None, "2"),
    ],
)
def test_number_is_the_last_and_lm_evals_rule_stays_by_name(text: str, plain: str | None, lm_eval: str | None) -> None:
    assert read("number", text) == plain
    assert read("number", text, rule="lm_eval") == lm_eval


def test_number_can_be_the_first() -> None:
    assert read("number", "3 + 4 = 7", pick="first") == "3"


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"so $\boxed{42}$.", "42"),
        (r"\boxed{1} no, \boxed{2}", "2"),
        (r"\boxed{\frac{1}{\sqrt{2}}}", r"\frac{1}{\sqrt{2}}"),
        (r"\fbox{7}", "7"),
        (r"\boxed {7}", "7"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{\left\{ x \mid x > 0 \right\}}", r"\left\{ x \mid x > 0 \right\}"),
        (r"\boxed{\begin{pmatrix} 1 \\ 2 \\\end{pmatrix}}", r"\begin{pmatrix} 1 \\ 2 \\\end{pmatrix}"),
        (r"a { stray brace, \boxed{5}", "5"),
        (r"} \boxed{5}", "5"),
        (r"\boxed{5} and then \boxed{6", "5"),
        (r"\boxed 5$", "5"),
        (r"\boxed{}", None),
        ("42", None),
        # boxes that a connector joins are one answer; others are corrections, and the last counts
        (r"\boxed{(0,3)} \quad \text{and} \quad \boxed{(3,0)}", "(0,3), (3,0)"),
        (r"\boxed{1}, \boxed{2} or \boxed{3}", "1, 2, 3"),
        (r"$\boxed{6}$ cats and $\boxed{9}$ dogs", "6, 9"),
        (r"\boxed{6}. Wait, that counts twice. And so \boxed{9}", "9"),
        (r"\boxed{6}, so the answer is \boxed{9}", "9"),
        (r"it is \boxed{6} and not \boxed{9}", "6"),
        (r"\boxed{6} or \boxed{6}", "6"),
        # the request quoted, or an empty frame
        (r"Use \boxed{your answer}: \boxed{8}", "8"),
        (r"\boxed{8} as asked, in \boxed{\text{answer}} form", "8"),
        (r"\boxed{\ldots}", None),
        (r"\boxed{\text{Anna}}", r"\text{Anna}"),
    ],
)
def test_boxed_is_the_last_whose_braces_balance(text: str, answer: str | None) -> None:
    assert read("boxed", text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        (r"The answer is 3. So $x = 4$ and \boxed{42}.", "42"),
        ("Final Answer: The final answer is $42$. I hope it is correct.", "42"),
        ("**Final Answer:** 42", "42"),
        ("The final answer is:\n\n42.", "42"),
        (r"The answer is $\frac{1}{2}$, as $3 > 2$ shows.", r"\frac{1}{2}"),
        ("The answer is not what one would think at first sight. It is $42$", "42"),
        ("So the answer is 3.5 metres.", "3.5 metres"),
        ("The answer is (2, 3)", "(2, 3)"),
        ("We get $x = 5$ and then $42$ in all, for 3 apples.", "42"),
        (r"So \[x = 42\]", "x = 42"),
        (r"So \( 42 \).", "42"),
        ("It cost $5 and then $6 more, 11.", "11"),
        ("so 70,000.", "70,000"),
        ("it is $42.", "42"),
        ("no idea", None),
    ],
)
def test_math_reads_the_announced_answer(text: str, answer: str | None) -> None:
    assert read("math", text) == answer


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        (" (C) because", "C"),
        ("**D**", "D"),
        ("A. the first", "A"),
        ("The answer is (B), not (C).", "B"),
        ("Answer: C", "C"),
        ("I think that A is wrong, so the answer is B", "B"),
        (r"thus \boxed{\text{D}}", "D"),
        ("It must be C.", "C"),
        ("I have no idea", None),
        ("E", None),
    ],
)
def test_a_letter_counts_only_if_an_option_has_it(text: str, letter: str | None) -> None:
    four = Sample("s/1", {}, Choice(("w", "x", "y", "z"), 1))
    assert read("letter", text, four) == letter


@pytest.mark.parametrize("by", ["text", "regex", "number", "boxed", "math", "letter", "code"])
def test_a_misspelt_option_is_refused_with_the_right_one(by: str) -> None:
    known = {"pattern": "x"} if by == "regex" else {}
    with pytest.raises(ConfigError, match=r"strip_resoning.*did you mean 'strip_reasoning'"):
        build_extractor({"by": by, **known, "strip_resoning": True}, "text")


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"by": "regex", "pattern": "(unclosed"}, "not a regular expression"),
        ({"by": "regex"}, "the key 'pattern' is missing"),
        ({"by": "regex", "pattern": "(x)", "group": 2}, "the pattern has 1 groups"),
        ({"by": "number", "pick": "lats"}, "'lats' is not one of last, first; did you mean 'last'"),
        ({"by": "text", "strip_reasoning": "yes"}, "strip_reasoning: input should be a valid boolean (found 'yes')"),
        (["regex"], "must be a name or a mapping"),
    ],
)
def test_an_option_that_cannot_be_is_refused(entry: object, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        build_extractor(entry, "text")


def test_an_unknown_extractor_names_the_close_one() -> None:
    with pytest.raises(UnknownName, match="did you mean 'boxed'"):
        build_extractor("boxd", "text")


HOSTILE = (
    "<think>" * 100_000,
    "<think>" * 50_000 + "</think>" * 50_000,
    r"\boxed{" * 100_000,
    "{" * 500_000 + "}" * 500_000,
    "$" * 500_000,
    "$a " * 200_000,
    r"\[" * 200_000,
    "answer is " * 100_000,
    "answer:" + "\n" * 500_000,
    "answer" + " " * 500_000,
    "1" * 1_000_000,
    "- $,." * 200_000,
)


def read_hostile(by: str) -> None:
    for number, text in enumerate(HOSTILE):
        print(f"text {number}", flush=True)
        read(by, text)


@pytest.mark.parametrize("by", ["text", "number", "boxed", "math", "letter"])
def test_hostile_megabytes_cost_seconds_at_most(by: str) -> None:
    ends_by_itself(CPU_SECONDS, __file__, "read_hostile", by)
