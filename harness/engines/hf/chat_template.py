"""A model's chat template: what it takes, what it shows of a conversation, and which options it reads.

Some templates take a turn's content as a text, some (of multimodal families) as a list of parts, and one that is given
the wrong of the two drops the turn without a word. So each kind of turn is probed: a mark is written as content, in
both forms, and the form is used that shows it exactly once. Guarantees: a rendered conversation holds its last
question; a template that shows no question, or that exceeds the bounds of `template_process`, is a ModelError. Does not
judge whether a template is the one that the model was trained with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Literal

from harness.datatypes import ChatPrompt, Message, Request, RollingRequest
from harness.engines.hf.model_files import one_line
from harness.engines.hf.template_process import STUMBLES, OutOfBounds, Refused, Rendering, render, variables_of
from harness.errors import ConfigError, EngineError, ModelError, suggestion

Form = Literal["text", "parts"]
# What a task sets; the user's own options win over it
TaskOptions = tuple[tuple[str, Any], ...]
# What follows the last turn: an open turn of the assistant, nothing (the turn itself stays open), or the turn's end
End = Literal["answer", "unfinished", "closed"]
FORMS: tuple[Form, ...] = ("text", "parts")
PROBE = "harness probe"
QUESTION, ANSWER, LAST = f"{PROBE} question", f"{PROBE} answer", f"{PROBE} last"
# The engine's own to give
RESERVED = ("messages", "add_generation_prompt")
REMEDY = "use plain text prompts with --style text, or give the tokenizer a chat template that works"


class ChatTemplate:
    """The template of one tokenizer, with the options that the user set."""

    def __init__(self, tokenizer: Any, options: Mapping[str, Any]) -> None:
        """`options` are variables of the template (for example `enable_thinking`)."""
        self._tokenizer = tokenizer
        self._options = dict(options)
        self._last: tuple[tuple[Message, ...], End, TaskOptions, str] | None = None
        self._broken: str | None = None

    @property
    def source(self) -> str | None:
        """The template's source, None if the tokenizer has none."""
        template = self._tokenizer.chat_template
        if isinstance(template, Mapping):
            template = template.get("default")
        return template or None

    @cached_property
    def _own_renderer(self) -> Callable[..., Any] | None:
        """What a tokenizer of a repository's own code (which the user let run) has in place of the common renderer."""
        from transformers import PreTrainedTokenizerBase

        own = type(self._tokenizer).apply_chat_template is not PreTrainedTokenizerBase.apply_chat_template
        return self._tokenizer.apply_chat_template if own else None

    @cached_property
    def keeps_system(self) -> bool:
        """Whether the template shows a system turn; some refuse it, some drop it without a word."""
        try:
            return self._system is not None
        except ModelError:
            return False

    @property
    def takes_parts(self) -> bool:
        """Whether a user's content is given as a list of parts."""
        try:
            return self._user[0] == "parts"
        except ModelError:
            return False

    def require_questions(self) -> None:
        """Raise ModelError unless a user's turn is shown, and where any kind of turn exceeds the bounds."""
        fault = self._fault()
        if not fault:
            # Rendered for the side effect: a turn that exceeds the bounds marks the template as broken
            _ = self.keeps_system, self._assistant
            if self._broken is None:
                return
        raise ModelError(self._broken or f"the chat template {fault}: {REMEDY}")

    def require_turns(self, requests: Sequence[Request]) -> None:
        """Raise ModelError where the requests hold worked examples as turns and the template does not show them."""
        for request in requests:
            prompt = None if isinstance(request, RollingRequest) else request.prompt
            if isinstance(prompt, ChatPrompt) and any(turn.role == "assistant" for turn in prompt.messages):
                if self._assistant is None:
                    raise ModelError(
                        f"the chat template does not show the turns of an assistant, which the examples of "
                        f"{request.task!r} are: set tasks.{request.task}.fewshot.count to 0, or {REMEDY}"
                    )
                return

    def require_options(self) -> None:
        """Raise ConfigError for an option that the template never reads, or that is the engine's own to give."""
        if not self._options:
            return
        if self.source is None:
            raise ConfigError("engine.template_options: the tokenizer has no chat template that could read them")
        read = self._variables()
        for name in self._options:
            if name not in read:
                known = f"; it reads {', '.join(sorted(read))}" if read else "; it reads none"
                raise ConfigError(
                    f"engine.template_options: the chat template reads no variable {name!r}"
                    f"{suggestion(name, read) or known}"
                )

    def unread_options(self, requests: Sequence[Request]) -> tuple[str, ...]:
        """Notes on options that tasks set and the template never reads: pages are for models of every kind.

        Raises ModelError for a template that cannot be read.
        """
        first: dict[str, str] = {}
        for request in requests:
            if not isinstance(request, RollingRequest) and isinstance(request.prompt, ChatPrompt):
                for name, _ in request.prompt.template_options:
                    first.setdefault(name, request.task)
        if not first:
            return ()
        read = self._variables() if self.source is not None else frozenset()
        return tuple(
            f"the chat template reads no variable {name!r}: it has no effect that the task {task!r} sets it"
            for name, task in first.items()
            if name not in read
        )

    def _variables(self) -> frozenset[str]:
        """What the template reads and the engine does not give."""
        assert self.source is not None
        try:
            return variables_of(self.source) - {*RESERVED}
        except (Refused, OutOfBounds) as error:
            raise ModelError(f"the chat template cannot be read ({error}): {REMEDY}") from None

    def render(self, messages: Sequence[Message], end: End = "answer", options: TaskOptions = ()) -> str:
        """Render a conversation. `options` are variables that a task sets; the user's own win.

        Raises EngineError if the template refuses it or drops its last question, ModelError if it exceeds its bounds.
        """
        conversation = tuple(messages)
        if self._last is not None and self._last[:3] == (conversation, end, options):
            return self._last[3]
        forms = {"user": self._user[0], "system": self._system, "assistant": self._assistant}
        turns = [_turn(message, forms.get(message.role) or "text") for message in conversation]
        try:
            text = self._render(turns, end, options)
        except Refused as error:
            roles = ", ".join(message.role for message in conversation)
            raise EngineError(f"the chat template refuses the turns {roles}: {error}") from None
        question = next((message.content for message in reversed(conversation) if message.role == "user"), "")
        if question.strip() not in text and _letters(question) not in _letters(text):
            raise EngineError("the chat template drops or changes the question; use --style text")
        self._last = (conversation, end, options, text)
        return text

    @cached_property
    def _user(self) -> tuple[Form, str]:
        """The form of a user's turn, and what is wrong if there is none."""
        fault = "does not show the user's turn"
        for form in FORMS:
            try:
                shown = self._render([_turn(Message("user", QUESTION), form)])
            except Refused as error:
                fault = f"refuses the user's turn ({error})" if form == "text" else fault
                continue
            if shown.count(QUESTION) == 1 and not _quoted(shown, QUESTION, form):
                return form, ""
            if shown.count(QUESTION) > 1:
                fault = "shows the user's turn more than once"
        return "text", fault

    def _fault(self) -> str:
        try:
            return self._user[1]
        except ModelError as error:
            return str(error)

    @cached_property
    def _assistant(self) -> Form | None:
        before, after = Message("user", QUESTION), Message("user", LAST)
        return self._form_of(ANSWER, before, Message("assistant", ANSWER), after)

    @cached_property
    def _system(self) -> Form | None:
        return self._form_of(PROBE + " system", Message("system", PROBE + " system"), Message("user", QUESTION))

    def _form_of(self, mark: str, *messages: Message) -> Form | None:
        """The form in which the turn with `mark` is shown once, and the other turns as well."""
        of_user, fault = self._user
        if fault:
            return None
        for form in FORMS:
            turns = [_turn(message, form if message.content == mark else of_user) for message in messages]
            try:
                shown = self._render(turns)
            except Refused:
                continue
            if all(shown.count(message.content) == 1 for message in messages) and not _quoted(shown, mark, form):
                return form
        return None

    def _render(self, turns: Sequence[Mapping[str, Any]], end: End = "answer", options: TaskOptions = ()) -> str:
        import jinja2

        chosen = {**{name: value for name, value in options if name not in RESERVED}, **self._options}
        if self.source is None:
            raise EngineError("a chat prompt was given, but the tokenizer has no chat template; use style: text")
        if self._broken is not None:
            raise ModelError(self._broken)
        if (own := self._own_renderer) is not None:
            try:
                return str(
                    own(
                        turns,
                        tokenize=False,
                        add_generation_prompt=end == "answer",
                        continue_final_message=end == "unfinished",
                        **chosen,
                    )
                )
            except (*STUMBLES, jinja2.TemplateError) as error:
                raise Refused(one_line(error)) from None
        variables = {**self._tokenizer.special_tokens_map, **chosen}
        try:
            return render(Rendering(self.source, turns, variables, end == "answer", end == "unfinished"))
        except OutOfBounds as error:
            self._broken = f"the chat template {error}: {REMEDY}"
            raise ModelError(self._broken) from None


def _turn(message: Message, form: Form) -> dict[str, Any]:
    content = message.content if form == "text" else [{"type": "text", "text": message.content}]
    return {"role": message.role, "content": content}


def _quoted(shown: str, mark: str, form: Form) -> bool:
    """Whether a part is shown as it lies in memory, with its keys and quotation marks."""
    return form == "parts" and shown.partition(mark)[0].endswith(("'", '"'))


def _letters(text: str) -> str:
    """A text without white space, which templates may trim or fold."""
    return "".join(text.split())
