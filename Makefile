# The two commands of the README: `make demo` and `make test`. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# A CPU machine gets the plain CPU build where one is offered; a GPU user sets TORCH (README, "GPU").
TORCH  ?= torch==2.13.0

.PHONY: demo test test-models test-slow test-checkpoints test-servers test-cluster test-report test-gpu bench bench-gpu parity golden guide picture check clean
# Real data, tokenizers and recorded completions beside the checkout, and a Python that has lm-eval 0.4.13
SHARED ?= ../shared
LM_EVAL ?= python3

demo: $(VENV)/.installed
	$(BIN)/harness run --report

test: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n auto --dist loadfile

# Every causal language model of transformers, as a tiny model, against plain transformers; writes the table of the docs
test-models: $(VENV)/.installed-dev
	$(BIN)/python tests/engines/matrix.py --out docs/architectures.md

# Tests that start the whole program many times (minutes): kills at random moments, copies on several devices, hubs
test-slow: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "slow and not cluster" -n auto --dist loadfile

# Adapters, GGUF and quantised weights against plain transformers with the same packages (minutes). The table of the docs:
# `python tests/engines/checkpoint_forms.py --out docs/checkpoints.md`, with the same PYTHONPATH and tests on it.
# The packages lie apart: transformers imports torchao wherever it is installed, which would cost every other test a second
FORMS := $(VENV)/checkpoints
# Apart again: peft imports gptqmodel where it is installed, which moves the hub's cache and switches on logging
GPTQ := $(VENV)/checkpoints-gptq
test-checkpoints: $(VENV)/.installed-dev
	test -d $(FORMS)/torchao || $(BIN)/python -m pip install --quiet --no-deps --target $(FORMS) \
		peft torchao optimum-quanto ninja bitsandbytes compressed-tensors loguru
	test -d $(GPTQ)/gptqmodel || $(BIN)/python -m pip install --quiet --no-deps --target $(GPTQ) \
		gptqmodel optimum device-smi pypcre tokenicer logbar defuser threadpoolctl
	PYTHONPATH=$(FORMS):. $(BIN)/python -m pytest -m "checkpoints and not gptqmodel" tests/engines/test_checkpoint_forms.py
	PYTHONPATH=$(GPTQ):$(FORMS):. $(BIN)/python -m pytest -m gptqmodel tests/engines/test_checkpoint_forms.py

# The whole demo suite through llama.cpp's server, `transformers serve` and a server in vLLM's shape (minutes)
test-servers: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m servers -n auto --dist loadfile tests/servers

# A head and two nodes of Ray on loopback, one of them killed in mid-run, and shards that are killed (minutes)
test-cluster: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m cluster -n 0

# The HTML report in a headless Chromium: widths, keyboard, paper, accessibility (a minute)
test-report: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -m "not slow" -n auto --dist loadfile tests/browser

# With TORCH set to a build for the GPU (README, "GPU")
test-gpu: $(VENV)/.installed-dev
	$(BIN)/python -c 'import sys, torch; sys.exit(None if torch.cuda.is_available() else "this torch sees no GPU: README, GPU")'
	$(BIN)/python -m pytest -m gpu tests/engines

bench: $(VENV)/.installed
	$(BIN)/python benchmarks/vs_peers.py

# Against lm-eval; then against vLLM, if it installs here (benchmarks/.cache/venv-vllm)
bench-gpu: $(VENV)/.installed
	$(BIN)/python benchmarks/vs_peers.py --device cuda --dtype bfloat16 --model smollm,qwen --cores 0,1,2,3
	-$(BIN)/python benchmarks/vs_servers.py --device cuda --dtype bfloat16 --model smollm,qwen --peers vllm --cores 0,1,2,3

# Every page that names a task of lm-evaluation-harness, against that task; writes the table of the docs
parity: $(VENV)/.installed
	$(BIN)/python benchmarks/parity_tasks.py --lm-eval "$(LM_EVAL)" --mirror $(SHARED)/data \
		--recorded $(SHARED)/recorded --tokenizer $(SHARED)/tokenizers/qwen2.5 \
		--results benchmarks/task_parity/results.json --out docs/parity.md

# The first three prompts of each page, after a change that is meant; look at the difference before it is committed
golden: $(VENV)/.installed-dev
	$(BIN)/python tests/golden_prompts.py --mirror $(SHARED)/data --tokenizers $(SHARED)/tokenizers

# docs/writing-tasks.md and docs/tasks.md. With real data: MEASURE="--mirror DIR --tokenizer DIR" also counts prompts' tokens
guide: $(VENV)/.installed
	$(BIN)/python -m docs.generate $(MEASURE)

# docs/report.png, the README's picture of a report; needs Chromium. Look at it before it is committed
picture: $(VENV)/.installed-dev
	$(BIN)/python -m docs.report_picture

check: $(VENV)/.installed-dev
	$(BIN)/ruff check harness tests examples docs
	$(BIN)/ruff format --check harness tests examples docs
	$(BIN)/mypy

# --no-compile: what is never imported need not be compiled, a third of the set-up time
$(VENV)/.installed: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "harness needs Python 3.11 or newer: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile "$(TORCH)"
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --editable .
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --disable-pip-version-check --no-compile --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache
