# Thin names for scripts/develop.py, which does all the set-up and works without make, too.
PYTHON ?= python3

.PHONY: demo test lint

demo:
	@$(PYTHON) scripts/develop.py demo

test:
	@$(PYTHON) scripts/develop.py test

lint:
	@$(PYTHON) scripts/develop.py lint
