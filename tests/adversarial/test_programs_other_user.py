"""Every program again, as an unprivileged user: what holds for root's sandbox must hold for everybody's."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest
from bait import Bait, laid
from hostile import CHECKOUT, candidates, toolchains
from other_user import USER, OtherUser

from harness.errors import SandboxError

pytestmark = pytest.mark.slow

if os.geteuid() == 0:
    # Who is no root has run all of this in test_programs.py already
    HOSTILE = candidates("programs")
    HONEST = candidates("honest")

    @pytest.fixture(scope="module")
    def bait() -> Iterator[Bait]:
        with laid() as bait:
            yield bait

    @pytest.fixture(scope="module")
    def sandbox(bait: Bait) -> Iterator[OtherUser]:
        readable = sorted({sys.prefix, sys.base_prefix, str(CHECKOUT), *toolchains()})
        try:
            opened = OtherUser(readable, bait.environment)
        except SandboxError as error:
            pytest.skip(str(error))
        bait.settle(opened)
        yield opened
        opened.close()

    def test_this_is_another_user(sandbox: OtherUser) -> None:
        assert sandbox.user == USER != os.geteuid()

    @pytest.mark.parametrize("name", HOSTILE)
    def test_hostile(name: str, sandbox: OtherUser, bait: Bait) -> None:
        bait.judge(HOSTILE[name], sandbox)

    @pytest.mark.parametrize("name", HONEST)
    def test_honest(name: str, sandbox: OtherUser, bait: Bait) -> None:
        bait.judge(HONEST[name], sandbox)
