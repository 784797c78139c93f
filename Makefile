# Everything goes through launch.py, which needs only Python 3.11 or newer.
PYTHON ?= python3
LAUNCH = $(PYTHON) launch.py
VENV = .venv/bin/python

.PHONY: audit chaos fuzz fuzz-http import-kills model run test stop status lint format types lock seed backup screenshots readme-picture bench load docs worlds
run: ; @$(LAUNCH) run
test: ; @$(LAUNCH) test $(ARGS)
stop: ; @$(LAUNCH) stop
status: ; @$(LAUNCH) status
lint: ; @$(VENV) -m ruff check . && $(VENV) -m ruff format --check . && $(VENV) -m launcher.import_contracts && $(VENV) -m djlint --lint --quiet templates
format: ; @$(VENV) -m ruff check --fix --quiet . ; $(VENV) -m ruff format --quiet . ; find templates -name '*.html' -exec .venv/bin/djade --target-version 5.2 {} +
types: ; @$(LAUNCH) exec -- python -m mypy .
lock: ; @for extra in "" "--extra dev"; do uv pip compile pyproject.toml $$extra --universal --generate-hashes --no-header --quiet -o requirements$$([ -n "$$extra" ] && echo -dev).txt; done
seed: ; @$(LAUNCH) exec -- python manage.py seed_demo
backup: ; @$(LAUNCH) exec -- python manage.py backup
docs: ; @$(LAUNCH) exec -- python manage.py write_configuration_page && $(LAUNCH) exec -- python manage.py write_rights_table
screenshots: ; @$(LAUNCH) exec -- python -m tests.e2e.screenshots
readme-picture: ; @$(LAUNCH) exec -- python -m tests.e2e.screenshots --readme
chaos: ; @$(LAUNCH) exec -- true && $(VENV) -m tests.chaos $(ARGS)
bench: ; @$(LAUNCH) exec -- python -m benchmarks $(ARGS)
load: ; @$(LAUNCH) exec -- python -m benchmarks.load $(ARGS)
fuzz: ; @FUZZ_FILES=$(or $(ARGS),50000) $(LAUNCH) test -- -q tests/fuzz --hypothesis-show-statistics
fuzz-http: ; @FUZZ_REQUESTS=$(or $(ARGS),100000) $(LAUNCH) test -- -q tests/fuzz/test_http.py --hypothesis-show-statistics
import-kills: ; @IMPORT_KILLS=$(or $(ARGS),100) IMPORT_ROWS=$(or $(ROWS),100000) $(LAUNCH) test -- -q -s tests/chaos/test_import_kills.py
model: ; @MODEL_RUNS=$(or $(ARGS),20000) $(LAUNCH) test -- -q tests/model
worlds: ; @WORLDS=$(or $(ARGS),10000) $(LAUNCH) test -- -q tests/apps/organization/test_worlds.py tests/apps/opportunities/test_visible_worlds.py --hypothesis-show-statistics
audit: ; @$(VENV) -m pip_audit --strict --disable-pip --require-hashes -r requirements.txt -r requirements-dev.txt
