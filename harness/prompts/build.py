"""Putting a question and its shots into the style that the model expects: continued text, or a conversation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.config.schema import PromptSpec, TextPromptSpec
from harness.datatypes import ChatPrompt, Message, Prompt, Style, TextPrompt
from harness.errors import ConfigError
from harness.prompts.template import render

Variables = Mapping[str, Any]


def pick_style(spec: PromptSpec, wanted: Style, insists: bool, where: str) -> Style:
    """The style in which a page is asked of a model of style `wanted`; `insists`: the user named that style.

    A chat model can continue plain text, so a page with only `text` goes in as text unless chat was asked for; a
    base model has no template for a page with only `chat`. Raises ConfigError where it does not fit.
    """
    if wanted == "chat" and spec.chat is None:
        if insists:
            raise ConfigError(f"{where}the page has only a text prompt, but chat was asked for; add prompt.chat")
        return "text"
    if wanted == "text" and spec.text is None:
        why = "text prompts were asked for" if insists else "this model has no chat template"
        raise ConfigError(f"{where}the page has only a chat prompt, but {why}; add prompt.text")
    return wanted


def build_prompt(spec: PromptSpec, style: Style, question: Variables, shots: Sequence[Variables], where: str) -> Prompt:
    """Render one prompt. Raises ConfigError or DataError, led by `where`."""
    if style == "text":
        assert spec.text is not None
        return TextPrompt(_text(spec.text, question, shots, where))
    chat = spec.chat
    assert chat is not None
    messages = [Message("system", render(chat.system, question, where))] if chat.system else []
    for shot in shots:
        messages.append(Message("user", render(chat.user, shot, where)))
        messages.append(Message("assistant", render(chat.target, shot, where)))
    messages.append(Message("user", render(chat.user, question, where)))
    return ChatPrompt(tuple(messages), render(chat.prefill, question, where))


def question_text(spec: PromptSpec, style: Style, question: Variables, where: str) -> str:
    """The question alone, without shots. Raises ConfigError or DataError, led by `where`."""
    if style == "text":
        assert spec.text is not None
        return render(spec.text.template, question, where)
    assert spec.chat is not None
    return render(spec.chat.user, question, where)


def stop_strings(spec: PromptSpec, style: Style) -> tuple[str, ...]:
    """Where an answer in this style ends, besides the model's own end tokens."""
    section = spec.text if style == "text" else spec.chat
    assert section is not None
    return tuple(section.stop)


def continuation(spec: PromptSpec, style: Style, variables: Variables, where: str) -> str:
    """The text whose likelihood is asked for one option (`target` with `option` set)."""
    section = spec.text if style == "text" else spec.chat
    assert section is not None
    return render(section.target, variables, where)


def _text(spec: TextPromptSpec, question: Variables, shots: Sequence[Variables], where: str) -> str:
    blocks = [render(spec.template, shot, where) + render(spec.target, shot, where) for shot in shots]
    return spec.separator.join([*blocks, render(spec.template, question, where)])
