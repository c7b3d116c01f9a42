"""A small server in the shape of vLLM's OpenAI API, as vLLM 0.32 answers; plain transformers compute the answers.

Not vLLM: it shows that a client reads this wire, and its numbers are those of transformers. As a program:
`python vllm_shape.py MODEL_FOLDER [--port 8080] [--name demo] [--no-scoring]`; it prints `ready URL`. `--no-scoring`:
a server that accepts `prompt_logprobs` and returns none, as others do. It ends with the process that started it.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import threading
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from until_parent_ends import wait_for_parent
from vllm_model import Generated, Model

FINGERPRINT = "vllm-0.32.0-5ca1ab1e"
MOST_STOPS = 4
MOST_LOGPROBS = 20


class BadRequest(Exception):
    """A request that vLLM refuses."""

    def __init__(self, message: str, param: str | None = None, status: int = 400, value: int | None = None) -> None:
        """`param` is the field that is named in the answer, `value` what it had."""
        if value is not None:
            message = f"{message} (parameter={param}, value={value})"
        super().__init__(message)
        self.status = status
        kind = "NotFoundError" if status == 404 else "BadRequestError"
        self.body = {"error": {"message": message, "type": kind, "param": param, "code": status}}


@dataclass(frozen=True)
class Served:
    """The model and how it is served."""

    model: Model
    name: str
    scoring: bool

    def complete(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer /v1/completions: the choices of the prompts, each with its prompt's ids."""
        settings = self._settings(body, 16)
        prompts = [self._ids(prompt, body) for prompt in _prompts(body.get("prompt"))]
        choices: list[dict[str, Any]] = []
        for ids in prompts:
            self._check_size(ids, settings)
        for ids in prompts:
            for turn in range(settings["n"]):
                choices.append(self._choice(ids, body, settings, turn, len(choices), chat=False))
        return choices

    def chat(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Answer /v1/chat/completions."""
        settings = self._settings(body, None)
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages:
            raise BadRequest("messages: Field required", "messages")
        generate, go_on = body.get("add_generation_prompt", True), body.get("continue_final_message", False)
        if generate and go_on:
            raise BadRequest("continue_final_message and add_generation_prompt are not compatible.")
        self._check_characters(sum(len(str(message.get("content"))) for message in messages))
        ids = self.model.render(messages, generate=bool(generate), go_on=bool(go_on))
        if body.get("add_special_tokens"):
            ids = [self.model.tokenizer.bos_token_id, *ids]
        self._check_size(ids, settings)
        return [self._choice(ids, body, settings, turn, turn, chat=True) for turn in range(settings["n"])]

    def _ids(self, prompt: str | list[int], body: Mapping[str, Any]) -> list[int]:
        if isinstance(prompt, list):
            wrong = [number for number in prompt if not 0 <= number < len(self.model.tokenizer)]
            if wrong:
                raise BadRequest(f"Token id {wrong[0]} is out of vocabulary")
            return prompt
        if not prompt:
            raise BadRequest("Either prompt or prompt_embeds must be provided and non-empty.", "prompt")
        self._check_characters(len(prompt))
        special = bool(body.get("add_special_tokens", True))
        return list(self.model.tokenizer(prompt, add_special_tokens=special)["input_ids"])

    def _settings(self, body: Mapping[str, Any], default_length: int | None) -> dict[str, Any]:
        model = body.get("model", self.name)
        if model != self.name:
            raise BadRequest(f"The model `{model}` does not exist. Valid aliases: {self.name}.", "model", 404)
        stop = body.get("stop") or []
        settings = {
            "temperature": _number(body, "temperature", 1.0),
            "top_p": _number(body, "top_p", 1.0),
            "top_k": int(_number(body, "top_k", 0)),
            "min_p": _number(body, "min_p", 0.0),
            "n": int(_number(body, "n", 1)),
            "seed": body.get("seed"),
            "stop": [stop] if isinstance(stop, str) else list(stop),
        }
        length = body.get("max_completion_tokens")
        settings["max_tokens"] = length if length is not None else body.get("max_tokens", default_length)
        self._refuse(body, settings)
        return settings

    def _refuse(self, body: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        most = settings["max_tokens"]
        if not 0 <= settings["temperature"] <= 2:
            raise BadRequest(f"temperature must be in [0, 2], got {settings['temperature']}.", "temperature")
        if not 0 < settings["top_p"] <= 1:
            raise BadRequest(f"top_p must be in (0, 1], got {settings['top_p']}.", "top_p")
        if settings["temperature"] == 0 and settings["n"] > 1:
            raise BadRequest(f"n must be 1 when using greedy sampling, got {settings['n']}.")
        if len(settings["stop"]) > MOST_STOPS:
            raise BadRequest(
                "1 validation error:\n  {'type': 'too_long', 'loc': 'body.stop', 'msg': 'List should have at most "
                f"{MOST_STOPS} items after validation, not {len(settings['stop'])}'}}",
                "body.stop",
            )
        if "" in settings["stop"]:
            raise BadRequest("stop cannot contain an empty string.")
        if most is not None and (most < 0 or (most == 0 and not body.get("echo"))):
            raise BadRequest(f"max_tokens must be at least 1, got {most}.", "max_tokens", value=most)
        if most is not None and most > self.model.window:
            name = "max_tokens" if body.get("max_completion_tokens") is None else "max_completion_tokens"
            raise BadRequest(
                f"{name}={most} cannot be greater than max_model_len={self.model.window}. Please request fewer output "
                "tokens.",
                name,
                value=most,
            )
        if body.get("stream") and body.get("prompt_logprobs") is not None:
            raise BadRequest("`prompt_logprobs` are not available when `stream=True`.", "prompt_logprobs")
        if not -1 < _top(body) <= MOST_LOGPROBS:
            raise BadRequest(
                f"Requested sample logprobs of {_top(body)}, which is greater than max allowed: 20", "logprobs"
            )
        logprobs = body.get("logprobs")
        # Not `in`: 0 is a number of log-probabilities, and equal to False
        if body.get("logprob_token_ids") and (logprobs is None or logprobs is False):
            raise BadRequest("when using `logprob_token_ids`, `logprobs` must be set.", "logprob_token_ids")

    def _check_size(self, ids: Sequence[int], settings: Mapping[str, Any]) -> None:
        if not ids:
            raise BadRequest("The decoder prompt cannot be empty", "prompt")
        if len(ids) > self.model.window:
            raise BadRequest(
                f"This model's maximum context length is {self.model.window} tokens. However, your prompt contains at "
                f"least {self.model.window + 1} input tokens, which exceeds this limit even without any output tokens. "
                "Please reduce the length of the input prompt.",
                "input_tokens",
                value=self.model.window + 1,
            )
        if len(ids) == self.model.window and settings["max_tokens"] != 0:
            raise BadRequest("max_tokens must be at least 1, got 0.", "max_tokens", value=0)

    def _check_characters(self, characters: int) -> None:
        """Refuse a prompt that is too long whatever its tokens are, before it is cut into them."""
        most = self.model.window * max(map(len, self.model.tokenizer.get_vocab()))
        if characters > most:
            raise BadRequest(
                f"This model's maximum context length is {self.model.window} tokens. However, your prompt contains "
                f"{characters} characters (more than {most} characters, which is the upper bound for "
                f"{self.model.window} input tokens). Please reduce the length of the input prompt.",
                "input_text",
                value=characters,
            )

    def _choice(
        self, ids: list[int], body: Mapping[str, Any], settings: Mapping[str, Any], turn: int, index: int, *, chat: bool
    ) -> dict[str, Any]:
        room = self.model.window - len(ids)
        asked = settings["max_tokens"]
        most = room if asked is None else min(asked, room)
        # As vLLM does: the seed of each choice is the request's plus its index
        seed = None if settings["seed"] is None else settings["seed"] + turn
        made = self.model.generate(ids, settings, most, seed) if most else Generated((), "", "length", None)
        new = [token.id for token in made.tokens]
        choice: dict[str, Any] = {"index": index, "finish_reason": made.finish, "stop_reason": made.stop_reason}
        choice["_new"], choice["_prompt"] = new, ids
        choice["_pieces"] = self._pieces(made)
        if chat:
            choice["message"] = {"role": "assistant", "content": made.text, "reasoning": None, "tool_calls": []}
            choice["logprobs"] = self._chat_logprobs(made, body) if body.get("logprobs") else None
        else:
            choice["text"] = (self.model.text(ids) if body.get("echo") else "") + made.text
            choice["logprobs"] = self._logprobs(ids, made, body) if body.get("logprobs") is not None else None
        if body.get("return_token_ids"):
            choice["token_ids"] = new
        if body.get("prompt_logprobs") is not None and self.scoring:
            choice["prompt_logprobs"] = self._prompt_logprobs(ids, int(body["prompt_logprobs"]))
        return choice

    def _pieces(self, made: Generated) -> list[str]:
        """The text by token, as a stream sends it."""
        ends = [len(self.model.text([token.id for token in made.tokens[: end + 1]])) for end in range(len(made.tokens))]
        ends = [min(end, len(made.text)) for end in ends]
        return [made.text[start:end] for start, end in zip([0, *ends], ends, strict=False)]

    def _prompt_logprobs(self, ids: list[int], top: int) -> list[dict[str, Any] | None]:
        rows = self.model.score(ids)
        entries: list[dict[str, Any] | None] = [None]
        for token, row in zip(ids[1:], rows, strict=True):
            wanted = dict.fromkeys([token, *row.topk(top).indices.tolist()] if top else [token])
            entries.append(
                {
                    str(one): {
                        "logprob": _finite(row[one]),
                        "rank": int((row > row[one]).sum()) + 1,
                        "decoded_token": self.model.tokenizer.decode([one]),
                    }
                    for one in wanted
                }
            )
        return entries

    def _logprobs(self, ids: list[int], made: Generated, body: Mapping[str, Any]) -> dict[str, Any]:
        """Of /v1/completions: lists by place, tokens as texts or as `token_id:7`."""
        shown: dict[str, list[Any]] = {"tokens": [], "token_logprobs": [], "top_logprobs": [], "text_offset": []}
        rows = [(token.id, token.logprobs) for token in made.tokens]
        if body.get("echo"):
            scored = self.model.score(ids) if len(ids) > 1 else []
            rows = [*zip(ids, [None, *scored], strict=True), *rows]
        for token, row in rows:
            shown["tokens"].append(self._named(token, body))
            shown["text_offset"].append(0)
            shown["token_logprobs"].append(None if row is None else _finite(row[token]))
            shown["top_logprobs"].append(
                None
                if row is None
                else {self._named(one, body): _finite(row[one]) for one in _wanted(token, row, body)}
            )
        return shown

    def _chat_logprobs(self, made: Generated, body: Mapping[str, Any]) -> dict[str, Any]:
        def entry(one: int, row: Any) -> dict[str, Any]:
            text = self.model.tokenizer.decode([one])
            return {"token": self._named(one, body), "logprob": _finite(row[one]), "bytes": list(text.encode())}

        content = []
        for token in made.tokens:
            top = [entry(one, token.logprobs) for one in _wanted(token.id, token.logprobs, body)]
            content.append({**entry(token.id, token.logprobs), "top_logprobs": top})
        return {"content": content}

    def _named(self, token: int, body: Mapping[str, Any]) -> str:
        return f"token_id:{token}" if body.get("return_tokens_as_token_ids") else self.model.tokenizer.decode([token])


def _top(body: Mapping[str, Any]) -> int:
    if isinstance(body.get("logprobs"), bool):
        return int(body.get("top_logprobs") or 0)
    return int(body.get("logprobs") or 0)


def _wanted(token: int, row: Any, body: Mapping[str, Any]) -> list[int]:
    """Whose log-probabilities are shown at a place: the token's, and the likeliest or the named ones."""
    named = body.get("logprob_token_ids")
    others = list(named) if named else row.topk(_top(body)).indices.tolist() if _top(body) else []
    return list(dict.fromkeys([token, *others]))


def _finite(value: Any) -> float:
    return max(float(value), -9999.0)


def _number(body: Mapping[str, Any], name: str, default: float) -> float:
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadRequest(f"Input should be a valid number: {name}", name)
    return value


def _prompts(prompt: Any) -> list[str | list[int]]:
    if isinstance(prompt, str):
        return [prompt]
    if isinstance(prompt, list) and prompt and all(isinstance(part, int) for part in prompt):
        return [prompt]
    if isinstance(prompt, list) and prompt and all(isinstance(part, str | list) for part in prompt):
        return list(prompt)
    raise BadRequest("prompt must be a string, a list of strings, token ids or lists of token ids", "prompt")


def _usage(choices: Sequence[Mapping[str, Any]], n: int) -> dict[str, Any]:
    prompts = sum(len(choice["_prompt"]) for choice in choices[::n])
    output = sum(max(1, len(choice["_new"])) for choice in choices)
    return {"prompt_tokens": prompts, "completion_tokens": output, "total_tokens": prompts + output}


def _whole(body: Mapping[str, Any], choices: list[dict[str, Any]], name: str, *, chat: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "id": f"{'chatcmpl' if chat else 'cmpl'}-{uuid.uuid4().hex}",
        "object": "chat.completion" if chat else "text_completion",
        "created": 0,
        "model": name,
        "system_fingerprint": FINGERPRINT,
        "usage": {**_usage(choices, int(body.get("n") or 1)), "prompt_tokens_details": None},
    }
    shown = []
    for choice in choices:
        public = {key: value for key, value in choice.items() if not key.startswith("_")}
        place = answer if chat else public
        if body.get("return_token_ids"):
            place["prompt_token_ids"] = choice["_prompt"]
        if chat and "prompt_logprobs" in public:
            answer["prompt_logprobs"] = public.pop("prompt_logprobs")
        shown.append(public)
    answer["choices"] = shown
    return answer


def _events(body: Mapping[str, Any], choices: list[dict[str, Any]], name: str, *, chat: bool) -> Iterator[str]:
    head = {
        "id": f"cmpl-{uuid.uuid4().hex}",
        "object": "chat.completion.chunk" if chat else "text_completion",
        "created": 0,
        "model": name,
    }
    usage = bool((body.get("stream_options") or {}).get("include_usage"))

    def chunk(choice: Mapping[str, Any], at: int | None) -> str:
        piece = "" if at is None else choice["_pieces"][at]
        part: dict[str, Any] = {"index": choice["index"], "finish_reason": None, "logprobs": _part(choice, at)}
        if chat:
            part["delta"] = {"role": "assistant", "content": ""} if at is None else {"content": piece}
        else:
            part["text"] = piece
        outer: dict[str, Any] = {}
        if body.get("return_token_ids"):
            (outer if chat else part)["prompt_token_ids"] = choice["_prompt"] if not at else None
            part["token_ids"] = [] if at is None else [choice["_new"][at]]
        if at is not None and at == len(choice["_new"]) - 1:
            part["finish_reason"], part["stop_reason"] = choice["finish_reason"], choice["stop_reason"]
            # As vLLM does: the last event alone states it
            if not usage and choice is choices[-1]:
                outer["system_fingerprint"] = FINGERPRINT
        return json.dumps({**head, **outer, "choices": [part]})

    for choice in choices:
        if chat:
            yield chunk(choice, None)
        for at in range(len(choice["_new"])):
            yield chunk(choice, at)
    if usage:
        counted = _usage(choices, int(body.get("n") or 1))
        yield json.dumps({**head, "choices": [], "usage": counted, "system_fingerprint": FINGERPRINT})
    yield "[DONE]"


def _part(choice: Mapping[str, Any], at: int | None) -> dict[str, Any] | None:
    whole = choice["logprobs"]
    if whole is None or at is None:
        return None
    return {key: values[at : at + 1] for key, values in whole.items()}


def handler(served: Served) -> type[BaseHTTPRequestHandler]:
    """The class that answers requests for `served`."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            pages = {
                "/health": {},
                "/version": {"version": "0.32.0"},
                "/v1/models": {
                    "object": "list",
                    "data": [
                        {
                            "id": served.name,
                            "object": "model",
                            "owned_by": "vllm",
                            "root": served.name,
                            "max_model_len": served.model.window,
                        }
                    ],
                },
            }
            page = pages.get(self.path)
            self._send(200 if page is not None else 404, page if page is not None else {"detail": "Not Found"})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            chat = self.path == "/v1/chat/completions"
            if not chat and self.path != "/v1/completions":
                return self._send(404, {"detail": "Not Found"})
            try:
                body = json.loads(raw)
                if not isinstance(body, dict):
                    raise BadRequest("the body must be an object")
                choices = served.chat(body) if chat else served.complete(body)
            except BadRequest as refusal:
                return self._send(refusal.status, refusal.body)
            except (ValueError, TypeError) as fault:
                return self._send(400, BadRequest(str(fault)).body)
            if body.get("stream"):
                return self._stream(_events(body, choices, served.name, chat=chat))
            return self._send(200, _whole(body, choices, served.name, chat=chat))

        def _send(self, status: int, page: Mapping[str, Any]) -> None:
            raw = json.dumps(page).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def _stream(self, events: Iterator[str]) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for event in events:
                data = f"data: {event}\n\n".encode()
                self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    return Handler


class Server(ThreadingHTTPServer):
    """Takes many connections at once."""

    request_queue_size = 256
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """A client that went away is no news."""


def main() -> None:
    """Serve until the parent ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--name", default="demo")
    parser.add_argument("--no-scoring", action="store_true")
    options = parser.parse_args()
    served = Served(Model(options.model), options.name, not options.no_scoring)
    server = Server(("127.0.0.1", options.port), handler(served))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(f"ready http://127.0.0.1:{server.server_address[1]}/v1", flush=True)
    wait_for_parent()
    os._exit(0)


if __name__ == "__main__":
    main()
