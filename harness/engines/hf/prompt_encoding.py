"""Prompts to token ids and token ids back to text, by the model's own tokenizer and chat template.

Guarantees: a prompt is rendered and tokenised once, and never starts with two BOS; a chat prompt gets exactly
the special tokens that its template writes, a text prompt exactly those that the tokenizer is configured to
add, but for an EOS at its end, which would make the model continue after the end. Decoding keeps the spaces
at the start of an answer. Does not repair a tokenizer that drops characters: such a text comes back as the
tokenizer has it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.datatypes import ChatPrompt, Message, Prompt, Style, TextPrompt
from harness.engines.hf.chat_template import ChatTemplate
from harness.errors import ConfigError, EngineError, ModelError
from harness.reasoning import is_mark, opened_by

# Enough left context for a decoder to treat what follows as the middle of a text, not its start.
DECODE_CONTEXT_TOKENS = 8
# The longest opening mark, in the tokens of a tokenizer that has one for each character.
MARK_TOKENS = 48


@dataclass(frozen=True, slots=True)
class Encoded:
    """A rendered prompt and its token ids."""

    text: str
    ids: tuple[int, ...]


class PromptEncoder:
    """Renders, encodes and decodes for one tokenizer."""

    def __init__(self, tokenizer: Any, template_options: Mapping[str, Any] | None = None) -> None:
        """`template_options` are passed to the chat template by name (such as `enable_thinking`)."""
        self.tokenizer = tokenizer
        self.chat = ChatTemplate(tokenizer, template_options or {})
        self.special_ids = frozenset(tokenizer.all_special_ids)
        named = zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)
        self._shown_ids = frozenset(number for token, number in named if is_mark(token))

    @property
    def template(self) -> str | None:
        """The chat template's source, None if the tokenizer has none."""
        return self.chat.source

    def style(self, wanted: str) -> Style:
        """Resolve `auto` to chat where there is a template.

        Raises ConfigError for chat without one, ModelError for one that does not show the question.
        """
        if wanted == "auto":
            wanted = "chat" if self.template else "text"
        if wanted == "chat" and not self.template:
            raise ConfigError("style: chat was requested, but the tokenizer has no chat template; use style: text")
        if wanted not in ("text", "chat"):
            raise ConfigError(f"style: {wanted!r} is not auto, text or chat")
        self.chat.require_options()
        if wanted == "text":
            return "text"
        self.chat.require_questions()
        return "chat"

    def encode(self, prompt: Prompt) -> Encoded:
        """Render and tokenise. Raises EngineError if the template refuses the messages."""
        text = self.render(prompt)
        return Encoded(text, tuple(self._ids(text, templated=isinstance(prompt, ChatPrompt))))

    def encode_pair(self, prompt: Prompt, continuation: str) -> tuple[Encoded, tuple[int, ...]]:
        """Tokenise a context and what may follow it, as the field's reference harness does.

        Both are tokenised as one text and split where the context's own tokens end; white space at the
        context's end goes to the continuation, where tokenizers expect it. An empty context becomes the BOS
        (or EOS) token.
        """
        text, templated = self.render(prompt), isinstance(prompt, ChatPrompt)
        context = text.rstrip()
        tail = text[len(context) :]
        # A context of nothing but white space is scored after it; only an empty one after BOS.
        ids = self._ids(context, templated) if context else []
        if ids:
            whole = self._ids(context + tail + continuation, templated)
            # A tokenizer that melts the continuation into the context's last token leaves nothing to score.
            rest = whole[len(ids) :] or self._ids(tail + continuation, templated=True)
            return Encoded(text, tuple(ids)), tuple(rest)
        start, rest = self._start_token(), self._ids(tail + continuation, templated=True)
        if rest and rest[0] == start:
            rest = rest[1:]
        return Encoded(text, (start,)), tuple(rest)

    def start_and_ids(self, text: str) -> tuple[int, tuple[int, ...]]:
        """The token that a whole text is scored after (BOS, or EOS), and the text's own ids without it.

        Raises EngineError if the tokenizer has neither.
        """
        start, ids = self._start_token(), self._ids(text, templated=True)
        return start, tuple(ids[1:] if ids and ids[0] == start else ids)

    def decode(self, prompt_ids: Sequence[int], output_ids: Sequence[int]) -> str:
        """Text of `output_ids` after `prompt_ids`; special tokens are left out.

        Marks of reasoning stay, whether or not they are special tokens: an extractor needs them.
        """
        before = list(prompt_ids[-DECODE_CONTEXT_TOKENS:])
        kept = [token for token in output_ids if token not in self.special_ids or token in self._shown_ids]
        prefix, whole = self._text(before), self._text(before + kept)
        if whole.startswith(prefix):
            return whole[len(prefix) :]
        # The context ended inside a character: count from where the two texts part.
        same = next((i for i, (a, b) in enumerate(zip(prefix, whole, strict=False)) if a != b), len(whole))
        return whole[same:]

    def reasoning_mark(self, prompt_ids: Sequence[int], prefill: str) -> str:
        """The opening mark of reasoning that a rendered prompt ends with (before its `prefill`), empty if none."""
        count = MARK_TOKENS + len(prefill)
        return opened_by(self._text(list(prompt_ids[-count:])).removesuffix(prefill))

    def special_stops(self, stop: Sequence[str]) -> frozenset[int]:
        """Ids of the stop strings that are special tokens of this tokenizer."""
        named = dict(zip(self.tokenizer.all_special_tokens, self.tokenizer.all_special_ids, strict=True))
        return frozenset(named[one] for one in stop if one in named)

    def render(self, prompt: Prompt) -> str:
        """The text that is tokenised. Raises EngineError if there is no template or it refuses."""
        if isinstance(prompt, TextPrompt):
            return prompt.text
        if not self.template:
            raise EngineError("a chat prompt was given, but the tokenizer has no chat template; use style: text")
        messages = list(prompt.messages)
        if not self.chat.keeps_system:
            messages = fold_system(messages)
        if not prompt.prefill:
            return self.chat.render(messages, options=prompt.template_options)
        continued = [*messages, Message("assistant", prompt.prefill)]
        try:
            text = self.chat.render(continued, "unfinished", prompt.template_options)
        except ModelError:
            raise
        except EngineError:
            text = ""
        # Templates may strip or move an assistant turn's text; the answer must start with the prefill.
        if text.endswith(prompt.prefill):
            return text
        return self.chat.render(messages, options=prompt.template_options) + prompt.prefill

    def notes(self, says_bos: bool = False) -> tuple[str, ...]:
        """What a reader should know of how prompts are made; `says_bos`: the tokenizer config promises one."""
        found = []
        if self.template and not self.chat.keeps_system:
            found.append("the chat template has no system turn: a system text goes into the first user turn")
        if not self.template and self.tokenizer.chat_template:
            names = ", ".join(sorted(self.tokenizer.chat_template))
            found.append(f"the tokenizer has chat templates by name ({names}), but none is the default: none is used")
        if self.template and self.chat.takes_parts:
            found.append("the chat template reads content as a list of parts: each turn is given as one part of text")
        if self.template and "strftime_now" in self.template:
            found.append("the chat template writes today's date: prompts differ from day to day")
        ids = list(self.tokenizer("a")["input_ids"])
        if ids and ids[-1] == self.tokenizer.eos_token_id and len(ids) > 1:
            found.append("the tokenizer ends every text with EOS: taken off prompts")
        if says_bos and ids[:1] != [self.tokenizer.bos_token_id]:
            found.append("tokenizer_config.json sets add_bos_token, but the tokenizer adds none: none is added")
        return tuple(found)

    def _ids(self, text: str, templated: bool) -> list[int]:
        bos, eos = self.tokenizer.bos_token, self.tokenizer.eos_token_id
        plain = templated or bool(bos and text.startswith(bos))
        ids = list(self.tokenizer(text, add_special_tokens=not plain)["input_ids"])
        if not plain and ids and ids[-1] == eos and not text.endswith(self.tokenizer.eos_token):
            ids.pop()
        while len(ids) > 1 and ids[0] == ids[1] == self.tokenizer.bos_token_id:
            ids.pop(0)
        return ids

    def _start_token(self) -> int:
        for token in (self.tokenizer.bos_token_id, self.tokenizer.eos_token_id):
            if token is not None:
                return int(token)
        raise EngineError("an empty context needs a BOS or EOS token to start from, and the tokenizer has neither")

    def _text(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text


def fold_system(messages: Sequence[Message]) -> list[Message]:
    """Put the system turns' text before the first user turn's."""
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    rest = [message for message in messages if message.role != "system"]
    if not system:
        return rest
    first = next((index for index, message in enumerate(rest) if message.role == "user"), None)
    if first is None:
        return [Message("user", system), *rest]
    rest[first] = Message("user", f"{system}\n\n{rest[first].content}")
    return rest
