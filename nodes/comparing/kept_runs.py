"""The finished runs that are kept for later comparisons, whichever node made them."""

from ...comparison.run_cache import RunCache

KEPT = RunCache(0)
