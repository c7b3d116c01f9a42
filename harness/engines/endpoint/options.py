"""Options of the engines that ask a server: keys of `engine` in a config, and in a model page."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool


class EndpointOptions(BaseModel):
    """Where the server is, how it is prompted, and how long to wait for it.

    `url` is one base URL or several of the same model (`http://node1:8000/v1`), with commas or as a list. The key is
    read from the environment variable `key_env`; the usual one of an engine is for its official API alone. `tokenizer`
    is a folder or a hub id; with it `prompts: auto` means exact. `served_as`: the precision and the flags that the
    server was started with, which no server states. `answers_as`: another name of the model, which the server's answers
    may state. `extra_body` goes into every request. Times are in seconds: `connect_seconds` to connect, `idle_seconds`
    between two events, `request_deadline` for one call with all its attempts, `stall_seconds` without one success
    before the run stops. `max_failed`: the share of calls that may fail before the run stops.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    url: str | list[str] | None = None
    key_env: str | None = None
    tokenizer: str | None = None
    prompts: Literal["auto", "exact", "chat", "text"] = "auto"
    served_as: str | None = None
    answers_as: str | None = None
    extra_body: dict[str, Any] = {}
    template_options: dict[str, Any] = {}
    overflow: Literal["truncate_left", "refuse"] = "truncate_left"
    context_window: int | None = Field(None, ge=2)
    concurrency: int = Field(256, ge=1)
    stream: StrictBool = True
    connect_seconds: float = Field(10.0, gt=0)
    idle_seconds: float = Field(120.0, gt=0)
    request_deadline: float = Field(1800.0, gt=0)
    stall_seconds: float = Field(600.0, gt=0)
    max_failed: float = Field(0.02, ge=0, le=1)
