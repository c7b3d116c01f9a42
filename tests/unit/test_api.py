"""What `import harness` offers: types that load when they are used, a version, and options that are refused by name."""

from __future__ import annotations

import subprocess
import sys
from importlib import metadata

import pytest

import harness
from harness.config.checking import check_key
from harness.config.options import run_options
from harness.config.schema import RunConfig


def test_every_exported_name_is_there():
    for name in harness.__all__:
        assert getattr(harness, name) is not None, name
    assert harness.__version__ == metadata.version("harness")
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="no attribute 'nowhere'"):
        harness.nowhere  # noqa: B018


def test_a_result_type_loads_no_framework():
    code = "import sys, harness; harness.Record, harness.Verdict; print(' '.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "torch" not in loaded and "harness.datatypes" in loaded


def test_an_option_that_there_is_not_is_refused_with_the_closest():
    with pytest.raises(harness.UserError, match="no option is called 'limits'; did you mean 'limit'"):
        harness.evaluate(limits=3)  # type: ignore[call-arg]


def test_names_of_tasks_by_commas_may_have_spaces_as_on_the_command_line(tmp_path):
    with pytest.raises(harness.UserError, match="no task is called 'no_such_task'"):
        harness.evaluate(model="demo-smaller", tasks="demo_math, no_such_task", out=tmp_path / "r")


def test_every_option_of_a_run_is_a_key_of_its_config():
    for name, (kind, option) in run_options().items():
        assert kind in (bool, int, float, str) and option.help, name
        # An engine checks its options itself
        check_key(RunConfig, "engine" if option.key.startswith("engine.") else option.key)
