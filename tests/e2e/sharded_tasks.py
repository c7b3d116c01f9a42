"""Five small tasks of all kinds, and an engine that answers them by the keys of the requests, for tests of shards."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from files import write_jsonl

ENGINE = '''
import hashlib
import time

from harness.datatypes import Completion, ContinuationScore, GenerateRequest, Likelihood
from harness.engines.base import Capabilities, EngineFacts, PromptSize


class ByKey:
    """Right, wrong or empty, as the request's key decides; a second answer to a key may be another (`@again`)."""

    def __init__(self, spec, options):
        self.model, self.options = spec.name, options

    def capabilities(self):
        return Capabilities(answers_by="task", loglikelihoods=True, seeds=True, throughput_options={"delay"})

    def facts(self):
        digests = {"weights": self.options.get("weights", "f" * 64)} if self.options.get("weights") else {}
        return EngineFacts("by_key", self.model, "text", revision="main", digests=digests, notes=tuple(
            [self.options["note"]] if "note" in self.options else []))

    def check(self, requests):
        pass

    def measure(self, request):
        return PromptSize(3, 0, 8, "")

    def load(self):
        pass

    def stream(self, requests):
        for request in requests:
            time.sleep(self.options.get("delay", 0))
            number = int(hashlib.sha256(request.key.encode()).hexdigest(), 16)
            if isinstance(request, GenerateRequest):
                yield Completion(request.key, self._text(request, number), "stop", 3, number % 7, seconds=0.1)
                continue
            texts = getattr(request, "continuations", None) or (request.text,)
            scores = [-float(int(hashlib.sha256((request.key + t).encode()).hexdigest(), 16) % 97) for t in texts]
            yield Likelihood(request.key, tuple(
                ContinuationScore(s, 2, len(t), len(t.encode()), False) for s, t in zip(scores, texts)), 3, seconds=0.1)

    def _text(self, request, number):
        if request.task == "codes":
            return "    return " + ("n + 1" if number % 3 else "n")
        first, second = request.prompt.text.split("\\n")[-1].removesuffix(" =").split(" + ")
        return f" {int(first) + int(second) + (number % 3 == 0)}"

    def close(self):
        pass


def build(spec, options):
    return ByKey(spec, options)
'''
SUMS = """\
name: {name}
version: 1
about: Additions.
source: {{licence: Apache-2.0}}
data: {{path: ./sums.jsonl, split: test, columns: [id, a, b, total, family], id: "{{{{ id }}}}"{group}}}
reference: {{answer: ["{{{{ total }}}}"]}}
gold: "{{{{ total }}}}"
prompt:
  text: {{template: "{{{{ a }}}} + {{{{ b }}}} ="}}
sampling: {{max_tokens: 8{temperature}}}
repeats: {repeats}
score:
  - {{by: exact_match, extract: number}}
  - {{by: exact_match, name: loose, extract: {{by: number, pick: first}}}}
metric: {metric}
"""
CHOICES = """\
name: choices
version: 1
about: Options as continuations.
source: {licence: Apache-2.0}
data: {path: ./choices.jsonl, split: test, columns: [question, options, key]}
ask: loglikelihood
reference: {choice: {options: "{{ options }}", gold: "{{ key }}"}}
prompt:
  text: {template: "{{ question }}", target: " {{ option }}"}
score: [{by: choice, name: acc}, {by: choice, name: acc_norm, normalise: chars}]
metric: [mean]
"""
TEXTS = """\
name: texts
version: 1
about: Whole texts, with metrics of the corpus.
source: {licence: Apache-2.0}
data: {path: ./texts.jsonl, split: test, columns: [text]}
reference: {text: "{{ text }}"}
ask: rolling_loglikelihood
score: [{by: text_likelihood}]
metric: [bits_per_byte, word_perplexity]
"""
CODES = """\
name: codes
version: 1
about: Functions with tests.
source: {licence: Apache-2.0}
data: {path: ./codes.jsonl, split: test, columns: [head, tests]}
reference: {tests: {language: python, prelude: "{{ head }}", tests: "{{ tests }}", entry_point: after}}
gold: "    return n + 1"
prompt:
  text: {template: "{{ head }}"}
sampling: {max_tokens: 16}
score: [{by: unit_tests, extract: code}]
metric: [pass@1]
"""
TASKS = "./sums.yaml,./families.yaml,./choices.yaml,./texts.yaml,./codes.yaml"


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the pages and their rows into a folder, and make `--engine by_key` known, to processes of the test too."""
    families = [{"id": f"s{i}", "a": i, "b": 2 * i, "total": 3 * i, "family": f"f{i // 3}"} for i in range(24)]
    write_jsonl(folder / "sums.jsonl", families)
    plain = {"name": "sums", "group": "", "temperature": "", "repeats": 1, "metric": "[mean]"}
    grouped = {
        **{"name": "families", "group": ', group: "{{ family }}"', "temperature": ", temperature: 0.8"},
        **{"repeats": 3, "metric": "[pass@1, pass@2]"},
    }
    for values in (plain, grouped):
        (folder / f"{values['name']}.yaml").write_text(SUMS.format(**values))
    (folder / "choices.yaml").write_text(CHOICES)
    write_jsonl(
        folder / "choices.jsonl",
        [{"question": f"Which, number {i}?", "options": ["one", "two", "three"], "key": i % 3} for i in range(14)],
    )
    (folder / "texts.yaml").write_text(TEXTS)
    write_jsonl(folder / "texts.jsonl", [{"text": f"This is text number {i}."} for i in range(9)])
    (folder / "codes.yaml").write_text(CODES)
    write_jsonl(
        folder / "codes.jsonl",
        [{"head": "def after(n):\n", "tests": f"assert after({i}) == {i + 1}"} for i in range(5)],
    )
    package = folder / "site"
    info = package / "by_key-1.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: by_key\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[harness.engine]\nby_key = by_key_engine\n")
    (package / "by_key_engine.py").write_text(ENGINE)
    monkeypatch.syspath_prepend(package)
    monkeypatch.setenv("PYTHONPATH", str(package))
    monkeypatch.delitem(sys.modules, "by_key_engine", raising=False)
