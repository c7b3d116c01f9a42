"""A run file: what is saved is read back as the same run; its faults have a line; the command line wins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.config.run_file import RunChoices, config_of, foreign_code, merged, read_run_file, without_other_tasks
from harness.config.run_file_text import run_file_text
from harness.errors import ConfigError, UnknownName

TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=30)
PLAIN = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(
    PLAIN, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)), max_leaves=6
)


def saved(tmp_path: Path, choices: RunChoices) -> RunChoices:
    path = tmp_path / "run.yaml"
    path.write_text(run_file_text(choices, {}), encoding="utf-8")
    return read_run_file(path)


@settings(max_examples=60)
@given(
    value=VALUES,
    names=st.lists(TEXTS.filter(bool), min_size=1, max_size=3),
    axis=st.lists(PLAIN, min_size=1, max_size=3),
    gate=TEXTS,
)
def test_any_value_comes_back_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, value: Any, names: list[str], axis: list[Any], gate: str
) -> None:
    choices = RunChoices(
        model=names[0],
        tasks=tuple(names),
        sweep={"shots": axis},
        # Keys whose values the run file does not check
        settings={"tasks.gsm8k.variants": value, "engine.anything": value},
        gates=(gate,),
    )
    folder = tmp_path_factory.mktemp("saved")
    text = run_file_text(choices, {})
    found = saved(folder, choices)
    assert (found.model, found.tasks, found.sweep) == (choices.model, choices.tasks, choices.sweep)
    assert dict(found.settings) == choices.settings and found.gates == (gate,)
    assert repr(found.settings) == repr(dict(sorted(choices.settings.items()))), "True is not 1, 1 is not 1.0"
    # Another reader of YAML sees the same keys
    assert set(yaml.safe_load(text)) >= {"model", "tasks", "sweep"}


@pytest.mark.parametrize(
    "choices",
    [
        RunChoices(),
        RunChoices(model="demo-smaller", suite="demo"),
        RunChoices(model="Qwen/Qwen2.5-0.5B-Instruct", suite="small-models", settings={"limit": 5, "limit_seed": 7}),
        RunChoices(tasks=("demo_*",), sweep={"prompts": ["chat", "text"]}, settings={"seed": 4}),
        RunChoices(tasks=("gsm8k", "humaneval"), settings={"tasks.gsm8k.fewshot.count": 3, "budget.max_cost": 2.5}),
        RunChoices(settings={"engine.url": "http://localhost:8000/v1", "engine.prompts": "auto"}, model="some:7b"),
        RunChoices(settings={"model.path": "demo-smaller", "model.style": "text"}),
        RunChoices(settings={"engine.completions": "gpt-4.1.jsonl.gz", "engine.name": "scripted"}, suite="math"),
        RunChoices(suite="quick", settings={"skip_missing": True, "execution.packages": ["scikit-learn"]}),
        RunChoices(settings={"engine.extra_body": {"chat_template_kwargs": {"enable_thinking": True}}}, suite="code"),
        # Equal to the default: left out, and the run is the same
        RunChoices(settings={"seed": 0, "execution.wall_seconds": 10.0, "repeat_check": None}),
    ],
)
def test_a_saved_run_is_the_same_run(tmp_path: Path, choices: RunChoices) -> None:
    assert config_of(saved(tmp_path, choices)).model_dump() == config_of(choices).model_dump()


def test_what_is_the_default_is_left_out(tmp_path: Path) -> None:
    choices = RunChoices(settings={"seed": 0, "execution.wall_seconds": 10.0, "data.mirror": None, "limit": 3})
    assert saved(tmp_path, choices).settings == {"limit": 3}


@pytest.mark.parametrize(
    "settings",
    [
        {"engine.extra_body": {"api_key": "sk-1234"}},
        {"engine.extra_body": {"headers": [{"Authorization": "Bearer 1"}]}},
        {"engine.url": "https://me:secret@host/v1"},
        {"engine.url": ["http://a/v1", "http://b/v1?api_key=1"]},
    ],
)
def test_a_secret_is_never_written(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="looks like a key or a password"):
        run_file_text(RunChoices(settings=settings), {})


def test_the_name_of_a_key_s_variable_is_no_secret() -> None:
    assert "MY_KEY" in run_file_text(RunChoices(settings={"engine.key_env": "MY_KEY"}), {})


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("limit: 3\nlimitt: 4\n", 2, "unknown key 'limitt'; did you mean 'limit'"),
        ("batchsize: 4\n", 1, "batch_size"),
        ("model: 3\n", 1, "model: expected a name, a hub id or a folder (found 3)"),
        ("suite: demo\ntasks: [gsm8k]\n", 2, "not both"),
        ("tasks:\n  gsm8k:\n    repeat: 2\n", 3, "did you mean 'repeats'"),
        ("tasks: {gsm8k: 4}\n", 1, "expected keys with values"),
        ("engine:\n  url: a\nendpoint: b\n", 3, "engine.url is set twice: also in"),
        ("data: 3\n", 1, "data: expected keys with values"),
        ("limit: 3\nlimit: 4\n", 2, "appears twice"),
        ("suite.tasks: [a]\n", 1, "cannot be set"),
        ("sweep: {shots: []}\n", 1, "sweep: expected axes"),
        ("fail_under: {gsm8k: 0.5}\n", 1, "fail_under: expected a score"),
        ("model: a\nmodel.path: b\n", 2, "the model is named twice"),
        ("- a\n", 1, "expected keys and values"),
    ],
)
def test_a_fault_of_a_file_has_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        read_run_file(path)
    assert f"run.yaml:{line}: " in str(error.value) and said in str(error.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("suite: demo\nlimit: x\n", 2, "valid integer"),
        ("suite: demo\n\nmodel: demo-smalle\n", 3, "did you mean 'demo-smaller'"),
        ("suite: dem\n", 1, "no suite is called 'dem'"),
        ("tasks: ['demo_mat?x']\n", 1, "demo_math"),
        ("tasks: [demo_math]\nsweep: {shots: [x]}\n", 2, "shots"),
        ("limit_seed: 4\n", 1, "which is not set"),
    ],
)
def test_a_value_that_no_run_can_have_is_blamed_on_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    from harness.plan import suite_pages

    path = tmp_path / "run.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises((ConfigError, UnknownName)) as error:
        suite_pages(config_of(read_run_file(path)))
    if "limit_seed" not in text:
        assert f"run.yaml:{line}: " in str(error.value)
    assert said in str(error.value)


def test_a_setting_of_a_task_is_blamed_on_its_line(tmp_path: Path) -> None:
    from harness.plan import suite_pages

    path = tmp_path / "run.yaml"
    path.write_text("tasks:\n  demo_math:\n    repeats: 0\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"run.yaml:3: tasks.demo_math.repeats: "):
        suite_pages(config_of(read_run_file(path)))
    path.write_text("tasks.demo_maths.repeats: 2\n", encoding="utf-8")
    with pytest.raises(UnknownName, match=r"run.yaml:1: tasks: no task .* 'demo_maths'; did you mean 'demo_math'"):
        suite_pages(config_of(read_run_file(path)))


def test_options_and_config_keys_mean_the_same(tmp_path: Path) -> None:
    found = []
    for number, text in enumerate(
        (
            "endpoint: http://a/v1\nbatch-size: 3\n",
            "engine.url: http://a/v1\nengine.batch_size: 3\n",
            "engine: {url: http://a/v1, batch_size: 3}\n",
        )
    ):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
        found.append(read_run_file(tmp_path / f"{number}.yaml").settings)
    assert found[0] == found[1] == found[2] == {"engine.url": "http://a/v1", "engine.batch_size": 3}


def test_the_command_line_wins_and_every_replaced_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text(
        "model: a/b\nrevision: main\ntasks: [gsm8k]\nlimit: 5\nseed: 2\nengine: {url: http://x/v1, stream: false}\n"
        "tasks.gsm8k.sampling: {max_tokens: 9}\n",
        encoding="utf-8",
    )
    line = RunChoices(
        model="c/d",
        settings={"limit": 7, "seed": 2, "engine.url": "http://y/v1", "tasks.gsm8k.sampling.temperature": 1.0},
        words={"limit": "--limit", "seed": "--seed", "engine.url": "--endpoint"},
    )
    whole, notes = merged(read_run_file(path), line)
    assert whole.model == "c/d" and whole.tasks == ("gsm8k",)
    assert whole.settings == {
        "engine.stream": False,
        "tasks.gsm8k.sampling": {"max_tokens": 9},
        **line.settings,
    }
    assert list(whole.settings).index("tasks.gsm8k.sampling") < list(whole.settings).index(
        "tasks.gsm8k.sampling.temperature"
    )
    said = [note.rpartition("run.yaml")[2] for note in notes]
    assert said == [
        ":1: model a/b is replaced by --model c/d",
        ":2: model.revision main is replaced by --model c/d",
        ":4: limit 5 is replaced by --limit 7",
        ":6: engine.url http://x/v1 is replaced by --endpoint http://y/v1",
    ]


def test_settings_of_tasks_that_do_not_run_are_named(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("tasks.gsm8k.repeats: 2\ntasks.humaneval.repeats: 3\n", encoding="utf-8")
    whole, notes = merged(read_run_file(path), RunChoices(tasks=("gsm8k",)))
    kept, more = without_other_tasks(whole, ["gsm8k"])
    assert not notes and kept.settings == {"tasks.gsm8k.repeats": 2}
    assert len(more) == 1 and more[0].endswith(
        "run.yaml:2: tasks.humaneval.repeats has no effect: the run has no such task"
    )


def test_the_file_that_the_documentation_shows_is_one(tmp_path: Path) -> None:
    from files import REPO

    text = (REPO / "docs" / "running.md").read_text(encoding="utf-8")
    path = tmp_path / "run.yaml"
    path.write_text(text.partition("```yaml\n")[2].partition("```")[0], encoding="utf-8")
    found = read_run_file(path)
    assert found.gates == ("gsm8k=0.3",) and found.settings["tasks.gsm8k.fewshot.count"] == 3
    assert config_of(found).limit_seed == 1


@pytest.mark.parametrize(
    ("text", "name", "key"),
    [
        ("model: a/b\ntrust_remote_code: true\n", "trust-remote-code", "model.trust_remote_code"),
        ("model: {path: a/b, trust_remote_code: true}\n", "trust-remote-code", "model.trust_remote_code"),
        ("model: PAGE\n", "trust-remote-code", "model.trust_remote_code"),
        ("data: {trust_page_code: true}\n", "trust-page-code", "data.trust_page_code"),
    ],
)
def test_a_run_file_alone_turns_on_no_code_of_others(tmp_path: Path, text: str, name: str, key: str) -> None:
    page = tmp_path / "m.yaml"
    page.write_text("name: m\npath: a/b\ntrust_remote_code: true\n", encoding="utf-8")
    path = tmp_path / "run.yaml"
    path.write_text(text.replace("PAGE", str(page)) + "tasks: [gsm8k]\n", encoding="utf-8")
    file = read_run_file(path)
    with pytest.raises(ConfigError, match=f"run.yaml:[12]: .*--{name}"):
        foreign_code(file, RunChoices(), config_of(file))
    line = RunChoices(settings={key: True})
    assert foreign_code(file, line, config_of(merged(file, line)[0])) == []


def test_a_run_file_that_turns_the_sandbox_off_is_noted(tmp_path: Path) -> None:
    path = tmp_path / "run.yaml"
    path.write_text("model: a/b\ntasks: [gsm8k]\nsandbox: none\n", encoding="utf-8")
    file = read_run_file(path)
    (note,) = foreign_code(file, RunChoices(), config_of(file))
    assert "run.yaml:3: sandbox none" in note
    assert foreign_code(file, RunChoices(settings={"execution.sandbox": "none"}), config_of(file)) == []


def test_trust_is_not_saved(tmp_path: Path) -> None:
    choices = RunChoices(model="a/b", settings={"model.trust_remote_code": True, "limit": 3})
    text = run_file_text(choices, {})
    assert "# --trust-remote-code was given" in text
    assert saved(tmp_path, choices).settings == {"limit": 3}
