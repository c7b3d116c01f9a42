"""More sentences, proposed by a language model: each must be in the article, and is marked as proposed by it.

The model reads the article's sentences and answers with those that state something checkable. What it answers beside
sentences of the article is dropped: it can neither invent a quote nor decide how a claim is tested.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.claims.drafting.found import Context, Found
from harness.claims.drafting.sentences import Sentence, sentences_of
from harness.datatypes import ChatPrompt, Completion, GenerateRequest, Message, Refusal, Request, Sampling, TextPrompt
from harness.engines.base import Engine
from harness.errors import EngineError

# Sentences in one question: small models lose the thread of longer ones
AT_ONCE = 12
MOST_TOKENS = 400
QUESTION = """\
Below are numbered sentences of an article about the language model {subject}. Which of them state something about \
{subject} that measurements or documents could show to be true or false (a score, a comparison, a price, a number of \
languages, an architecture, a licence)? Answer with their numbers, separated by commas, or with "none".

{sentences}

Numbers:"""


def proposals(article: str, context: Context, found: Sequence[Found], engine: Engine, model: str) -> tuple[Found, ...]:
    """Ask a model for checkable sentences that no rule found. Raises EngineError where it does not answer.

    `engine` is loaded here and closed by the caller.
    """
    known = {one.sentence.start for one in found}
    free = [sentence for sentence in sentences_of(article) if sentence.start not in known]
    parts = [free[first : first + AT_ONCE] for first in range(0, len(free), AT_ONCE)]
    chat = engine.facts().style == "chat"
    requests: list[Request] = [_request(number, part, context, chat=chat) for number, part in enumerate(parts)]
    engine.check(requests)
    engine.load()
    chosen: list[Sentence] = []
    for reply in engine.stream(requests):
        if isinstance(reply, Refusal):
            raise EngineError(f"{model}: {reply.failure.message}")
        assert isinstance(reply, Completion)
        chosen += _named(reply.text, parts[int(reply.key)])
    why = f"proposed by {model}, which no rule of this project reads; write the test that would settle it, or delete it"
    return tuple(
        Found(
            one, "proposed", one.text, {"test": {"not_measured": why}, "relation": "fact"}, (), f"proposed by {model}"
        )
        for one in sorted(chosen, key=lambda one: one.start)
    )


def _request(number: int, part: Sequence[Sentence], context: Context, *, chat: bool) -> GenerateRequest:
    listed = "\n".join(f"{place}. {sentence.text}" for place, sentence in enumerate(part, start=1))
    question = QUESTION.format(subject=context.subject, sentences=listed)
    prompt = ChatPrompt((Message("user", question),)) if chat else TextPrompt(question)
    return GenerateRequest(str(number), "draft", str(number), 0, prompt, Sampling(MOST_TOKENS, stop=("\n\n",)))


def _named(answer: str, part: Sequence[Sentence]) -> list[Sentence]:
    """The sentences whose numbers an answer lists, on its first line that has any."""
    for line in answer.splitlines():
        numbers = [int(word) for word in line.replace(",", " ").replace(".", " ").split() if word.isdigit()]
        if numbers:
            return [part[number - 1] for number in dict.fromkeys(numbers) if 1 <= number <= len(part)]
    return []
