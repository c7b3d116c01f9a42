"""The base of all pages' sections, and names."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
# Capitals are kept as the model's authors write them, and a plus comes before an adapter
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$")]
# No dot: `--set tasks.NAME.key` must know where the name ends
TASK_NAME = r"^[a-z0-9][a-z0-9_-]*$"
TaskName = Annotated[str, StringConstraints(pattern=TASK_NAME)]


class Section(BaseModel):
    """Base of all sections: frozen, and unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
