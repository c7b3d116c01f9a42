"""Finding stop strings in an answer while it grows, across token borders, without decoding it anew each step.

Guarantees: a stop string is seen at the step whose token completes it, in each row for itself; the final text
is cut before the earliest stop string. Does not look into the prompt: a stop string in it stops
nothing. A stop string that is a special token ends the row by its id, since special tokens show in no text.
"""

from __future__ import annotations

from collections.abc import Sequence

from harness.engines.hf.prompt_encoding import DECODE_CONTEXT_TOKENS, PromptEncoder

# Tokens may hold less than a character, or nothing that shows.
SLACK_TOKENS = 8


def cut_at_stop(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """Return the text before the earliest stop string, and whether there was one."""
    places = [place for one in stop if one and (place := text.find(one)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


class StopWatch:
    """Watches the growing answers of a batch of prompts."""

    def __init__(self, encoder: PromptEncoder, prompts: Sequence[Sequence[int]], stop: Sequence[str]) -> None:
        """`prompts` are the rows' token ids, without padding."""
        self._encoder = encoder
        self._prompts = prompts
        self._stop = [one for one in stop if one]
        self._stop_ids = encoder.special_stops(self._stop)
        longest = max((len(one.encode()) for one in self._stop), default=0)
        self._window = longest + SLACK_TOKENS
        self.stopped_at: list[int | None] = [None] * len(prompts)

    def look(self, outputs: Sequence[Sequence[int]]) -> list[bool]:
        """Given each row's output ids so far, return which rows have met a stop string (now or before)."""
        for row, output in enumerate(outputs):
            if self.stopped_at[row] is None and self._stop and self._meets(row, output):
                self.stopped_at[row] = len(output)
        return [place is not None for place in self.stopped_at]

    def _meets(self, row: int, output: Sequence[int]) -> bool:
        if output and output[-1] in self._stop_ids:
            return True
        tail = output[-self._window :]
        left = output[: len(output) - len(tail)][-DECODE_CONTEXT_TOKENS:]
        context = [*self._prompts[row][-DECODE_CONTEXT_TOKENS:], *left]
        text = self._encoder.decode(context, tail)
        return any(one in text for one in self._stop)
