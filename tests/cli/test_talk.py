"""Progress goes to standard error, as bars for people and as lines for files."""

import io
import sys

import pytest
from sweetspot.cli.talk import progress


def shown(monkeypatch: pytest.MonkeyPatch, *, terminal: bool, quiet: bool = False) -> str:
    stream = io.StringIO()
    monkeypatch.setattr(stream, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", stream)
    with progress(quiet=quiet) as show:
        for done in (1, 2, 3):
            show("euler, 3 steps", done, 3)
    return stream.getvalue()


def test_a_file_gets_a_line_for_each_run(monkeypatch: pytest.MonkeyPatch):
    assert shown(monkeypatch, terminal=False) == "euler, 3 steps: done\n"


def test_a_terminal_gets_bars(monkeypatch: pytest.MonkeyPatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("TERM", "xterm")
    assert "3/3" in shown(monkeypatch, terminal=True)


def test_without_rich_a_terminal_gets_lines(monkeypatch: pytest.MonkeyPatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "rich"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "rich", None)
    assert shown(monkeypatch, terminal=True) == "euler, 3 steps: done\n"


@pytest.mark.parametrize("terminal", [True, False])
def test_quiet_shows_nothing(monkeypatch: pytest.MonkeyPatch, terminal: bool):
    assert shown(monkeypatch, terminal=terminal, quiet=True) == ""
