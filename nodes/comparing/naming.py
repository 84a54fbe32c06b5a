"""Names the step count in errors of a run."""

import contextlib
from collections.abc import Iterator

import comfy.model_management


@contextlib.contextmanager
def naming(*counts: int, where: str = "") -> Iterator[None]:
    """Put the step count before an error's message. The type stays, because ComfyUI recognises some errors by it.

    Args:
        counts: the step counts of the run.
        where: the node that runs, for an error that ComfyUI reports for another one; empty if it reports the right one.
    """
    try:
        yield
    except comfy.model_management.InterruptProcessingException:
        raise
    except Exception as error:
        place = f" in {where}" if where else ""
        message = f"{', '.join(map(str, counts))} steps{place}: {error}"
        try:
            named = type(error)(message)
        except TypeError:
            named = RuntimeError(message)
        raise named from error
