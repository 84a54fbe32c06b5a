# Thin names for cli/develop.py, which does all the set-up and works without make, too.
PYTHON ?= python3

.PHONY: demo test lint

demo:
	@$(PYTHON) cli/develop.py demo

test:
	@$(PYTHON) cli/develop.py test

lint:
	@$(PYTHON) cli/develop.py lint
