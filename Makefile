# make run    start the federation in a box (http://127.0.0.1:5000); Ctrl-C ends it
# make test   all tests but those in a browser and the faults; make test ARGS="-k subset" some of them
# make test-unit    the rooms alone, without the tests that take a second or more: two and a half minutes on two cores
# make test-browser   every page in a real Chromium
# make test-faults    processes killed, frozen and cut off; make test-soak: those that take many minutes
# make lint   style, types, who may import whom
# make pins   resolve constraints.txt anew
# make clean  remove what these made, but not ./var (the jobs and results of the box)

.PHONY: run test test-unit test-browser test-faults test-soak lint pins clean environment
# without bytecode each process of pytest would rewrite and compile hundreds of modules anew
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE
BIN := .venv/bin

run: environment
	@exec $(BIN)/gaia up $(ARGS)

test: environment
	$(BIN)/python -m pytest --numprocesses 2 --ignore=tests/browser -m "not fault and not soak" $(ARGS)

test-unit: environment
	$(BIN)/python -m pytest --numprocesses 2 tests/config tests/processes tests/workers tests/server tests/test_house.py -m "not slow and not fault" $(ARGS)

test-browser: environment
	$(BIN)/python -m pytest tests/browser $(ARGS)

test-faults: environment
	$(BIN)/python -m pytest --numprocesses 2 tests/faults -m "not soak" $(ARGS)

test-soak: environment
	$(BIN)/python -m pytest tests/faults -m soak $(ARGS)

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
