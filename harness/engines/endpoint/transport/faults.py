"""What went wrong between us and a server, as a fault with one line of text."""

from __future__ import annotations

import os
import re
import socket
import ssl

from harness.engines.endpoint.wire import Fault


def transport_fault(error: Exception, host: str, reached: bool, total: float) -> Fault:
    """The fault of an error of httpx2, of a socket or of time. `reached`: the server had sent a status.

    The text of an error about the request itself is left out: it may hold the key.
    """
    import httpx2

    if isinstance(error, httpx2.LocalProtocolError | httpx2.InvalidURL | httpx2.UnsupportedProtocol):
        message = f"the request to {host} cannot be written: a character of the URL or of the key is not allowed there"
        return Fault("refused_key", message, retry=False)
    if isinstance(error, httpx2.ConnectTimeout):
        return Fault("timeout", f"no connection to {host} in time", retry=True)
    if isinstance(error, httpx2.TimeoutException):
        return Fault("timeout", f"{host} sent nothing for too long", retry=True)
    if isinstance(error, TimeoutError):
        return Fault("timeout", f"no complete answer from {host} within {total:.0f} s", retry=True)
    if isinstance(error, httpx2.ProxyError):
        return Fault("server_error", f"the proxy to {host} refused: {_one_line(str(error))}", retry=True)
    if reached:
        return Fault("broken_reply", f"the connection to {host} broke within an answer", retry=True)
    cause = _cause(error)
    if isinstance(cause, ssl.SSLError):
        return Fault("server_error", f"TLS with {host} failed: {_one_line(_tls_reason(cause))}", retry=True)
    if isinstance(error, httpx2.ConnectError):
        return Fault("server_error", f"cannot connect to {host}: {_one_line(_reason(cause))}", retry=True)
    return Fault("server_error", f"the connection to {host} broke: {_one_line(_reason(cause))}", retry=True)


def _cause(error: BaseException) -> BaseException:
    """The first cause, which names what the operating system said."""
    seen = {id(error)}
    while True:
        inner = error.__cause__ or error.__context__
        if isinstance(inner, BaseExceptionGroup) and inner.exceptions:
            inner = inner.exceptions[0]
        if inner is None or id(inner) in seen:
            return error
        seen.add(id(inner))
        error = inner


def _reason(error: BaseException) -> str:
    if isinstance(error, socket.gaierror):
        return "its name cannot be resolved to an address"
    if isinstance(error, OSError) and error.errno is not None and error.errno > 0:
        # asyncio puts its own words and the address in place of the system's
        return os.strerror(error.errno)
    text = re.sub(r"^\[Errno -?\d+\] ", "", str(error))
    return text or type(error).__name__


def _tls_reason(error: ssl.SSLError) -> str:
    verified = getattr(error, "verify_message", "")
    return f"certificate not accepted, {verified}" if verified else error.reason or str(error)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:200]
