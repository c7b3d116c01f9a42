"""How the pool spreads calls over servers and time: pace, several URLs, event streams cut anywhere."""

from __future__ import annotations

import itertools
import threading

from hypothesis import given
from hypothesis import strategies as st
from plain_wire import PlainWire, sendable
from servers.scripted_server import Answer, ScriptedServer

from harness.engines.endpoint.options import EndpointOptions
from harness.engines.endpoint.sending import Answered
from harness.engines.endpoint.transport.events import EventSplitter, StopFinder
from harness.engines.endpoint.transport.pace import Pace
from harness.engines.endpoint.transport.pool import HttpPool
from harness.engines.endpoint.transport.site import Backoff
from harness.engines.endpoint.transport.urls import Queues, preferred

YES = Answer(chunks=(b'{"text": "yes"}',))


def rounds(pace: Pace, count: int, speed, share: float = 1.0) -> list[int]:
    """Run rounds of one second on a server of `speed(limit)` tokens a second; the limit after each."""
    now, limits = 0.0, []
    for _ in range(count):
        sent = [pace.sent(now) for _ in range(max(1, int(pace.limit * share)))]
        now += 1.0
        pace.progressed(int(speed(len(sent))))
        for number in sent * 2 if share < 1 else sent:
            pace.accepted(number, now)
        for _ in sent:
            pace.ended()
        limits.append(pace.limit)
    return limits


def test_the_limit_doubles_while_the_server_gets_faster():
    assert rounds(Pace(256), 6, lambda limit: limit * 100) == [16, 32, 64, 128, 256, 256]


def test_growth_that_gains_nothing_is_taken_back():
    limits = rounds(Pace(256), 60, lambda limit: min(limit, 32) * 100)
    assert max(limits) <= 64 and limits[10] == 32


def test_a_limit_that_is_not_used_does_not_grow():
    assert rounds(Pace(256), 5, lambda limit: limit * 100, share=0.5) == [8] * 5


def test_refusals_of_one_moment_cut_once_and_growth_is_slow_afterwards():
    pace = Pace(256)
    rounds(pace, 3, lambda limit: limit * 100)
    for _ in range(20):
        pace.refused(10.0, 0.0)
    assert pace.limit == 32
    pace.refused(16.0, 30.0)
    pace.refused(45.0, 0.0)
    assert pace.limit == 16
    pace.timed_out(100.0)
    assert pace.limit == 11
    assert rounds(pace, 1, lambda limit: limit * 100) == [12]
    for moment in range(200, 900, 10):
        pace.refused(float(moment), 0.0)
    assert pace.limit == 1


def test_calls_of_one_prefix_go_to_one_server_and_an_idle_one_helps_a_full_one():
    urls = ["a", "b", "c"]
    homes = {str(i): preferred(str(i), urls) for i in range(100)}
    assert set(homes.values()) == set(urls)
    moved = [p for p, home in homes.items() if preferred(p, urls[:2]) != home]
    assert all(homes[p] == "c" for p in moved)
    queues: Queues[int] = Queues(urls)
    home = preferred("p", urls)
    other = next(url for url in urls if url != home)
    for i in range(3):
        queues.add("p", i)
    assert queues.take(other, full=[]) is None
    assert queues.take(other, full=[home]) == ("p", 2) and queues.take(home, full=[]) == ("p", 0)


def test_the_calls_of_a_dead_server_are_answered_by_the_other():
    said: list[str] = []
    died = threading.Event()
    with ScriptedServer(lambda request, number: YES) as good:

        def dies(request, number):
            if number >= 5:
                died.set()
                return Answer(chunks=(), drop=True)
            return YES

        with ScriptedServer(dies) as dying:
            pool = HttpPool(
                [dying.url, good.url],
                PlainWire(),
                "m",
                EndpointOptions(),
                waiting=said.append,
                backoff=Backoff(first=0.05),
            )
            try:
                sent = list(pool.stream([sendable(str(i), prefix=str(i % 17)) for i in range(200)]))
            finally:
                pool.close()
    assert died.is_set()
    assert sorted(one.key for one in sent) == sorted(str(i) for i in range(200))
    assert all(isinstance(one, Answered) for one in sent)
    assert {one.url for one in sent} == {good.url, dying.url}


def test_a_server_that_asks_for_a_long_wait_leaves_its_calls_to_the_other():
    limited = Answer(429, {"retry-after": "3600"}, (b"slow down",))
    with ScriptedServer(lambda request, number: YES) as good, ScriptedServer(lambda request, number: limited) as busy:
        pool = HttpPool([good.url, busy.url], PlainWire(), "m", EndpointOptions(), backoff=Backoff(first=0.05))
        try:
            sent = list(pool.stream([sendable(str(i), prefix=str(i % 17)) for i in range(60)]))
        finally:
            pool.close()
        assert busy.received, "it got calls"
    assert len(sent) == 60 and all(isinstance(one, Answered) and one.url == good.url for one in sent)


def test_no_more_requests_run_at_once_than_allowed():
    with ScriptedServer(lambda request, number: YES) as server:
        pool = HttpPool([server.url], PlainWire(), "m", EndpointOptions(concurrency=3))
        try:
            assert len(list(pool.stream([sendable(str(i)) for i in range(60)]))) == 60
        finally:
            pool.close()
        assert server.most_open <= 3


TEXTS = st.lists(st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"])), max_size=6)


@given(TEXTS, st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(0, 400), max_size=20))
def test_events_are_the_same_however_their_bytes_were_cut(texts, newline, cuts):
    stream = "".join(f": note{newline}event: x{newline}data: {t}{newline}{newline}" for t in texts).encode()
    places = [0, *sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    splitter = EventSplitter()
    found = [d for a, b in itertools.pairwise(places) for d in splitter.feed(stream[a:b])]
    assert found + splitter.end() == texts


@given(st.text("ab", max_size=30), st.lists(st.text("ab", max_size=4), max_size=3), st.integers(1, 5))
def test_a_stop_string_is_found_wherever_the_pieces_part(text, stops, size):
    finder = StopFinder(stops)
    met = any(finder.found(text[i : i + size]) for i in range(0, len(text), size))
    assert met == any(stop in text for stop in stops if stop)
