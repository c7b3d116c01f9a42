"""The OpenAI protocol: /completions and /chat/completions of OpenAI, vLLM, llama.cpp, SGLang, TGI and many others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.engines.endpoint.wire import Call, Dialect, Fault, HttpCall, WireReply
from harness.engines.endpoint.wires.faults import fault_of_answer
from harness.engines.endpoint.wires.faults_waits import pace_of
from harness.engines.endpoint.wires.openai_replies import OpenAIEventReader, read_reply
from harness.engines.endpoint.wires.openai_requests import write_call


class OpenAIWire:
    """Writes and reads the OpenAI protocol. Stateless."""

    name = "openai"

    def headers(self, key: str | None) -> dict[str, str]:
        """Return the headers of every request; without a key, none that names one."""
        headers = {"content-type": "application/json"}
        return {**headers, "authorization": f"Bearer {key}"} if key else headers

    def write(self, call: Call, model: str, dialect: Dialect) -> HttpCall:
        """Return the request of a call. Raises ConfigError for one that cannot be expressed."""
        return write_call(call, model, dialect)

    def read(self, call: Call, body: Mapping[str, Any]) -> WireReply:
        """Read a whole answer. Raises WireError for one that is incomplete or carries an error."""
        return read_reply(call, body)

    def reader(self, call: Call) -> OpenAIEventReader:
        """Begin to read a streamed answer."""
        return OpenAIEventReader(call)

    def fault(self, status: int, headers: Mapping[str, str], body: bytes) -> Fault:
        """Say what an answer with an error status means. `headers` have lower-case names."""
        return fault_of_answer(status, headers, body)

    def pace(self, headers: Mapping[str, str]) -> float:
        """Return the seconds to wait before the next request; 0 where no limit is used up."""
        return pace_of(headers)
