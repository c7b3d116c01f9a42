"""Options of the chat template by task page, model page and command: the later wins, and the prompt shows it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from files import REPO

TEMPLATE = (
    "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% if enable_thinking %}<think>\n{% endif %}{% endif %}"
)


@pytest.fixture
def thinker(tmp_path: Path) -> Path:
    """The demo model under a template that opens a trace where it is to."""
    folder = tmp_path / "thinker"
    shutil.copytree(REPO / "harness/demo/models/demo-smaller", folder)
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


def test_task_model_page_and_command_set_template_options_in_this_order(cli, sums: Path, thinker: Path) -> None:
    page = thinker.parent / "quiet.yaml"
    page.write_text(f"name: quiet\npath: {thinker}\nengine: {{template_options: {{enable_thinking: false}}}}\n")
    sums.write_text(
        sums.read_text().replace('chat: {user: "What', 'chat: {template_options: {enable_thinking: true}, user: "What')
    )

    def shown(model: Path, *more: str) -> bool:
        ran = cli("run", "--model", model, "--tasks", sums, "--dry-run", *more)
        assert ran.code == 0, ran.err
        return ran.out.rstrip().endswith("<think>")

    assert shown(thinker)
    assert not shown(page)
    assert shown(page, "--set", "engine.template_options={enable_thinking: true}")
    assert not shown(thinker, "--set", "tasks.sums.prompt.chat.template_options={}")


def test_an_option_of_a_task_without_effect_is_noted_before_the_run(cli, sums: Path, tmp_path: Path) -> None:
    sums.write_text(sums.read_text().replace('chat: {user: "What', 'chat: {template_options: {depth: 2}, user: "What'))
    ran = cli("run", "--model", "demo-smaller", "--tasks", sums, "--limit", "1", "--out", "run")
    assert ran.code == 0, ran.err
    assert "note: the chat template reads no variable 'depth'" in ran.err
    assert "'depth'" in (tmp_path / "run" / "manifest.json").read_text()
