"""Whatever is planned beside what, each job gets the answer it gets alone.

No torch: `Machine` reads steps as plain data, keeps what a store would keep, and checks that a token attends to exactly
the ids before it, all of them stored and in order. What it answers depends on every one of these ids.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.datatypes import Sampling
from harness.engines.hf.token_jobs import GenerateJob, Job, ScoreJob
from harness.engines.local.packed_batch import BatchResult, Chunk, PackedBatch, SampledToken, TokenLogprob
from harness.engines.local.prefix_tree import PrefixNode, SequenceGroup, SequenceState, assign_prefixes, sequence_groups
from harness.engines.local.scheduler import Budget, Scheduler
from harness.engines.local.stop_check import FinishReason, ScoreCollector

Ids = tuple[int, ...]
VOCABULARY, END = 40, 7


def mixed(*what: object) -> int:
    """A number that depends on all that is given."""
    return zlib.crc32(repr(what).encode())


def next_token(ids: Ids, job: tuple[Sampling, int], number: int) -> int:
    """What the model says after `ids`; with a temperature it depends on the seed and the token's number too."""
    warm = (job[1], number) if job[0].temperature > 0 else ()
    return mixed("token", ids, warm) % VOCABULARY


def likelihood(ids: Ids, token: int) -> tuple[float, bool]:
    return -float(mixed("score", ids, token) % 1000), mixed("best", ids) % 3 == token % 3


class TooMuch(Exception):
    """Memory ran out."""


@dataclass
class Machine:
    """Carries steps out; `room` is how many ids it can store. A home's ids come with their positions."""

    room: int = 10**9
    slots: list[list[tuple[int, int]]] = field(default_factory=list)
    segments: dict[PrefixNode, list[tuple[int, int]]] = field(default_factory=dict)

    def clear(self) -> None:
        self.slots, self.segments = [], {}

    @property
    def stored(self) -> int:
        return sum(map(len, [*self.slots, *self.segments.values()]))

    def apply_moves(self, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> None:
        for source, target in moves:
            self.slots[target] = list(self.slots[source])
        for segment in freed:
            del self.segments[segment]

    def run(self, step: PackedBatch, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> BatchResult:
        self.apply_moves(moves, freed)
        homes = self._write(step)
        if self.stored > self.room:
            raise TooMuch
        seen = [self._seen(step, index, *homes[index]) for index in range(len(step))]
        for sample in step.sampling_queries:
            assert self.slots[sample.slot][-1] == (
                step.positions[index := step.outputs[sample.output]],
                step.ids[index],
            )
        sampled = [
            SampledToken(
                next_token(seen[step.outputs[one.output]], (one.sampling, one.seed), one.number),
                float(mixed(seen[step.outputs[one.output]])) if one.sampling.logprobs else None,
            )
            for one in step.sampling_queries
        ]
        targets = [TokenLogprob(*likelihood(seen[step.outputs[output]], token)) for output, token in step.targets]
        return BatchResult(sampled, targets)

    def _write(self, step: PackedBatch) -> list[tuple[Chunk | int, int]]:
        """Put tokens into their homes; tell for each the home (a slot's number or a chunk) and its place there."""
        assert len(step.ids) == len(step.positions) and len(step.lengths) == step.decode
        # A store keeps no more slots than a step has rows
        used = max([step.decode, *(chunk.slot + 1 for chunk in step.chunks if chunk.slot is not None)])
        self.slots = self.slots[:used] + [[] for _ in range(used - len(self.slots))]
        tokens = list(zip(step.positions, step.ids, strict=True))
        homes: list[tuple[Chunk | int, int]] = []
        for slot in range(step.decode):
            assert len(self.slots[slot]) == step.lengths[slot] > 0
            self.slots[slot].append(tokens[slot])
            homes.append((slot, step.lengths[slot]))
        for chunk in step.chunks:
            assert chunk.first == len(homes) and chunk.count > 0
            part = tokens[chunk.first : chunk.first + chunk.count]
            if chunk.slot is not None:
                before = self.slots[chunk.slot][: len(self.slots[chunk.slot]) if chunk.past else 0]
                assert len(before) == chunk.past
                self.slots[chunk.slot] = before + part
            elif chunk.segment is not None:
                whole = list(enumerate(chunk.segment.ids, chunk.segment.start))
                assert part == whole[chunk.past : chunk.past + chunk.count]
                assert len(self.segments.setdefault(chunk.segment, [])) == chunk.past
                self.segments[chunk.segment] += part
            homes += [(chunk, chunk.past + place) for place in range(chunk.count)]
        assert len(homes) == len(step), "each token has one home"
        return homes

    def _seen(self, step: PackedBatch, index: int, home: Chunk | int, place: int) -> Ids:
        """All ids that a token attends to, in order."""
        before = []
        for segment, ranges in step.shared.items():
            inside = sum(first <= index < last for first, last in ranges)
            assert inside <= 1, "nothing is attended to twice"
            if inside:
                assert len(self.segments[segment]) == len(segment.ids), "seen before it is whole"
                before += self.segments[segment]
        if isinstance(home, Chunk) and home.branch is not None:
            tokens = list(zip(step.positions, step.ids, strict=True))[home.first : index + 1]
            mine = home.branch[place]
            own = [token for token, branch in zip(tokens, home.branch, strict=False) if branch in (0, mine)]
        elif isinstance(home, Chunk) and home.segment is not None:
            own = self.segments[home.segment][: place + 1]
        else:
            slot = home if isinstance(home, int) else home.slot
            assert slot is not None
            own = self.slots[slot][: place + 1]
        seen = sorted(before + own)
        assert [position for position, _ in seen] == list(range(len(seen))), "each position before it, once"
        assert seen[-1] == (step.positions[index], step.ids[index])
        return tuple(token for _, token in seen)


def ends(row: SequenceState) -> FinishReason | None:
    job = row.unit.job
    assert isinstance(job, GenerateJob)
    if row.new[-1] == END:
        return "ended"
    return "length" if len(row.new) >= job.max_new else None


def alone(job: Job) -> object:
    """The oracle: one job, one token at a time, with nothing shared and nothing stored."""
    if isinstance(job, ScoreJob):
        return tuple(
            tuple(likelihood(context + after[:place], token) for place, token in enumerate(after))
            for context, after in job.rows
        )
    new: list[int] = []
    logprobs: list[float] = []
    while len(new) < job.max_new and END not in new:
        ids = (*job.ids, *new)
        new.append(next_token(ids, (job.sampling, job.seed), len(new)))
        logprobs += [float(mixed(ids))] if job.sampling.logprobs else []
    return tuple(new), tuple(logprobs), "ended" if END in new else "length"


@dataclass
class Ran:
    """What came of a stream of jobs."""

    answers: dict[str, object] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    units: list[SequenceGroup] = field(default_factory=list)
    seconds: float = 0.0
    steps: list[PackedBatch] = field(default_factory=list)


Watch = Callable[[Scheduler, Machine, PackedBatch], None]
Fails = Callable[[int], bool]


def within(scheduler: Scheduler, machine: Machine, step: PackedBatch) -> None:
    """What the scheduler promises of each step."""
    budget = scheduler.budget
    assert len(scheduler.rows) <= budget.rows
    assert len(step) <= max(budget.step_tokens, step.decode + budget.step_tokens // 4)
    assert len(step.outputs) <= budget.outputs


def carry_out(
    jobs: Sequence[Job],
    budget: Budget,
    machine: Machine | None = None,
    fails: Fails = lambda number: False,
    watch: Watch = within,
) -> Ran:
    """As the engine does it: plan, run, settle; start again with less when memory runs out."""
    machine, ran = machine or Machine(), Ran()
    ran.units = assign_prefixes(sequence_groups(jobs))
    scheduler = Scheduler(ran.units, budget, ends)
    gathered = {job.key: ScoreCollector(job) for job in jobs if isinstance(job, ScoreJob)}
    number = 0
    while (step := scheduler.plan()) is not None:
        number += 1
        assert number < 20_000, "it never ends"
        moves, freed = scheduler.take_cache_updates()
        try:
            if fails(number):
                raise TooMuch
            result = machine.run(step, moves, freed)
        except TooMuch:
            machine.clear()
            scheduler.restart()
            if not scheduler.budget.halve() and (unit := scheduler.drop_first()) is not None:
                ran.refused.append(unit.job.key)
            continue
        watch(scheduler, machine, step)
        ran.steps.append(step)
        ran.seconds += number
        for finished in scheduler.apply_results(step, result, float(number)):
            key = finished.unit.job.key
            if finished.row is not None:
                row = finished.row
                assert key not in ran.answers, "answered twice"
                ran.answers[key] = (tuple(row.new), tuple(row.logprobs), finished.ending)
            elif (scored := gathered[key].add(finished.unit, finished.scores)) is not None:
                assert key not in ran.answers, "answered twice"
                assert [one.greedy for one in scored.rows] == [
                    all(likelihood(context + after[:at], token)[1] for at, token in enumerate(after))
                    for context, after in gathered[key].job.rows
                ]
                ran.answers[key] = tuple(one.logprobs for one in scored.rows)
    machine.apply_moves(*scheduler.take_cache_updates())
    assert not machine.segments, "everything stored is let go of"
    assert not scheduler.rows
    return ran


def told_alone(jobs: Sequence[Job]) -> dict[str, object]:
    found = {job.key: alone(job) for job in jobs}
    return {
        job.key: tuple(tuple(logprob for logprob, _ in row) for row in found[job.key])  # type: ignore[attr-defined]
        if isinstance(job, ScoreJob)
        else found[job.key]
        for job in jobs
    }


# --- what users ask ---------------------------------------------------------------------------------

SHOTS: tuple[Ids, ...] = tuple(
    tuple(range(1000 * number, 1000 * number + length)) for number, length in enumerate((0, 20, 97, 130))
)
TOKENS = st.integers(0, 3)
PROMPTS = st.builds(
    lambda shots, more, tail: shots + more + tail,
    st.sampled_from(SHOTS),
    st.sampled_from(((), tuple(range(5000, 5040)))),
    st.lists(TOKENS, min_size=1, max_size=30).map(tuple),
)
SAMPLINGS = st.builds(Sampling, st.just(0), temperature=st.sampled_from((0.0, 1.0)), logprobs=st.booleans())
GENERATIONS = st.tuples(PROMPTS, st.integers(1, 12), SAMPLINGS, st.integers(0, 2))
AFTER = st.lists(TOKENS, min_size=1, max_size=9).map(tuple)
# Continuations of one context, of unequal lengths, some of one token, some twice; at times a second context
CHOICES = st.builds(
    lambda context, other, afters: tuple(
        (other if number == 1 else context, after) for number, after in enumerate(afters)
    ),
    PROMPTS,
    PROMPTS,
    st.lists(AFTER, min_size=1, max_size=6),
)


def jobs_of(asked: Sequence[tuple[object, ...]]) -> list[Job]:
    jobs: list[Job] = []
    for number, one in enumerate(asked):
        if one[0] == "generate":
            ids, most, sampling, seed = one[1]  # type: ignore[misc]
            jobs.append(GenerateJob(f"g{number}", ids, most, sampling, seed))
        else:
            jobs.append(ScoreJob(f"s{number}", one[1]))  # type: ignore[arg-type]
    return jobs


KINDS = st.one_of(st.tuples(st.just("generate"), GENERATIONS), st.tuples(st.just("score"), CHOICES))


@st.composite
def streams(sample: st.DrawFn) -> list[Job]:
    """Generations and scores in any order, some of them asked again and again."""
    asked = sample(st.lists(KINDS, min_size=1, max_size=10))
    again = sample(st.lists(st.sampled_from(asked), max_size=6))
    return jobs_of(sample(st.permutations([*asked, *again])))


@st.composite
def budgets(sample: st.DrawFn) -> Budget:
    outputs = sample(st.sampled_from((1, 2, 5, 8, 30, 300)))
    return Budget(
        step_tokens=sample(st.sampled_from((16, 20, 33, 64, 512))),
        outputs=outputs,
        # As the engine makes them: every row's logits are read
        rows=min(outputs, sample(st.sampled_from((1, 2, 3, 8, 64)))),
        stored_tokens=sample(st.sampled_from((1, 60, 200, 500, 10**6))),
    )


@settings(max_examples=120, deadline=None)
@given(streams(), budgets())
def test_each_job_gets_what_it_gets_alone(jobs: list[Job], budget: Budget) -> None:
    assert carry_out(jobs, budget).answers == told_alone(jobs)


@settings(max_examples=120, deadline=None)
@given(streams(), budgets(), st.sets(st.integers(1, 30), max_size=4))
def test_memory_that_runs_out_at_any_step_changes_no_answer(jobs: list[Job], budget: Budget, at: set[int]) -> None:
    # With rows to spare, so that halving never comes to its end
    budget.rows, budget.outputs = max(budget.rows, 32), max(budget.outputs, 256)
    ran = carry_out(jobs, budget, fails=lambda number: number in at)
    assert ran.answers == told_alone(jobs)
    assert not ran.refused


@settings(max_examples=60, deadline=None)
@given(streams(), budgets())
def test_no_more_is_stored_than_the_budget_says(jobs: list[Job], budget: Budget) -> None:
    def watch(scheduler: Scheduler, machine: Machine, step: PackedBatch) -> None:
        # What alone exceeds it must be done some time
        assert machine.stored <= budget.stored_tokens or len(scheduler.rows) <= 1

    carry_out(jobs, budget, watch=watch)


def test_room_for_a_whole_answer_is_kept_from_the_start() -> None:
    """Short prompts whose answers grow: what they will take counts, not what they take."""
    jobs = [GenerateJob(f"g{n}", (n, 60), 30, Sampling(30), 0) for n in range(12)]
    lengths = sorted(len(alone(job)[0]) for job in jobs)  # type: ignore[arg-type, index]
    assert lengths[6] > 20, "choose other prompts"

    def watch(scheduler: Scheduler, machine: Machine, step: PackedBatch) -> None:
        assert machine.stored <= 100

    assert carry_out(jobs, Budget(64, 64, 12, 100), watch=watch).answers == told_alone(jobs)


@settings(max_examples=60, deadline=None)
@given(streams(), budgets())
def test_time_and_what_was_shared_are_told_in_full(jobs: list[Job], budget: Budget) -> None:
    ran = carry_out(jobs, budget)
    assert sum(unit.seconds for unit in ran.units) == pytest.approx(ran.seconds)
    assert all(unit.seconds > 0 and 0 <= unit.cached < len(unit.prompt) for unit in ran.units)
    segments = {segment: None for unit in ran.units if unit.prefix for segment in unit.prefix.chain()}
    saved = sum(len(segment.ids) * (segment.users - 1) for segment in segments)
    assert sum(unit.cached for unit in ran.units) == saved
    branches = sum(len(branch) - 1 for unit in ran.units for branch in unit.branches)
    new = sum(len(answer[0]) - 1 for key, answer in ran.answers.items() if key.startswith("g"))  # type: ignore[index]
    asked = sum(len(unit.prompt) for unit in ran.units) + branches + new
    rows = sum(len(unit.own) * (len(unit.branches) - 1) for unit in ran.units if unit.branches)
    assert asked - saved <= sum(map(len, ran.steps)) <= asked - saved + rows, "nothing else is computed twice"


@settings(max_examples=60, deadline=None)
@given(streams(), budgets(), st.integers(1, 3), st.data())
def test_what_does_not_fit_alone_is_refused_and_all_else_is_answered(
    jobs: list[Job], budget: Budget, giants: int, data: st.DataObject
) -> None:
    room = 300
    long = tuple(range(9000, 9000 + 2 * room))
    for number in range(giants):
        giant: Job = GenerateJob(f"giant{number}", long[: room + 10 + number], 3, Sampling(3), 0)
        if data.draw(st.booleans()):
            giant = ScoreJob(f"giant{number}", (((1, *long), (1, 2)), ((1, *long), (3,))))
        jobs.insert(data.draw(st.integers(0, len(jobs))), giant)
    ran = carry_out(jobs, budget, Machine(room))
    assert sorted(ran.refused) == [f"giant{number}" for number in range(giants)]
    assert ran.answers == told_alone([job for job in jobs if not job.key.startswith("giant")])


def test_a_machine_on_which_nothing_fits_refuses_everything_once() -> None:
    jobs = jobs_of([("generate", ((1, 2, 3), 4, Sampling(4), 0)), ("score", (((1, 2), (3,)), ((2, 2), (3, 1))))] * 3)
    ran = carry_out(jobs, Budget(64, 64, 8, 1000), fails=lambda number: True)
    assert not ran.answers
    # A score of two contexts is two units; the engine tells it once
    assert {key: ran.refused.count(key) for key in ran.refused} == {
        job.key: 1 if isinstance(job, GenerateJob) else 2 for job in jobs
    }


def test_half_of_a_budget_is_never_more() -> None:
    for budget in (Budget(16, 3, 3, 100), Budget(4096, 300, 64, 5000), Budget(32, 8, 2, 7)):
        while True:
            before = (budget.step_tokens, budget.outputs, budget.rows, budget.stored_tokens)
            if not budget.halve():
                break
            after = (budget.step_tokens, budget.outputs, budget.rows, budget.stored_tokens)
            assert after < before and all(a <= b for a, b in zip(after, before, strict=True))
        assert budget.rows == 1


# --- how it goes about it ---------------------------------------------------------------------------


def test_rows_that_end_make_room_for_others_at_once() -> None:
    """Continuous batching: with two rows, answers of 1 to 6 tokens take as many steps as the tokens need."""
    lengths = [1, 6, 2, 3, 1, 4]
    jobs = [GenerateJob(f"g{n}", (n, n, 50 + n), most, Sampling(most), 0) for n, most in enumerate(lengths)]
    assert all(alone(job)[2] == "length" for job in jobs), "choose other prompts"  # type: ignore[index]
    ran = carry_out(jobs, Budget(64, 64, 2, 10**6))
    assert len(ran.steps) <= sum(lengths) // 2 + 2


def test_a_shared_prefix_is_computed_once_however_many_use_it() -> None:
    shots = tuple(range(100, 200))
    jobs = [GenerateJob(f"g{n}", (*shots, 300 + n), 1, Sampling(1), 0) for n in range(50)]
    ran = carry_out(jobs, Budget(64, 64, 16, 10**6))
    assert sum(map(len, ran.steps)) == 100 + 50


def test_one_context_and_its_continuations_are_read_in_one_step() -> None:
    job = ScoreJob("s", tuple((tuple(range(20)), after) for after in ((1,), (2, 3), (2, 3), (4, 5, 6))))
    ran = carry_out([job], Budget(64, 64, 16, 10**6))
    assert [len(step) for step in ran.steps] == [20 + 1 + 2]
    assert ran.answers == told_alone([job])


def test_prompts_never_stop_those_who_generate() -> None:
    """A long prompt is read piece by piece beside rows that get a token each step."""
    first, second = (GenerateJob(f"g{n}", tuple(range(n, n + 160 - n)), 30, Sampling(30), 0) for n in (0, 1))
    assert len(alone(first)[0]) >= 12, "choose other prompts"  # type: ignore[index]
    beside = []

    def watch(scheduler: Scheduler, machine: Machine, step: PackedBatch) -> None:
        beside.append((step.decode, len(step)))

    ran = carry_out([first, second], Budget(16, 64, 4, 10**6), watch=watch)
    assert ran.answers == told_alone([first, second])
    assert beside.count((1, 16)) == 159 // 15, "one new token and 15 of the other's prompt"


def test_the_machine_finds_a_wrong_plan() -> None:
    """The checks of this file are checked: a step that forgets a segment, a branch or a move is noticed."""
    shots = tuple(range(100, 260))
    jobs: list[Job] = [GenerateJob(f"g{n}", (*shots, 300 + n), 3 + n, Sampling(9), 0) for n in range(4)]

    def spoilt(spoil: Callable[[PackedBatch], None]) -> Iterator[PackedBatch]:
        scheduler, machine = (
            Scheduler(assign_prefixes(sequence_groups(jobs)), Budget(512, 64, 8, 10**6), ends),
            Machine(),
        )
        while (step := scheduler.plan()) is not None:
            spoil(step)
            result = machine.run(step, *scheduler.take_cache_updates())
            list(scheduler.apply_results(step, result, 1.0))
            yield step

    def forget_segments(step: PackedBatch) -> None:
        step.shared.clear()

    def shift(step: PackedBatch) -> None:
        step.positions = [position + 1 for position in step.positions]

    assert list(spoilt(lambda step: None))
    for spoil in (forget_segments, shift):
        with pytest.raises(AssertionError):
            list(spoilt(spoil))


def test_a_row_whose_prefix_fills_a_step_to_the_last_token_waits_for_the_next() -> None:
    """Else it would stand in a slot that holds nothing yet, and be moved there when the row before it ends."""
    # 19 steps for the first prompt, the last of them with 4 ids of the others' 109; then 15 ids beside each new token
    first = GenerateJob("first", tuple(range(300)), 8, Sampling(8), 0)
    assert alone(first)[2] == "length", "choose another prompt"  # type: ignore[index]
    shots = tuple(range(2000, 2109))
    jobs = [first, *(GenerateJob(f"g{n}", (*shots, n), 3, Sampling(3), 0) for n in range(2))]
    assert carry_out(jobs, Budget(16, 64, 4, 10**6)).answers == told_alone(jobs)
