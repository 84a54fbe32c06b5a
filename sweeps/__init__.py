"""Sweeps: models x contenders x prompts x seeds x step counts, on one machine or many. They need the extra `sweep`."""
