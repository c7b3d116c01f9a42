"""Whether the Hugging Face hub answers, found out once and quickly, and how often a passing fault of it is tried again.

Without the probe an offline machine waits 24 s for each file. Nothing here runs at import.
"""

from __future__ import annotations

import http.client
import logging
import math
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import FULL, WRONG_PLACE, ConfigError, HubError, StorageError, UserError, unwritable

PROBE_VARIABLE = "HARNESS_HUB_SECONDS"
PROBE_SECONDS = 3.0
# The hub's client resumes cut bodies and retries HEAD, but gives up when an API call or a GET answers 429 or 5xx
TRIES = 3
WAIT_SECONDS = 2.0
# If the hub wants a longer pause, that is an error: a run should not look dead
LONGEST_WAIT_SECONDS = 120.0
PASSING = frozenset({408, 429, 500, 502, 503, 504})
GATED = "is gated: accept its terms on the hub, then `hf auth login`"

Value = TypeVar("Value")


def probe_seconds() -> float:
    """How long the hub may take to answer the first request (HARNESS_HUB_SECONDS). Raises ConfigError."""
    text = os.environ.get(PROBE_VARIABLE, "")
    if not text:
        return PROBE_SECONDS
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ConfigError(f"{PROBE_VARIABLE}={text}: expected a number of seconds above 0")
    return seconds


def reachable() -> bool:
    """Whether the hub answered the one request that a process makes for this; any HTTP answer counts."""
    return _unreachable() is None


def why_unreachable() -> str | None:
    """Why the hub did not answer that request; None if it did."""
    return _unreachable()


def offline() -> str:
    """The message that the hub is needed and why it cannot be reached; the caller adds a remedy."""
    return (
        f"the Hugging Face hub cannot be reached ({_unreachable()}) and nothing is in the local cache; "
        "connect, fill the cache, or"
    )


@cache
def _unreachable() -> str | None:
    """Why the hub is not there; None if it is."""
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        return "HF_HUB_OFFLINE is set"
    address = os.environ.get("HF_ENDPOINT") or "https://huggingface.co"
    seconds = probe_seconds()
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=seconds):
            return None
    except urllib.error.HTTPError:
        return None
    except TimeoutError:
        return _no_answer(address, seconds)
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            return _no_answer(address, seconds)
        return f"{address}: {error.reason}"
    except (OSError, ValueError, http.client.HTTPException) as error:
        return f"{address}: {error}"


def _no_answer(address: str, seconds: float) -> str:
    return f"{address}: no answer within {seconds:g} s; {PROBE_VARIABLE}=30 waits longer"


def settle() -> bool:
    """Put the hub libraries into offline mode if the hub does not answer; return whether it does.

    They read the variable when they are imported, so a module that already is imported is set as well.
    """
    if reachable():
        return True
    os.environ["HF_HUB_OFFLINE"] = "1"
    if (constants := sys.modules.get("huggingface_hub.constants")) is not None:
        constants.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    if (config := sys.modules.get("datasets.config")) is not None:
        config.HF_HUB_OFFLINE = True  # type: ignore[attr-defined]
    return False


def quiet() -> None:
    """Keep the libraries' bars and notices off the terminal: results go to stdout, our progress to stderr.

    The hub's client reads its variable when it is imported, so a client that already is imported is set as well.
    """
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    if "huggingface_hub" in sys.modules and os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] == "1":
        from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

        disable_progress_bars()
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    # gptqmodel sets HF_HOME to a temporary folder where it is not set, and switches on logging for all
    caches = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    os.environ.setdefault("HF_HOME", str(caches / "huggingface"))
    for client in ("httpx", "httpx2"):
        logging.getLogger(client).setLevel(logging.WARNING)


def retried(call: Callable[[], Value], what: str) -> Value:
    """Call a hub client, again after a fault that may pass: no connection, 408, 429, 5xx. Retry-After is kept to.

    `what` leads the message. Raises what the client raises for a fault that does not pass (401, 403, 404), HubError
    when TRIES tries failed or the hub wants a pause of more than LONGEST_WAIT_SECONDS, and UserError or StorageError at
    once where this machine could not keep what the hub sent.
    """
    # HTTPError is httpx's or httpx2's, whichever this hub client is built on
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]

    for attempt in range(1, TRIES + 1):
        try:
            return call()
        except (HTTPError, OSError) as error:
            if (local := _local_fault(error)) is not None:
                raise _unkept(what, local) from None
            response = _response(error)
            status = getattr(response, "status_code", None)
            if status is not None and status not in PASSING:
                raise
            pause = _retry_after(response)
            if pause is not None and pause > LONGEST_WAIT_SECONDS:
                raise HubError(
                    f"{what}: the hub answers {status} and requests a pause of {pause:.0f} s; try again then"
                ) from None
            if attempt == TRIES:
                raise HubError(f"{what}: the hub failed {attempt} times: {one_line(error)}; try again later") from None
            time.sleep(WAIT_SECONDS * attempt if pause is None else pause)
    raise AssertionError("the loop returns or raises")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error, and what caused it."""
    seen = 0
    while error is not None and seen < 8:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _response(error: BaseException) -> Any:
    """The HTTP response of an error, or of what caused it; None if there was none."""
    found = (getattr(each, "response", None) for each in _causes(error))
    return next((response for response in found if response is not None), None)


def _local_fault(error: BaseException) -> OSError | None:
    """The fault of a local disk or folder that an error is, or that caused it; None for a fault of the connection."""
    for each in _causes(error):
        # A fault of a connection may have such a number too, but it names no file
        if isinstance(each, OSError) and (each.errno in FULL or (each.errno in WRONG_PLACE and each.filename)):
            return each
    return None


def _unkept(what: str, error: OSError) -> UserError | StorageError:
    """The error of a download that could not be written into the cache."""
    from huggingface_hub import constants

    place = error.filename if isinstance(error.filename, str) else constants.HF_HUB_CACHE
    fault = unwritable(Path(place), error)
    return type(fault)(f"{what}: {fault} (HF_HOME=DIR moves the cache of the hub's files)")


def _retry_after(response: Any) -> float | None:
    """Seconds that the response requests to wait: a number, or the time of a date (RFC 9110, 10.2.3)."""
    text = (getattr(response, "headers", None) or {}).get("Retry-After")
    if not text:
        return None
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def one_line(error: BaseException) -> str:
    """The message of a library's error, on one line and not too long."""
    text = " ".join(str(error).split())[:300]
    # The message of a KeyError is the key alone
    return f"{type(error).__name__}: {text}" if isinstance(error, LookupError) or not text else text
