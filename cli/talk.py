"""What the shell says on standard error while it works: bars if rich is there and somebody looks, else plain lines."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Takes what runs, the step that is done, and the number of steps.
Progress = Callable[[str, int, int], None]


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Progress]:
    """Yield what shows the progress of runs.

    Args:
        quiet: show nothing.
    """
    if quiet:
        yield lambda _what, _done, _steps: None
        return
    if not sys.stderr.isatty():
        yield _in_lines
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bars
    except ImportError:
        yield _in_lines
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True)) as bars:
        shown: dict[str, object] = {}

        def show(what: str, done: int, steps: int) -> None:
            if what not in shown:
                shown[what] = bars.add_task(what, total=steps)
            bars.update(shown[what], completed=done)  # pyright: ignore[reportArgumentType] - rich's own number

        yield show


def _in_lines(what: str, done: int, steps: int) -> None:
    if done == steps:
        sys.stderr.write(f"{what}: done\n")
