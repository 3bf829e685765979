# `make` lists the targets. Each sets up what it needs and keeps it in ~/.cache/llmtrain (LLMTRAIN_CACHE names another folder).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-down local test test-fast unit e2e lint fix render lock chaos bench bench-elastic bench-agent gpu-check venv

# Nothing is installed for development: packages are found where they are written.
export PYTHONPATH := crds/src:operator/src:trainer/src:images/src:charts/src
# Tests and tools say at once what they do.
export PYTHONUNBUFFERED := 1

python := .venv/bin/python
pytest := $(python) -m pytest
# One process for each core. A process that runs out of tests takes some of another's.
parallel := -n auto --dist worksteal
e2e := $(pytest) tests/e2e -v --timeout 400 --maxfail 5 --tb short
kind := python3 -m llmtrain_kind

help: ## list the targets
	@echo "llmtrain: train language models on Kubernetes."
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## train a language model on a local Kubernetes cluster, from nothing to a sample of its text
	@$(kind) demo

demo-down: ## delete the local cluster and its volumes; caches stay
	@$(kind) down

local: venv ## train the same job file on this machine without a cluster; Ctrl-C stops, again resumes
	@$(python) -m llmtrain_cli run examples/gpt-stdlib.yaml

test: ## everything: lint, unit, contract and integration tests, then e2e tests on a real cluster
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-fast
	@$(MAKE) --no-print-directory e2e

test-fast: venv ## the tests that need no cluster: unit, contract, integration
	@echo "▸ unit, contract and integration tests" >&2
	@$(pytest) tests/unit tests/contract tests/integration -q -m "not helm and not promtool and not bench" $(parallel)

unit: venv ## the unit tests alone
	@$(pytest) tests/unit -q -m "not bench" $(parallel)

e2e: venv ## the tests of the chart with helm, of alerts with promtool, and those on a real cluster, which is made or reused
	@$(kind) up
	@$(kind) install
	@echo "▸ tests of the chart with helm, and of the alerts with promtool" >&2
	@$(pytest) tests/contract -q -m "helm or promtool" $(parallel)
	@echo "▸ e2e tests on the cluster, side by side" >&2
	@$(e2e) -m "not serial and not bench" -n 2 --dist loadgroup
	@echo "▸ e2e tests that need the cluster to themselves" >&2
	@$(e2e) -m "serial and not bench"

lint: venv ## ruff, mypy --strict and the rules of who may import whom
	@echo "▸ ruff" >&2
	@$(python) -m ruff check .
	@$(python) -m ruff format --check --quiet . || { echo "Run 'make fix': these files aren't formatted:" >&2; $(python) -m ruff format --check . >&2; exit 1; }
	@echo "▸ mypy" >&2
	@$(python) -m mypy
	@echo "▸ import rules" >&2
	@.venv/bin/lint-imports --no-logo

fix: venv ## let ruff put right what it can, and format
	@$(python) -m ruff check --fix --quiet . || true
	@$(python) -m ruff format .

render: venv ## write what is generated: CRDs, rules, dashboards, pages of metrics and alerts, the chart's golden manifests
	@$(python) -m llmtrain_api.crd crds
	@$(python) -m llmtrain_api.pages docs
	@$(python) charts/render.py
	@$(python) tests/contract/golden.py

lock: venv ## resolve the newest allowed versions anew into requirements/*.lock
	@lock() { \
	  echo "▸ requirements/$$2.lock" >&2; \
	  .venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --python-version 3.11 pyproject.toml $${1:+$$(printf -- '--extra %s ' $${1//,/ })} $${3:-} -o requirements/$$2.lock; \
	}; \
	lock operator operator; lock dev dev; lock trainer,cli trainer; lock text trainer-cpu "--no-emit-package numpy"
	@echo "▸ requirements/uv.lock" >&2
	@echo uv | .venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate --python-version 3.11 - -o requirements/uv.lock

chaos: venv ## kill, halt and stop every part of a training at named points; the weights must stay the same
	@$(pytest) tests/chaos -v --timeout 300 --tb short

bench: venv ## measure, and print figures
	@$(pytest) tests/perf -q -s -m bench

bench-elastic: venv ## measure recoveries beside torchrun's, the exact reduction beside DDP, checkpoints beside torch.save
	@$(pytest) tests/perf/test_reduction.py tests/perf/test_checkpoint.py tests/perf/test_recovery.py tests/perf/test_torchrun.py -q -s -m bench

bench-agent: venv ## measure the node agent with 8 fake GPUs and 100 pods, scraped every 5 seconds
	@$(pytest) tests/perf/test_agent.py -q -s -m bench

gpu-check: venv ## on a machine with an NVIDIA GPU: compare the node agent with nvidia-smi while a training runs
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(python) -m llmtrain_agent.gpu.check -- \
	  $(python) -m llmtrain_cli run examples/gpt-stdlib.yaml --directory "$$folder" --fresh --plain

venv:
	@sh requirements/venv.sh
