"""Notes what one thread does to files, network and programs, by Python's audit events (PEP 578)."""

import os
import sys
import threading

WATCHED = (
    "socket.connect",
    "socket.bind",
    "socket.getaddrinfo",
    "socket.sendto",
    "urllib.Request",
    "pickle.find_class",
)
PROGRAMS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.startfile")
CHANGES = ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "shutil.rmtree")
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

events: list[list[str]] = []
# The thread that is watched, and whether the hook is set: one can't be taken away again.
state = {"thread": 0, "hooked": 0}


def start() -> None:
    """Note what this thread does from now on."""
    events.clear()
    state["thread"] = threading.get_ident()
    if not state["hooked"]:
        sys.addaudithook(_note)
        state["hooked"] = 1


def stop() -> list[list[str]]:
    """Stop and return what was noted."""
    state["thread"] = 0
    return list(events)


def _note(event, arguments) -> None:
    if threading.get_ident() != state["thread"]:
        return
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & _WRITING:
        events.append(["write", str(arguments[0])])
    elif event in CHANGES:
        events.extend(["write", str(path)] for path in arguments[:2] if isinstance(path, str | bytes | os.PathLike))
    elif event in WATCHED or event in PROGRAMS:
        events.append([event, repr(arguments)[:200]])
