# Short names for scripts/develop.py, which does all the set-up and works without make, too.
PYTHON ?= python3

.PHONY: demo check test lint bench

demo check test lint bench:
	@$(PYTHON) scripts/develop.py $@
