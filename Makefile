# Every chore has a name and a sentence. The first `make run` needs Python 3.11 or newer and nothing else.

PY := .venv/bin/python
NPM := $(PY) scripts/node.py web
# The environment may name the Python to build with; the scripts look for one otherwise.
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup run test check bench cluster screenshots lock sbom clean

help: ## List these targets.
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '  make %-13s %s\n' "$$name" "$$what"; done

setup: ## Install everything into .venv and build the web view; skips what is up to date.
	@sh scripts/setup.sh

run: ## Start Cosession on this machine and print where it is (PORT, HOST and COSESSION_DATA_DIR are honoured).
	@sh scripts/setup.sh --run
	@exec .venv/bin/cosession serve

test: setup ## Run every test, those of the web view among them (T=path/or/option narrows it).
	@$(PY) -m pytest $(T)

check: setup ## Run what CI runs: linters, types, floors, every test.
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m basedpyright
	.venv/bin/lint-imports --no-logo
	$(NPM) run --silent check
	$(NPM) run --silent lint
	$(PY) -m pytest $(T)

bench: setup ## Measure speed against peers in the same run; results go to bench/out.
	@$(PY) -m bench --rounds 1 --seconds 2

cluster: setup ## Start three processes behind nginx, with Redis and Postgres, on this machine (PORT is honoured).
	@exec $(PY) scripts/cluster.py

screenshots: setup ## Drive the browser story once more and keep its pictures in docs/images.
	@COSESSION_SCREENSHOTS=docs/images $(PY) -m pytest -m browser tests/stories

lock: setup ## Resolve pyproject.toml anew into the locked requirements.
	@sh scripts/lock.sh

sbom: setup ## List what a release installs and carries, as CycloneDX, in dist/sbom.json.
	@$(PY) scripts/sbom.py

clean: ## Remove everything that was installed or built; data folders stay.
	rm -rf .venv web/node_modules tests/browser/node_modules api/static .pytest_cache .ruff_cache .hypothesis .import_linter_cache
