# Everything that can be done with the project, on a machine with Python 3.11 or newer and make. `make help` lists it.

VENV ?= .venv
# The first interpreter that is new enough; version managers' shims that lead nowhere fall through.
INTERPRETERS := python3 python3.13 python3.12 python3.11 python3.14 python
PYTHON ?= $(shell for name in $(INTERPRETERS); do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo "$$name"; break; }; done)
BIN := $(VENV)/bin
LOCAL := $(BIN)/python -m infra.local
export PYTHONPATH := layers/common:.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

.PHONY: help
help: ## list the targets
	@echo "Usage: make TARGET"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  %-12s %s\n' "$$name" "$$text"; done

.PHONY: run demo reset status fire invariants shopper import
run: $(VENV)/local.stamp ## run the whole shop here, play one purchase, serve until Ctrl-C
	@$(LOCAL) run
demo: $(VENV)/local.stamp ## play a purchase and two group-buys in a throw-away shop, check its books
	@$(LOCAL) demo
reset: $(VENV)/local.stamp ## delete the shop's data: the next run begins anew
	@$(LOCAL) reset
status: $(VENV)/local.stamp ## say what runs where
	@$(LOCAL) status
fire: $(VENV)/local.stamp ## start a function of the running shop: make fire JOB=close_unpaid_orders
	@$(LOCAL) fire $(or $(JOB),$(error say which job: make fire JOB=close_unpaid_orders))
invariants: $(VENV)/local.stamp ## check the books of the shop
	@$(LOCAL) invariants
shopper: $(VENV)/local.stamp ## act as the shopper's WeChat: make shopper ACT=pending|confirm|cancel|walk-away
	@$(LOCAL) shopper $(ACT)
import: $(VENV)/local.stamp ## import a catalogue: make import FILE=catalogue.jsonl
	@$(LOCAL) exec $(BIN)/python -m infra.tools.import_catalogue \
		$(or $(FILE),$(error say which file: make import FILE=catalogue.jsonl))

.PHONY: cost test check campaign teeth bench openapi lock build scan
test: check ## all checks and tests; ARGS go to pytest
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile --ignore tests/campaigns $(ARGS)
	$(if $(ARGS),,$(MAKE) campaign REDUCED=1)
test-mysql: $(VENV)/dev.stamp ## the functions' tests on a real MySQL, fetched into the cache where none is installed
	ORCHARD_DATABASE_SERVER=mysql $(BIN)/pytest tests/functions tests/promotions $(ARGS)
audit: $(VENV)/dev.stamp ## known weaknesses of the pinned packages (asks the network), secrets in files and history
	@$(BIN)/python -m infra.audit.secrets
	@$(BIN)/python -m infra.audit.dependencies
check: $(VENV)/dev.stamp ## lint, types, imports, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python -m infra.build.check_template
campaign: $(VENV)/dev.stamp ## faults and races by the hour: make campaign [SEED=7] [MINUTES=20] [REDUCED=1] [ARGS=...]
	@ORCHARD_CAMPAIGN=$(if $(REDUCED),ci,full) ORCHARD_CAMPAIGN_SEED=$(SEED) ORCHARD_CAMPAIGN_MINUTES=$(MINUTES) \
		$(BIN)/pytest $(or $(ARGS),tests/campaigns)
teeth: $(VENV)/dev.stamp ## seed mistakes in a copy, each must fail a test: make teeth [NAME=coupon] [WHOLE=1]
	@$(BIN)/python -m tests.teeth $(if $(NAME),--name $(NAME)) $(if $(WHOLE),--whole)
bench: $(VENV)/bench.stamp ## print every figure: make bench ARGS="orders catalog", FULL=1 for more data
	@$(BIN)/python -m benchmarks $(ARGS) $(if $(FULL),--full)
cost: $(VENV)/local.stamp ## what the shop costs a month: make cost ARGS="--orders-per-day 2000"
	@$(BIN)/python -m benchmarks.cost $(ARGS)
openapi: $(VENV)/dev.stamp ## write docs/openapi.json anew
	@$(BIN)/python -m infra.openapi --write
lock: $(VENV)/dev.stamp ## pin the functions' packages with hashes
	@$(BIN)/python -m infra.build.pin
build: $(VENV)/dev.stamp ## build functions and layers for sam deploy
	@$(BIN)/python -m infra.build.bundle
scan: $(VENV)/dev.stamp ## scan the expanded templates for what is open or too wide
	@$(BIN)/python -m infra.build.scan

.PHONY: deploy destroy
deploy: $(VENV)/dev.stamp ## put an environment on AWS: make deploy ENV=staging [SECRETS=/safe/place/staging.toml]
	@$(BIN)/python -m infra.deploy deploy $(or $(ENV),$(error say where: make deploy ENV=staging)) \
		$(if $(SECRETS),--secrets "$(SECRETS)")
destroy: $(VENV)/dev.stamp ## take its functions off again, keep its data: make destroy ENV=staging
	@$(BIN)/python -m infra.deploy destroy $(or $(ENV),$(error say which: make destroy ENV=staging)) \
		$(if $(CONFIRM),--confirm "$(CONFIRM)")

$(VENV)/%.stamp: pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one (Debian, Ubuntu: apt-get install python3" \
		"python3-venv; macOS: brew install python), or name yours: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) infra/environment.py $(VENV) $*
