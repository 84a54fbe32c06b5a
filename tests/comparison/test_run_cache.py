import numpy as np
import pytest
from sweetspot.comparison.measures.levels import to_floats, to_levels
from sweetspot.comparison.run_cache import RunCache
from sweetspot.comparison.runs import Run


def run(steps: int, level: float = 0.5) -> Run:
    return Run(steps, steps, 1.0, to_levels(np.full((1, 10, 10, 3), level, np.float32)))


def test_levels_are_those_that_comfyui_saves():
    """Stock nodes save numpy.clip(255 * image, 0, 255) cut off to 8 bits; what comes back is saved as the same."""
    images = np.linspace(-0.1, 1.1, 100_001, dtype=np.float32)
    levels = to_levels(images)
    assert np.array_equal(levels, np.clip(255.0 * images, 0, 255).astype(np.uint8))
    again = to_floats(np.arange(256, dtype=np.uint8))
    assert again.min() >= 0
    assert again.max() <= 1
    assert np.array_equal(np.clip(255.0 * again, 0, 255).astype(np.uint8), np.arange(256))


def test_a_run_comes_back_as_it_was_and_says_so():
    cache = RunCache(10_000)
    cache.put("a", run(4))
    found = cache.get("a", 4)
    assert (found.steps, found.model_calls, found.seconds, found.reused) == (4, 4, 1.0, True)
    assert np.array_equal(found.images, run(4).images)
    assert cache.get("a", 5) is None
    assert cache.get("b", 4) is None


def test_it_is_bounded_in_bytes_and_forgets_what_was_used_longest_ago():
    cache = RunCache(700)  # two runs of 300 bytes
    cache.put("a", run(1))
    cache.put("a", run(2))
    cache.get("a", 1)
    cache.put("a", run(3))
    assert cache.size == 600
    assert cache.get("a", 2) is None
    assert cache.get("a", 1) is not None
    cache.limit(0)
    assert cache.size == 0


@pytest.mark.parametrize("most", [0, 299])
def test_a_run_that_does_not_fit_is_not_kept(most: int):
    cache = RunCache(most)
    cache.put("a", run(1))
    assert cache.size == 0
