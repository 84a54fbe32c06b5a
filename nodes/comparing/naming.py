"""Names the step count in errors of a run."""

import contextlib
from collections.abc import Iterator

import comfy.model_management


@contextlib.contextmanager
def naming(*counts: int) -> Iterator[None]:
    """Put the step count before an error's message. The type stays, because ComfyUI recognises some errors by it."""
    try:
        yield
    except comfy.model_management.InterruptProcessingException:
        raise
    except Exception as error:
        message = f"{', '.join(map(str, counts))} steps: {error}"
        try:
            named = type(error)(message)
        except TypeError:
            named = RuntimeError(message)
        raise named from error
