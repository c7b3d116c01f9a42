"""Chat templates: every turn is shown once, or the model is refused; and no template runs for ever."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from engines.tiny_tokenizer import make_tokenizer

from harness.datatypes import ChatPrompt, GenerateRequest, Message, Sampling
from harness.engines.hf import template_process
from harness.engines.hf.prompt_encoding import PromptEncoder
from harness.engines.hf.template_process import OutOfBounds, Refused, Rendering, render, variables_of
from harness.errors import ConfigError, EngineError, ModelError

SHOTS = (Message("user", "two plus two?"), Message("assistant", "four"), Message("user", "three plus four?"))
OPEN = "{% if add_generation_prompt %}<assistant>{% endif %}"
TEXT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}" + OPEN
PARTS = (
    "{% for m in messages %}<{{ m['role'] }}>{% for part in m['content'] %}{% if part['type'] == 'text' %}"
    "{{ part['text'] }}{% endif %}{% endfor %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
)
# Parts for the user, plain text for the assistant
MIXED = (
    "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' %}{{ m.content + '' }}{% else %}"
    "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}{% endfor %}<assistant>"
)
EITHER = (
    "{% for m in messages %}<{{ m.role }}>{% if m.content is string %}{{ m.content }}{% else %}"
    "{% for part in m.content %}{{ part.text }}{% endfor %}{% endif %}{% endfor %}<assistant>"
)


def encoder(template: str, **options: Any) -> PromptEncoder:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = template
    return PromptEncoder(tokenizer, options)


@pytest.mark.parametrize("template", [TEXT, PARTS, MIXED, EITHER])
def test_every_turn_and_the_prefill_are_in_the_prompt_whatever_form_the_template_reads(
    template: str,
) -> None:
    one = encoder(template)
    assert one.style("auto") == "chat"
    system = Message("system", "Be brief.")
    wanted = "<system>Be brief.<user>two plus two?<assistant>four<user>three plus four?<assistant>"
    assert one.render(ChatPrompt((system, *SHOTS))) == wanted
    assert one.render(ChatPrompt((system, *SHOTS), "It is")) == f"{wanted}It is"
    assert one.render(ChatPrompt(SHOTS[-1:])) == "<user>three plus four?<assistant>"
    assert any("list of parts" in note for note in one.notes()) == (template in (PARTS, MIXED))


def test_a_system_turn_that_only_the_wrong_form_would_show_is_folded() -> None:
    one = encoder(
        "{% for m in messages if m.role != 'system' %}{% for p in m.content %}{{ p.text }}{% endfor %}{% endfor %}"
    )
    assert one.render(ChatPrompt((Message("system", "Be brief."), SHOTS[-1]))) == "Be brief.\n\nthree plus four?"


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("hello", "does not show the user's turn"),
        ("{% for m in messages %}{% for p in m.content %}{{ p.txt }}{% endfor %}{% endfor %}", "does not show"),
        ("{% for m in messages %}{{ m.content }} {{ m.content }}{% endfor %}", "more than once"),
        ("{% for m in messages %}{% for p in m.content %}{{ p }}\n{% endfor %}{% endfor %}", "does not show"),
        ("{{ raise_exception('tools only') }}", "refuses the user's turn (tools only)"),
        ("{% for m in messages %}", "refuses the user's turn (Unexpected end of template"),
        (
            "{{ messages[0].__class__.__mro__ }}{{ messages[0].content }}",
            "refuses the user's turn (access to attribute",
        ),
    ],
)
def test_a_template_that_does_not_show_the_question_once_is_refused_and_plain_text_stays(
    template: str, why: str
) -> None:
    one = encoder(template)
    with pytest.raises(ModelError) as caught:
        one.style("auto")
    assert why in str(caught.value) and "--style text" in str(caught.value) and "\n" not in str(caught.value)
    assert caught.value.exit_code == 2
    assert one.style("text") == "text"


def test_a_question_that_the_probe_did_not_meet_and_the_template_drops_is_refused() -> None:
    one = encoder("{% for m in messages %}{{ m.content.replace('secret', '') }}{% endfor %}")
    assert one.style("auto") == "chat"
    with pytest.raises(EngineError, match="drops or changes the question"):
        one.render(ChatPrompt((Message("user", "the secret word"),)))


def test_white_space_of_a_question_is_the_templates_to_trim() -> None:
    one = encoder("{% for m in messages %}{{ m.content | trim | replace('\n', ' ') }}{% endfor %}")
    assert one.render(ChatPrompt((Message("user", " a\nb "),))) == "a b"


def test_examples_that_a_template_drops_are_refused_before_anything_is_asked() -> None:
    one = encoder("{{ messages[-1].content }}")
    assert one.style("auto") == "chat"

    def ask(*turns: Message) -> GenerateRequest:
        return GenerateRequest("k", "sums", "s", 0, ChatPrompt(turns), Sampling(4))

    one.chat.require_turns([ask(SHOTS[-1])])
    with pytest.raises(ModelError, match=r"does not show the turns of an assistant.*tasks\.sums\.fewshot\.count"):
        one.chat.require_turns([ask(SHOTS[-1]), ask(*SHOTS)])


def test_a_tokenizer_of_own_code_renders_by_itself() -> None:
    tokenizer = make_tokenizer()

    class Own(type(tokenizer)):  # type: ignore[misc]
        def apply_chat_template(self, turns: Any, **_: Any) -> str:
            return "own " + " ".join(turn["content"] for turn in turns)

    tokenizer.__class__ = Own
    tokenizer.chat_template = "not used"
    assert PromptEncoder(tokenizer).render(ChatPrompt(SHOTS[-1:])) == "own three plus four?"


# --- options


def test_options_that_the_template_reads_reach_it_and_others_are_refused() -> None:
    template = (
        "{% if enable_thinking is not defined %}{% set enable_thinking = true %}{% endif %}{{ enable_thinking }}" + TEXT
    )
    one = encoder(template, enable_thinking=False)
    assert one.style("auto") == "chat"
    assert one.render(ChatPrompt(SHOTS[-1:])).startswith("False")
    with pytest.raises(ConfigError, match=r"template_options: .* no variable 'nonsense'; it reads enable_thinking"):
        encoder(template, nonsense=True).style("auto")
    with pytest.raises(ConfigError, match="did you mean 'enable_thinking'"):
        encoder(template, enable_thinkin=True).style("auto")
    for reserved in ("messages", "add_generation_prompt"):
        with pytest.raises(ConfigError, match=f"no variable '{reserved}'"):
            encoder(template, **{reserved: []}).style("auto")


def test_options_without_a_template_are_refused() -> None:
    tokenizer = make_tokenizer()
    tokenizer.chat_template = None
    with pytest.raises(ConfigError, match="no chat template that could read them"):
        PromptEncoder(tokenizer, {"enable_thinking": True}).style("auto")


# --- bounds


BOMBS = {
    "text": "{{ 'a' * 10**10 }}",
    "doubling": "{% set n = namespace(s='a') %}{% for i in range(60) %}{% set n.s = n.s ~ n.s %}{% endfor %}{{ n.s }}",
    "loops": "{% for i in range(99999) %}" * 3 + "{% endfor %}" * 3,
    "power": "{{ ((10**9)**(10**9)) is odd }}",
    "recursion": "{% macro f(n) %}{{ f(n + 1) }}{% endmacro %}{{ f(0) }}",
    "nesting": "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "long": "x" * 2_000_000,
    "output": "{% for i in range(9999) %}" + "x" * 1000 + "{% endfor %}",
}


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child of this test's own, which may compute for half a second."""
    monkeypatch.setattr(template_process, "CPU_SECONDS", 0.5)
    template_process._renderer.cache_clear()
    yield
    template_process._renderer.cache_clear()


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_the_next_model_is_not_harmed(name: str) -> None:
    one = encoder(BOMBS[name] + TEXT)
    with pytest.raises(ModelError, match=r"the chat template .*--style text"):
        one.style("auto")
    assert one.style("text") == "text"
    assert encoder(TEXT).render(ChatPrompt(SHOTS[-1:])) == "<user>three plus four?<assistant>"


@pytest.mark.usefixtures("short")
@pytest.mark.parametrize("when", ["messages | length > 2", "messages[0].role == 'system'"])
def test_a_bomb_that_waits_for_a_longer_conversation_is_found_before_the_run(when: str) -> None:
    with pytest.raises(ModelError, match="MB of memory"):
        encoder("{% if " + when + " %}{{ 'a' * 10**10 }}{% endif %}" + TEXT).style("auto")


@pytest.mark.usefixtures("short")
def test_a_bomb_that_waits_for_one_question_ends_the_run_and_not_the_machine() -> None:
    one = encoder("{% if 'boom' in messages[-1].content %}{{ 'a' * 10**10 }}{% endif %}" + TEXT)
    assert one.style("auto") == "chat"
    assert one.render(ChatPrompt(SHOTS[-1:])).endswith("three plus four?<assistant>")
    with pytest.raises(ModelError):
        one.render(ChatPrompt((Message("user", "boom"),)))


# --- the child


def test_the_child_renders_what_transformers_renders(shared: Path) -> None:
    from transformers import AutoTokenizer

    for name in ("qwen3", "phi-3", "mistral-7b", "torchtitan-tiny"):
        tokenizer = AutoTokenizer.from_pretrained(shared / "tokenizers" / name)
        turns = [{"role": one.role, "content": one.content} for one in SHOTS]
        wanted = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        assert PromptEncoder(tokenizer).render(ChatPrompt(SHOTS)) == wanted


def test_a_child_that_died_is_replaced_and_its_rendering_done() -> None:
    rendering = Rendering("{{ messages[0].content }}", [{"role": "user", "content": "a"}], {})
    assert render(rendering) == "a"
    pid, _ = template_process._renderer(os.getpid())._child
    os.kill(pid, signal.SIGKILL)
    assert render(rendering) == "a"
    assert template_process._renderer(os.getpid())._child[0] != pid


def test_faults_of_a_template_are_its_own_and_leave_the_child_alone() -> None:
    for source in ("{{ 1 / 0 }}", "{{ messages[7].content }}", "{{ nothing.at.all }}", "{{ 'é'.encode('ascii') }}"):
        with pytest.raises(Refused):
            render(Rendering(source, [{"role": "user", "content": "a"}], {}))
    assert variables_of("{{ a }}{% set b = 1 %}{{ b }}{{ range(3) }}") == {"a"}
    with pytest.raises(OutOfBounds):
        variables_of("{{ " + "[" * 9000 + "]" * 9000 + " }}")
