"""`--set PATH=VALUE` and `--sweep AXIS=VALUE,VALUE`."""

from __future__ import annotations

from typing import Any

from harness.errors import ConfigError


def read_settings(settings: list[str]) -> dict[str, Any]:
    """Return dotted config keys with their YAML values. Raises ConfigError for one without `=` or given twice."""
    from harness.config.yaml_page import parse_value

    values: dict[str, Any] = {}
    for setting in settings:
        dotted, sign, text = setting.partition("=")
        if not sign or not dotted.strip():
            raise ConfigError(f"--set {setting}: expected PATH=VALUE, as in --set tasks.gsm8k.repeats=4")
        if dotted.strip() in values:
            raise ConfigError(f"--set {setting}: {dotted.strip()} is set twice; keep one")
        values[dotted.strip()] = parse_value(text)
    return values


def read_sweep(sweeps: list[str]) -> dict[str, list[Any]]:
    """Return axes with their values: `shots=0,5,prompts=text,chat`, or one axis per flag. Raises ConfigError.

    A part with `=` begins an axis, a part without is a value of the axis before it; values are read as YAML.
    """
    from harness.config.yaml_page import parse_value

    axes: dict[str, list[Any]] = {}
    for sweep in sweeps:
        axis = ""
        for part in sweep.split(","):
            name, sign, text = part.partition("=")
            if sign:
                axis = name.strip()
                if axis in axes:
                    raise ConfigError(f"--sweep {sweep}: {axis} is given twice; keep one")
                axes[axis] = []
            value = (text if sign else part).strip()
            if not axis or not value:
                raise ConfigError(
                    f"--sweep {sweep}: expected AXIS=VALUE,VALUE, as in --sweep shots=0,5,prompts=text,chat"
                )
            axes[axis].append(parse_value(value))
    return axes
