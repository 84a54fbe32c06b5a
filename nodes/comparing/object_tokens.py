"""Numbers for objects that are known only by themselves."""

import contextlib
import itertools
import weakref
from typing import Any


class ObjectTokens:
    """Gives each object its own number for as long as it exists."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[weakref.ref[Any], int]] = {}
        self._next = itertools.count()

    def of(self, value: Any) -> int:
        """Return the object's number. One that can't be referred to weakly gets a new number each time."""
        entry = self._known.get(id(value))
        if entry is not None and entry[0]() is value:
            return entry[1]
        token, place = next(self._next), id(value)
        # Without a weak reference, another object could later have the same id.
        with contextlib.suppress(TypeError):
            self._known[place] = (weakref.ref(value, lambda _: self._known.pop(place, None)), token)
        return token
