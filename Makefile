# make run    start the federation in a box (http://127.0.0.1:5000); Ctrl-C ends it
# make test   all tests but those in a browser; make test ARGS="-k subset" some of them
# make test-browser   every page in a real Chromium
# make lint   style, types, who may import whom
# make pins   resolve constraints.txt anew
# make clean  remove what these made, but not ./var (the jobs and results of the box)

.PHONY: run test test-browser lint pins clean environment
unexport PYTHONPATH PYTHONHOME
BIN := .venv/bin

run: environment
	@exec $(BIN)/gaia up $(ARGS)

test: environment
	$(BIN)/python -m pytest --numprocesses 2 --ignore=tests/browser $(ARGS)

test-browser: environment
	$(BIN)/python -m pytest tests/browser $(ARGS)

lint: environment
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

pins: environment
	.ci/pins

clean:
	rm -rf .venv dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find processes config workers server tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

environment:
	@.ci/environment
