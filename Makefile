# `make` lists the targets. Each sets up what it needs and keeps it in ~/.cache/llmtrain (LLMTRAIN_CACHE names another folder).

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo demo-down local test test-fast unit coverage e2e chart-test lint ruff mypy imports verify fix
.PHONY: render render-files lock data chaos bench bench-elastic bench-trainer bench-tasks tasks-exact bench-formats bench-agent bench-operator gpu-check upgrade-test venv

# Nothing is installed for development: packages are found where they are written.
export PYTHONPATH := crds/src:operator/src:trainer/src:images/src:charts/src
# Output appears at once, also through a pipe.
export PYTHONUNBUFFERED := 1

python := .venv/bin/python
pytest := $(python) -m pytest
# One process for each core; the tests of a file run in one of them, in order.
parallel := -n auto --dist loadfile
# Tests that need none of the tools that are built from Go modules or unpacked from Debian's packages.
without_tools := not helm and not promtool and not apiserver and not bench and not data
e2e := $(pytest) tests/e2e -v --timeout 400 --maxfail 5 --tb short
kind := python3 -m llmtrain_kind
# Helm's major version in `make chart-test`: 3 or 4.
HELM ?= 4

help: ## list the targets
	@echo "llmtrain: train language models on Kubernetes."
	@echo
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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
	@$(pytest) tests/unit tests/contract tests/integration -q -m "$(without_tools)" $(parallel)

unit: venv ## the unit tests alone
	@$(pytest) tests/unit -q -m "not bench" $(parallel)

coverage: venv ## test-fast with line coverage of all processes; fails below the floor in pyproject.toml
	@mkdir -p build/coverage
	@$(pytest) tests/unit tests/contract tests/integration -q -m "$(without_tools)" \
	  --cov --cov-report term --cov-report xml:build/coverage/coverage.xml

chart-test: venv ## the chart's tests with one Helm: make chart-test HELM=3
	@LLMTRAIN_HELM=$(HELM) $(pytest) tests/contract -q -m helm

e2e: venv ## tests with Helm, promtool, an API server alone, and on a real cluster, which is created or reused
	@$(kind) up
	@$(kind) install
	@$(kind) control-plane >/dev/null
	@echo "▸ tests of the chart with helm, and of the alerts with promtool" >&2
	@$(pytest) tests/contract -q -m "helm or promtool" $(parallel)
	@echo "▸ e2e tests on the cluster, side by side" >&2
	@$(e2e) -m "not serial and not bench" -n 2 --dist loadfile
	@echo "▸ tests of replicas of the operator with an API server alone" >&2
	@$(pytest) tests/integration/operator -q -m "apiserver and not background"
	@echo "▸ e2e tests that need the cluster to themselves, and crashes and faults with the processor time that they leave" >&2
	@mkdir -p build; nice -n 19 $(pytest) tests/integration/operator -q -m background >build/background.log 2>&1 & \
	background=$$!; trap 'kill $$background 2>/dev/null || true' EXIT; \
	$(e2e) -m "serial and not bench and not upgrade"; \
	echo "▸ waiting for the tests of crashes and faults" >&2; \
	wait $$background || { cat build/background.log; exit 1; }; cat build/background.log

upgrade-test: venv ## go from another version to this one and back with running jobs: make upgrade-test FROM=REVISION
	@[ -n "$(FROM)" ] || { echo "FROM is not set: name the revision to upgrade from, for example make upgrade-test FROM=HEAD~1" >&2; exit 2; }
	@$(kind) up
	@LLMTRAIN_UPGRADE_FROM=$(FROM) $(e2e) -m upgrade

lint: ruff mypy imports verify ## ruff, mypy --strict, import contracts, and generated files that are up to date

ruff: venv
	@echo "▸ ruff" >&2
	@$(python) -m ruff check .
	@$(python) -m ruff format --check --quiet . || { echo "Run 'make fix': these files aren't formatted:" >&2; $(python) -m ruff format --check . >&2; exit 1; }

mypy: venv
	@echo "▸ mypy" >&2
	@$(python) -m mypy

imports: venv
	@echo "▸ import contracts" >&2
	@.venv/bin/lint-imports --no-logo

# Compares content before and after, not with the last commit, so it also works while you edit.
# The golden manifests need Helm; `make chart-test` verifies them.
content := git ls-files -z --cached --others --exclude-standard | sort -zu | xargs -0 sha256sum 2>/dev/null || true
verify: venv ## render, then fail if a generated file changed
	@echo "▸ generated files" >&2
	@before=$$($(content)); $(MAKE) --no-print-directory render-files; after=$$($(content)); \
	stale=$$(diff <(echo "$$before") <(echo "$$after") | awk '/^>/ {print "  " $$3}' || true); \
	[ -z "$$stale" ] || { printf 'These generated files were stale. They are rendered now; review and commit them:\n%s\n' "$$stale" >&2; exit 1; }

fix: venv ## apply ruff's fixes, and format
	@$(python) -m ruff check --fix --quiet . || true
	@$(python) -m ruff format .

render: render-files ## write generated files: CRDs, rules, dashboards, reference pages, golden manifests
	@$(python) tests/contract/golden.py

render-files: venv
	@$(python) -m llmtrain_api.generate.crd crds
	@$(python) -m llmtrain_api.generate.reference_docs docs/reference
	@$(python) docs/reference.py
	@$(python) charts/render.py

lock: venv ## resolve the newest allowed versions into requirements/*.lock
	@lock() { \
	  echo "▸ requirements/$$2.lock" >&2; \
	  .venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	    --no-header --python-version 3.11 pyproject.toml $${1:+$$(printf -- '--extra %s ' $${1//,/ })} $${3:-} -o requirements/$$2.lock; \
	}; \
	lock operator operator; lock dev dev; lock trainer,cli trainer; lock text trainer-cpu "--no-emit-package numpy"
	@echo "▸ requirements/uv.lock" >&2
	@echo uv | .venv/bin/uv pip compile -q --upgrade --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --no-annotate --python-version 3.11 - -o requirements/uv.lock

# Names of sets in `make data`; all by default.
SETS ?=
data: venv ## download real data for tests and benchmarks, and check it: make data SETS='film-2 brown' for two sets
	@PYTHONPATH=$$PYTHONPATH:tests $(python) -m real_data $(SETS)
	@[ -n "$(SETS)" ] || { echo "▸ reading the sets back" >&2; $(pytest) tests/integration/real_data -q -m data; }

chaos: venv ## kill, freeze and hang every part of a training at named points; the weights must stay the same
	@$(pytest) tests/chaos -v --timeout 300 --tb short

bench: venv ## measure, and print figures
	@$(pytest) tests/perf -q -s -m bench --ignore-glob 'tests/perf/test_operator*' --ignore tests/perf/test_prepare.py --ignore tests/perf/test_finetune.py

bench-elastic: venv ## measure recoveries beside torchrun's, the exact reduction beside DDP, checkpoints beside torch.save
	@$(pytest) tests/perf/test_reduction.py tests/perf/test_checkpoint.py tests/perf/test_recovery.py tests/perf/test_torchrun.py -q -s -m bench

bench-trainer: venv ## measure fine-tuning beside `transformers`, and the prepare stage with 2 GB of text, with 200,000 files and beside `datasets` (about 30 minutes)
	@$(MAKE) --no-print-directory data SETS='minilm food-reviews'
	@$(pytest) tests/perf/test_finetune.py tests/perf/test_prepare.py -q -s -m bench

bench-formats: venv ## measure the memory of the prepare stage with 2 GB in each format (about an hour); LLMTRAIN_BENCH_MEGABYTES=200 for less
	@$(pytest) tests/perf/test_prepare_formats.py -q -s -m bench

# Names of rows in `make bench-tasks`; all by default.
ROWS ?=
bench-tasks: venv ## train a model for each task on real data and write docs/benchmarks.md (about 45 minutes): make bench-tasks ROWS='film-2 brown' for two rows
	@PYTHONPATH=$$PYTHONPATH:tests $(python) -m bench_tasks $(ROWS)

tasks-exact: venv ## train every task with every model by 1, 2 and 3 workers and with a kill, and compare to the bit (about 20 minutes)
	@PYTHONPATH=$$PYTHONPATH:tests $(python) -m bench_tasks --exact

bench-agent: venv ## measure the node agent with 8 fake GPUs and 100 pods, scraped every 5 seconds
	@$(pytest) tests/perf/test_agent.py -q -s -m bench

bench-operator: venv ## measure the operator with 1,000 jobs of 8 workers on kwok's nodes, and with 10,000 nodes (about 40 minutes); and a coordinator of 1,024 ranks
	@trap 'PYTHONPATH=$$PYTHONPATH:tests $(python) -m perf.scale.cluster down' EXIT; \
	  $(pytest) tests/perf/test_coordinator.py tests/perf/test_operator.py tests/perf/test_operator_big_cluster.py -q -s -m bench

gpu-check: venv ## on a machine with an NVIDIA GPU: compare the node agent with nvidia-smi while a training runs
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && $(python) -m llmtrain_agent.gpu.check -- \
	  $(python) -m llmtrain_cli run examples/gpt-stdlib.yaml --directory "$$folder" --fresh --plain

venv:
	@sh requirements/venv.sh
