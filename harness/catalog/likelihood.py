"""The request of a sample whose options, or whose target, are scored by their log-likelihood."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.config.task_page import TaskPage
from harness.config.yaml_page import YamlPage
from harness.datatypes import Choice, LikelihoodRequest, Prompt, Sample, Style, TextPrompt
from harness.errors import DataError
from harness.prompts import build as prompts
from harness.prompts.build import ShotText
from harness.samples import LETTERS


def likelihood_request(
    page: TaskPage, source: YamlPage, style: Style, sample: Sample, shots: Sequence[ShotText]
) -> LikelihoodRequest:
    """Return the request for one continuation an option, or for the target alone; its key is still empty.

    Raises ConfigError or DataError with the page's line, also for a blank target and options that cannot be told apart.
    """

    def prompt_of(variables: Mapping[str, Any]) -> Prompt:
        return prompts.build_prompt(page.prompt, style, variables, shots)

    def continued(variables: Mapping[str, Any]) -> str:
        with source.at("prompt", style, "target"):
            return prompts.continuation(page.prompt, style, variables)

    if not isinstance(sample.reference, Choice):
        target = continued(sample.inputs)
        if not target.strip():
            with source.at("prompt", style, "target"):
                raise DataError("the target, whose log-likelihood is requested, is blank")
        return LikelihoodRequest("", page.name, sample.id, 0, prompt_of(sample.inputs), (target,))
    spec, options = page.reference.choice, sample.reference.options
    assert spec is not None
    blank = [number for number, option in enumerate(options) if not option.strip()]
    if blank:
        with source.at("reference", "choice", "options"):
            raise DataError(f"option {blank[0]} is blank, and a blank text may be the likeliest; leave it out")
    shown = [
        {**sample.inputs, "option": each, "letter": letter} for each, letter in zip(options, LETTERS, strict=False)
    ]
    continuations = tuple(map(continued, shown))
    contexts = tuple(map(prompt_of, shown)) if spec.options_in == "prompt" else ()
    scored = [(text.strip(), str(contexts[place]) if contexts else "") for place, text in enumerate(continuations)]
    # Data may have a wrong option twice, which changes nothing
    if any(scored.count(scored[place]) > 1 for place in sample.reference.right) or any(not text for text, _ in scored):
        with source.at("prompt", style, "target"):
            raise DataError(
                "two options are continued by the same text; target must print {{ option }} or {{ letter }}, "
                "and the options must differ"
            )
    if contexts:
        return LikelihoodRequest("", page.name, sample.id, 0, contexts[0], continuations, contexts)
    prompt = prompt_of(sample.inputs)
    if spec.unconditional:
        contexts = (prompt,) * len(options) + (TextPrompt(""),) * len(options)
        return LikelihoodRequest("", page.name, sample.id, 0, prompt, continuations * 2, contexts)
    return LikelihoodRequest("", page.name, sample.id, 0, prompt, continuations)
