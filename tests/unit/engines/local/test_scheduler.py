"""Whatever a job shares its batches with, it gets the answer that it gets alone.

No torch: `Machine` reads batches as plain data, stores what a KV cache would store, and checks that a token attends to
exactly the ids before it, all of them stored and in order. Its answers depend on every one of these ids.
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
from harness.engines.local.budget import Budget
from harness.engines.local.drafting import Drafter, PromptLookup
from harness.engines.local.packed_batch import BatchResult, Chunk, PackedBatch, SampledToken, TokenLogprob
from harness.engines.local.prefix_tree import PrefixNode, SequenceGroup, SequenceState, assign_prefixes, sequence_groups
from harness.engines.local.scheduler import Scheduler
from harness.engines.local.stop_check import FinishReason, ScoreCollector

Ids = tuple[int, ...]
VOCABULARY, END = 40, 7


def mixed(*what: object) -> int:
    """A number that depends on all arguments."""
    return zlib.crc32(repr(what).encode())


def next_token(ids: Ids, job: tuple[Sampling, int], number: int) -> int:
    """The model's next token after `ids`; with a temperature it depends on the seed and the token's number too."""
    warm = (job[1], number) if job[0].temperature > 0 else ()
    return mixed("token", ids, warm) % VOCABULARY


def likelihood(ids: Ids, token: int) -> tuple[float, bool]:
    return -float(mixed("score", ids, token) % 1000), mixed("best", ids) % 3 == token % 3


class TooMuch(Exception):
    """Memory ran out."""


@dataclass
class Machine:
    """Executes batches; `capacity` is how many ids it can store. Stored ids come with their positions."""

    capacity: int = 10**9
    slots: list[list[tuple[int, int]]] = field(default_factory=list)
    nodes: dict[PrefixNode, list[tuple[int, int]]] = field(default_factory=dict)

    def clear(self) -> None:
        self.slots, self.nodes = [], {}

    @property
    def stored(self) -> int:
        return sum(map(len, [*self.slots, *self.nodes.values()]))

    def apply_moves(self, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> None:
        for source, target in moves:
            self.slots[target] = list(self.slots[source])
        for node in freed:
            del self.nodes[node]

    def run(self, batch: PackedBatch, moves: Sequence[tuple[int, int]], freed: Sequence[PrefixNode]) -> BatchResult:
        self.apply_moves(moves, freed)
        places = self._write(batch)
        if self.stored > self.capacity:
            raise TooMuch
        seen = [self._seen(batch, index, *places[index]) for index in range(len(batch))]
        for sample in batch.sampling_queries:
            index = batch.outputs[sample.output]
            assert (batch.positions[index], batch.ids[index]) in self.slots[sample.slot]
            assert batch.positions[index] == len(seen[index]) - 1
        sampled = [
            SampledToken(
                next_token(seen[batch.outputs[one.output]], (one.sampling, one.seed), one.number),
                float(mixed(seen[batch.outputs[one.output]])) if one.sampling.logprobs else None,
            )
            for one in batch.sampling_queries
        ]
        targets = [TokenLogprob(*likelihood(seen[batch.outputs[output]], token)) for output, token in batch.targets]
        return BatchResult(sampled, targets)

    def _write(self, batch: PackedBatch) -> list[tuple[Chunk | int, int]]:
        """Store the tokens; return for each its owner (a slot's number or a chunk) and its place there."""
        assert len(batch.ids) == len(batch.positions) and len(batch.lengths) == batch.decode
        # A KV cache keeps no more slots than a batch has sequences
        used = max([batch.decode, *(chunk.slot + 1 for chunk in batch.chunks if chunk.slot is not None)])
        self.slots = self.slots[:used] + [[] for _ in range(used - len(self.slots))]
        tokens = list(zip(batch.positions, batch.ids, strict=True))
        places: list[tuple[Chunk | int, int]] = []
        for slot in range(batch.decode):
            # What lies behind is of guesses that were wrong: written over, as in a cache
            assert len(self.slots[slot]) >= batch.lengths[slot] > 0
            self.slots[slot] = [*self.slots[slot][: batch.lengths[slot]], tokens[slot]]
            places.append((slot, batch.lengths[slot]))
        for chunk in batch.chunks:
            assert chunk.first == len(places) and chunk.count > 0
            part = tokens[chunk.first : chunk.first + chunk.count]
            if chunk.slot is not None:
                before = self.slots[chunk.slot][: chunk.past]
                assert len(before) == chunk.past
                self.slots[chunk.slot] = before + part
            elif chunk.node is not None:
                whole = list(enumerate(chunk.node.ids, chunk.node.start))
                assert part == whole[chunk.past : chunk.past + chunk.count]
                assert len(self.nodes.setdefault(chunk.node, [])) == chunk.past
                self.nodes[chunk.node] += part
            places += [(chunk, chunk.past + place) for place in range(chunk.count)]
        assert len(places) == len(batch), "each token has one owner"
        return places

    def _seen(self, batch: PackedBatch, index: int, owner: Chunk | int, place: int) -> Ids:
        """All ids that a token attends to, in order."""
        before = []
        for node, ranges in batch.shared.items():
            inside = sum(first <= index < last for first, last in ranges)
            assert inside <= 1, "nothing is attended to twice"
            if inside:
                assert len(self.nodes[node]) == len(node.ids), "seen before it is whole"
                before += self.nodes[node]
        if isinstance(owner, Chunk) and owner.branch is not None:
            tokens = list(zip(batch.positions, batch.ids, strict=True))[owner.first : index + 1]
            mine = owner.branch[place]
            own = [token for token, branch in zip(tokens, owner.branch, strict=False) if branch in (0, mine)]
        elif isinstance(owner, Chunk) and owner.node is not None:
            own = self.nodes[owner.node][: place + 1]
        else:
            slot = owner if isinstance(owner, int) else owner.slot
            assert slot is not None
            own = self.slots[slot][: place + 1]
        seen = sorted(before + own)
        assert [position for position, _ in seen] == list(range(len(seen))), "each position before it, once"
        assert seen[-1] == (batch.positions[index], batch.ids[index])
        return tuple(token for _, token in seen)


def stop_reason(sequence: SequenceState) -> FinishReason | None:
    job = sequence.group.job
    assert isinstance(job, GenerateJob)
    if sequence.new[-1] == END:
        return "ended"
    return "length" if len(sequence.new) >= job.max_new else None


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
    """The results of a stream of jobs."""

    answers: dict[str, object] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    groups: list[SequenceGroup] = field(default_factory=list)
    seconds: float = 0.0
    batches: list[PackedBatch] = field(default_factory=list)


@dataclass
class Guesser:
    """Guesses what `alone` gives, with errors: of `pattern`, in turn, how many tokens are right and how many wrong."""

    jobs: Sequence[Job]
    pattern: Sequence[tuple[int, int]]
    right: int = 0
    wrong: int = 0
    asked: int = 0

    def draft(self, sequence: SequenceState, generating: int, most: int) -> Sequence[int]:
        texts = {job.key: alone(job)[0] for job in self.jobs if isinstance(job, GenerateJob)}  # type: ignore[index]
        assert most >= 1
        right, wrong = self.pattern[self.asked % len(self.pattern)]
        self.asked += 1
        ahead = texts[sequence.group.job.key][len(sequence.new) :]
        return [*ahead[:right], *(token + 1 for token in ahead[right : right + wrong])][:most]

    def tried(self, sequence: SequenceState, drafted: int, kept: int) -> None:
        assert 0 <= kept <= drafted
        self.right, self.wrong = self.right + kept, self.wrong + (kept < drafted)

    def finished(self, sequence: SequenceState) -> None:
        pass


PATTERNS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=5)


Watch = Callable[[Scheduler, Machine, PackedBatch], None]
Fails = Callable[[int], bool]


def within(scheduler: Scheduler, machine: Machine, batch: PackedBatch) -> None:
    """What the scheduler guarantees of each batch."""
    budget = scheduler.budget
    assert len(scheduler.sequences) <= budget.max_sequences
    generating = len({query.slot for query in batch.sampling_queries})
    assert len(batch) <= max(budget.step_tokens, generating + budget.step_tokens // 4)
    assert len(batch.outputs) <= budget.outputs


def carry_out(
    jobs: Sequence[Job],
    budget: Budget,
    machine: Machine | None = None,
    fails: Fails = lambda number: False,
    watch: Watch = within,
    drafter: Drafter | None = None,
    later: Sequence[tuple[int, Sequence[Job]]] = (),
) -> Ran:
    """As the engine does it: plan, run, apply; start again with less when memory runs out.

    `later`: jobs that join before the batch of that number, or when there is no other.
    """
    machine, ran = machine or Machine(), Ran()
    ran.groups = assign_prefixes(sequence_groups(jobs))
    scheduler = Scheduler(ran.groups, budget, stop_reason, drafter)
    every = [*jobs, *(job for _, added in later for job in added)]
    collectors = {job.key: ScoreCollector(job) for job in every if isinstance(job, ScoreJob)}
    number, coming = 0, list(later)
    while True:
        while coming and coming[0][0] <= number + 1:
            scheduler.add(sequence_groups(coming.pop(0)[1]))
        if (batch := scheduler.plan()) is None:
            if not coming:
                break
            coming[0] = (0, coming[0][1])
            continue
        number += 1
        assert number < 20_000, "it never ends"
        moves, freed = scheduler.take_cache_updates()
        try:
            if fails(number):
                raise TooMuch
            result = machine.run(batch, moves, freed)
        except TooMuch:
            machine.clear()
            scheduler.restart()
            if not scheduler.budget.halve() and (group := scheduler.drop_first()) is not None:
                ran.refused.append(group.job.key)
            continue
        watch(scheduler, machine, batch)
        ran.batches.append(batch)
        ran.seconds += number
        for finished in scheduler.apply_results(batch, result, float(number)):
            key = finished.group.job.key
            if finished.sequence is not None:
                sequence = finished.sequence
                assert key not in ran.answers, "answered twice"
                ran.answers[key] = (tuple(sequence.new), tuple(sequence.logprobs), finished.finish_reason)
            elif (scored := collectors[key].add(finished.group, finished.scores)) is not None:
                assert key not in ran.answers, "answered twice"
                assert [one.greedy for one in scored.rows] == [
                    all(likelihood(context + after[:at], token)[1] for at, token in enumerate(after))
                    for context, after in collectors[key].job.rows
                ]
                ran.answers[key] = tuple(one.logprobs for one in scored.rows)
    machine.apply_moves(*scheduler.take_cache_updates())
    assert not machine.nodes, "everything stored is freed"
    assert not scheduler.sequences
    return ran


def answers_alone(jobs: Sequence[Job]) -> dict[str, object]:
    found = {job.key: alone(job) for job in jobs}
    return {
        job.key: tuple(tuple(logprob for logprob, _ in row) for row in found[job.key])  # type: ignore[attr-defined]
        if isinstance(job, ScoreJob)
        else found[job.key]
        for job in jobs
    }


# --- what users send --------------------------------------------------------------------------------

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


def jobs_of(drawn: Sequence[tuple[object, ...]]) -> list[Job]:
    jobs: list[Job] = []
    for number, one in enumerate(drawn):
        if one[0] == "generate":
            ids, most, sampling, seed = one[1]  # type: ignore[misc]
            jobs.append(GenerateJob(f"g{number}", ids, most, sampling, seed))
        else:
            jobs.append(ScoreJob(f"s{number}", one[1]))  # type: ignore[arg-type]
    return jobs


KINDS = st.one_of(st.tuples(st.just("generate"), GENERATIONS), st.tuples(st.just("score"), CHOICES))


@st.composite
def streams(sample: st.DrawFn) -> list[Job]:
    """Generations and scores in any order, some of them repeated."""
    drawn = sample(st.lists(KINDS, min_size=1, max_size=10))
    again = sample(st.lists(st.sampled_from(drawn), max_size=6))
    return jobs_of(sample(st.permutations([*drawn, *again])))


@st.composite
def budgets(sample: st.DrawFn) -> Budget:
    outputs = sample(st.sampled_from((1, 2, 5, 8, 30, 300)))
    return Budget(
        step_tokens=sample(st.sampled_from((16, 20, 33, 64, 512))),
        outputs=outputs,
        # As the engine makes them: every sequence's logits are read
        max_sequences=min(outputs, sample(st.sampled_from((1, 2, 3, 8, 64)))),
        stored_tokens=sample(st.sampled_from((1, 60, 200, 500, 10**6))),
    )


@settings(max_examples=120, deadline=None)
@given(streams(), budgets())
def test_each_job_gets_what_it_gets_alone(jobs: list[Job], budget: Budget) -> None:
    assert carry_out(jobs, budget).answers == answers_alone(jobs)


@pytest.mark.slow
@settings(max_examples=120, deadline=None)
@given(streams(), budgets(), st.sets(st.integers(1, 30), max_size=4))
def test_memory_that_runs_out_at_any_step_changes_no_answer(jobs: list[Job], budget: Budget, at: set[int]) -> None:
    # With sequences to spare, so that halving never reaches its end
    budget.max_sequences, budget.outputs = max(budget.max_sequences, 32), max(budget.outputs, 256)
    ran = carry_out(jobs, budget, fails=lambda number: number in at)
    assert ran.answers == answers_alone(jobs)
    assert not ran.refused


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(streams(), budgets(), st.sets(st.integers(1, 30), max_size=3), PATTERNS)
def test_right_and_wrong_guesses_change_no_answer(
    jobs: list[Job], budget: Budget, at: set[int], pattern: list[tuple[int, int]]
) -> None:
    budget.max_sequences, budget.outputs = max(budget.max_sequences, 32), max(budget.outputs, 256)
    ran = carry_out(jobs, budget, fails=lambda number: number in at, drafter=Guesser(jobs, pattern))
    assert ran.answers == answers_alone(jobs)


@settings(max_examples=60, deadline=None)
@given(streams(), budgets(), st.integers(1, 64))
def test_looked_up_guesses_change_no_answer(jobs: list[Job], budget: Budget, free: int) -> None:
    assert carry_out(jobs, budget, drafter=PromptLookup(free)).answers == answers_alone(jobs)


def test_guesses_leave_tokens_and_outputs_to_prompts() -> None:
    """Sequences that are still read were left out of a batch, or their outputs were too many for it."""
    ids = (*range(1000, 1020), 0)
    longest = {"g0": 1, "g1": 4, "g3": 1, "g4": 1, "g5": 4}
    jobs: list[Job] = [GenerateJob(key, ids, count, Sampling(0), 0) for key, count in longest.items()]
    jobs.insert(2, ScoreJob("s2", (((0,), (0, 0, 0)),), 1))
    for free in (1, 15, 64):
        budget = Budget(step_tokens=16, outputs=2, max_sequences=2, stored_tokens=200)
        assert carry_out(jobs, budget, drafter=PromptLookup(free)).answers == answers_alone(jobs)


def test_a_right_guess_saves_batches_and_a_wrong_one_is_counted() -> None:
    job = GenerateJob("g", (1, 2, 70), 24, Sampling(24), 0)
    assert alone(job)[2] == "length", "choose another prompt"  # type: ignore[index]
    plain = carry_out([job], Budget(64, 64, 4, 1000))
    guesser = Guesser([job], [(3, 1)])
    ran = carry_out([job], Budget(64, 64, 4, 1000), drafter=guesser)
    # The prompt, then four tokens a batch: three guesses and the one after them
    assert (len(plain.batches), len(ran.batches)) == (24, 7)
    assert (guesser.right, guesser.wrong) == (17, 5)
    assert ran.answers == plain.answers


@settings(max_examples=60, deadline=None)
@given(streams(), budgets())
def test_no_more_is_stored_than_the_budget_says(jobs: list[Job], budget: Budget) -> None:
    def watch(scheduler: Scheduler, machine: Machine, batch: PackedBatch) -> None:
        # A sequence that exceeds the budget by itself must still run
        assert machine.stored <= budget.stored_tokens or len(scheduler.sequences) <= 1

    carry_out(jobs, budget, watch=watch)


def test_memory_for_a_whole_answer_is_reserved_from_the_start() -> None:
    """Short prompts whose answers grow: what they will need counts, not what they have."""
    jobs = [GenerateJob(f"g{n}", (n, 60), 30, Sampling(30), 0) for n in range(12)]
    lengths = sorted(len(alone(job)[0]) for job in jobs)  # type: ignore[arg-type, index]
    assert lengths[6] > 20, "choose other prompts"

    def watch(scheduler: Scheduler, machine: Machine, batch: PackedBatch) -> None:
        assert machine.stored <= 100

    assert carry_out(jobs, Budget(64, 64, 12, 100), watch=watch).answers == answers_alone(jobs)


def test_long_prompts_start_only_while_the_cache_is_small_and_short_ones_all_at_once() -> None:
    def most_at_once(length: int) -> int:
        jobs = [GenerateJob(f"g{n}", (n, *range(length)), 9, Sampling(9), 0) for n in range(12)]
        at_once = []

        def watch(scheduler: Scheduler, machine: Machine, batch: PackedBatch) -> None:
            at_once.append(len(scheduler.sequences))

        budget = Budget(1000, 64, 12, 10**6, start_tokens=1000)
        assert carry_out(jobs, budget, watch=watch).answers == answers_alone(jobs)
        return max(at_once)

    # A slot's space comes in pieces of 64 tokens
    assert most_at_once(180) == 1000 // 192
    assert most_at_once(30) == 12


@settings(max_examples=60, deadline=None)
@given(streams(), budgets())
def test_time_and_what_was_shared_are_reported_in_full(jobs: list[Job], budget: Budget) -> None:
    ran = carry_out(jobs, budget)
    assert sum(group.seconds for group in ran.groups) == pytest.approx(ran.seconds)
    assert all(group.seconds > 0 and 0 <= group.cached < len(group.prompt) for group in ran.groups)
    nodes = {node: None for group in ran.groups if group.prefix for node in group.prefix.chain()}
    saved = sum(len(node.ids) * (node.users - 1) for node in nodes)
    assert sum(group.cached for group in ran.groups) == saved
    branches = sum(len(branch) - 1 for group in ran.groups for branch in group.branches)
    new = sum(len(answer[0]) - 1 for key, answer in ran.answers.items() if key.startswith("g"))  # type: ignore[index]
    drawn = sum(len(group.prompt) for group in ran.groups) + branches + new
    rows = sum(len(group.suffix) * (len(group.branches) - 1) for group in ran.groups if group.branches)
    assert drawn - saved <= sum(map(len, ran.batches)) <= drawn - saved + rows, "nothing else is computed twice"


@settings(max_examples=60, deadline=None)
@given(streams(), budgets(), st.integers(1, 3), st.data())
def test_what_does_not_fit_alone_is_refused_and_all_else_is_answered(
    jobs: list[Job], budget: Budget, giants: int, data: st.DataObject
) -> None:
    capacity = 300
    long = tuple(range(9000, 9000 + 2 * capacity))
    for number in range(giants):
        giant: Job = GenerateJob(f"giant{number}", long[: capacity + 10 + number], 3, Sampling(3), 0)
        if data.draw(st.booleans()):
            giant = ScoreJob(f"giant{number}", (((1, *long), (1, 2)), ((1, *long), (3,))))
        jobs.insert(data.draw(st.integers(0, len(jobs))), giant)
    ran = carry_out(jobs, budget, Machine(capacity))
    assert sorted(ran.refused) == [f"giant{number}" for number in range(giants)]
    assert ran.answers == answers_alone([job for job in jobs if not job.key.startswith("giant")])


def test_a_machine_on_which_nothing_fits_refuses_everything_once() -> None:
    jobs = jobs_of([("generate", ((1, 2, 3), 4, Sampling(4), 0)), ("score", (((1, 2), (3,)), ((2, 2), (3, 1))))] * 3)
    ran = carry_out(jobs, Budget(64, 64, 8, 1000), fails=lambda number: True)
    assert not ran.answers
    # A score of two contexts is two groups; the engine reports it once
    assert {key: ran.refused.count(key) for key in ran.refused} == {
        job.key: 1 if isinstance(job, GenerateJob) else 2 for job in jobs
    }


def test_half_of_a_budget_is_never_more() -> None:
    for budget in (Budget(16, 3, 3, 100), Budget(4096, 300, 64, 5000), Budget(32, 8, 2, 7)):
        while True:
            before = (budget.step_tokens, budget.outputs, budget.max_sequences, budget.stored_tokens)
            if not budget.halve():
                break
            after = (budget.step_tokens, budget.outputs, budget.max_sequences, budget.stored_tokens)
            assert after < before and all(a <= b for a, b in zip(after, before, strict=True))
        assert budget.max_sequences == 1


# --- batching ---------------------------------------------------------------------------------------


def test_a_finished_sequence_is_replaced_at_once() -> None:
    """Continuous batching: with two sequences, answers of 1 to 6 tokens take as many batches as the tokens need."""
    lengths = [1, 6, 2, 3, 1, 4]
    jobs = [GenerateJob(f"g{n}", (n, n, 50 + n), most, Sampling(most), 0) for n, most in enumerate(lengths)]
    assert all(alone(job)[2] == "length" for job in jobs), "choose other prompts"  # type: ignore[index]
    ran = carry_out(jobs, Budget(64, 64, 2, 10**6))
    assert len(ran.batches) <= sum(lengths) // 2 + 2


def test_a_shared_prefix_is_computed_once_however_many_use_it() -> None:
    shots = tuple(range(100, 200))
    jobs = [GenerateJob(f"g{n}", (*shots, 300 + n), 1, Sampling(1), 0) for n in range(50)]
    ran = carry_out(jobs, Budget(64, 64, 16, 10**6))
    assert sum(map(len, ran.batches)) == 100 + 50


def test_one_context_and_its_continuations_are_read_in_one_batch() -> None:
    job = ScoreJob("s", tuple((tuple(range(20)), after) for after in ((1,), (2, 3), (2, 3), (4, 5, 6))))
    ran = carry_out([job], Budget(64, 64, 16, 10**6))
    assert [len(batch) for batch in ran.batches] == [20 + 1 + 2]
    assert ran.answers == answers_alone([job])


def test_prompts_never_stop_sequences_that_generate() -> None:
    """A long prompt is read piece by piece beside sequences that get a token in each batch."""
    first, second = (GenerateJob(f"g{n}", tuple(range(n, n + 160 - n)), 30, Sampling(30), 0) for n in (0, 1))
    assert len(alone(first)[0]) >= 12, "choose other prompts"  # type: ignore[index]
    beside = []

    def watch(scheduler: Scheduler, machine: Machine, batch: PackedBatch) -> None:
        beside.append((batch.decode, len(batch)))

    ran = carry_out([first, second], Budget(16, 64, 4, 10**6), watch=watch)
    assert ran.answers == answers_alone([first, second])
    assert beside.count((1, 16)) == 159 // 15, "one new token and 15 of the other's prompt"


def test_the_machine_finds_a_wrong_plan() -> None:
    """The checks of this file are checked: a batch that omits a prefix node, a branch or a move is noticed."""
    shots = tuple(range(100, 260))
    jobs: list[Job] = [GenerateJob(f"g{n}", (*shots, 300 + n), 3 + n, Sampling(9), 0) for n in range(4)]

    def spoilt(spoil: Callable[[PackedBatch], None]) -> Iterator[PackedBatch]:
        scheduler, machine = (
            Scheduler(assign_prefixes(sequence_groups(jobs)), Budget(512, 64, 8, 10**6), stop_reason),
            Machine(),
        )
        while (batch := scheduler.plan()) is not None:
            spoil(batch)
            result = machine.run(batch, *scheduler.take_cache_updates())
            list(scheduler.apply_results(batch, result, 1.0))
            yield batch

    def forget_segments(batch: PackedBatch) -> None:
        batch.shared.clear()

    def shift(batch: PackedBatch) -> None:
        batch.positions = [position + 1 for position in batch.positions]

    assert list(spoilt(lambda batch: None))
    for spoil in (forget_segments, shift):
        with pytest.raises(AssertionError):
            list(spoilt(spoil))


def test_a_sequence_whose_prefix_fills_a_batch_to_the_last_token_waits_for_the_next() -> None:
    """Else it would get a slot that holds nothing yet, and be moved there when the sequence before it ends."""
    # 19 batches for the first prompt, the last with 4 ids of the others' 109; then 15 ids beside each new token
    first = GenerateJob("first", tuple(range(300)), 8, Sampling(8), 0)
    assert alone(first)[2] == "length", "choose another prompt"  # type: ignore[index]
    shots = tuple(range(2000, 2109))
    jobs = [first, *(GenerateJob(f"g{n}", (*shots, n), 3, Sampling(3), 0) for n in range(2))]
    assert carry_out(jobs, Budget(16, 64, 4, 10**6)).answers == answers_alone(jobs)


@pytest.mark.slow
@given(
    streams(),
    st.integers(0, 40),
    st.lists(st.integers(0, 60), max_size=4),
    budgets(),
    st.sets(st.integers(1, 60), max_size=3),
)
def test_jobs_that_join_later_get_the_same_answers(
    jobs: list[Job], first: int, times: list[int], budget: Budget, failing: set[int]
) -> None:
    """Also when memory runs out in between; what they share with stored prefixes is freed with its last user."""
    parts = [jobs[:first]]
    rest = jobs[first:]
    size = len(rest) // max(1, len(times)) + 1
    later = [(at, rest[size * number : size * (number + 1)]) for number, at in enumerate(sorted(times) or [0])]
    ran = carry_out(parts[0], budget, fails=lambda number: number in failing, later=later)
    assert not ran.refused or failing
    wanted = answers_alone(jobs)
    assert {key: ran.answers.get(key) for key in wanted if key not in ran.refused} == {
        key: answer for key, answer in wanted.items() if key not in ran.refused
    }


def test_a_job_that_joins_finds_what_is_stored() -> None:
    """Its shots are in the cache for another one that is still being answered."""
    shots = tuple(range(200))
    begun = [GenerateJob(f"a{number}", (*shots, number), 12, Sampling(12), 0) for number in range(2)]
    joined = [GenerateJob("b", (*shots, 300, 301), 3, Sampling(3), 0)]
    budget = Budget(step_tokens=512, outputs=64, max_sequences=8, stored_tokens=10**6)
    ran = carry_out(begun, budget, later=[(4, joined)])
    assert ran.answers == answers_alone([*begun, *joined])
    assert [len(batch) for batch in ran.batches[:1]] == [202]
    assert sum(len(batch) for batch in ran.batches) < 300, "the shots are computed once"
