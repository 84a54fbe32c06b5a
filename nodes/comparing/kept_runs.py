"""The finished runs that are kept for later comparisons, whichever node made them, and when they are dropped."""

import weakref
from collections.abc import Awaitable, Callable, Collection
from typing import Any

import comfy.cli_args
import comfy.model_management as management
import torch
from aiohttp import web

from ...comparison.run_cache import RunCache
from ...comparison.runs import Run
from ..model.this_server import this_server

KEPT = RunCache(0)
# The models of kept runs, by the names under which those are kept.
_MODELS: dict[str, weakref.ref[Any]] = {}
_HOST = torch.device("cpu")
_FREE = ("/free", "/api/free")
# What ComfyUI itself keeps free by default: a share of the memory, and the least and most of it, in bytes.
_SHARE, _LEAST, _MOST = 0.1, 2 << 30, 10 << 30
# So many bytes of runs stay in any case.
_ALWAYS = 128 << 20


def begin_comparison(cache_bytes: int, models: Collection[str]) -> None:
    """Drop runs that are in the way of the comparison that begins now.

    These are the runs of models that ComfyUI has given up since, because the user has switched to others. With
    `--cache-none` it gives up each model after each prompt, so a model of the same name still counts as the same.

    Args:
        cache_bytes: how many bytes of runs may be kept.
        models: the names of the models that this comparison uses.
    """
    KEPT.limit(cache_bytes)
    gone = {name for name, model in _MODELS.items() if name not in models and model() is None}
    KEPT.release_models(gone)
    for name in gone:
        del _MODELS[name]
    make_room()


def keep(key: str, run: Run, name: str, model: "weakref.ref[Any] | None") -> None:
    """Keep a run for later comparisons.

    Args:
        key: identifies everything that determines its result, except the step count.
        run: the run.
        name: identifies its model.
        model: refers to the model itself, which all its ModelPatchers share; None if it isn't known.
    """
    if model is not None:
        _MODELS[name] = model
    KEPT.put(key, run, name)


def make_room() -> None:
    """Drop runs until as much memory is free as ComfyUI wants to have free (`--cache-ram`).

    Between comparisons only: a comparison holds its own runs, so that dropping them would free nothing. A few always
    stay, because they would not help.
    """
    missing = _headroom(management.get_total_memory(_HOST)) - management.get_free_memory(_HOST)
    if missing > 0:
        KEPT.release(max(min(int(missing), KEPT.size - _ALWAYS), 0))


def drop_when_asked() -> None:
    """Let ComfyUI's own route for freeing memory also drop the kept runs; does nothing without a server."""
    server = this_server()
    if server is not None and _note_freeing not in server.app.middlewares:
        server.app.middlewares.append(_note_freeing)


@web.middleware
async def _note_freeing(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    answer = await handler(request)
    if request.path in _FREE and request.method == "POST" and answer.status < web.HTTPBadRequest.status_code:
        asked: Any = await request.json()
        if asked.get("free_memory"):
            KEPT.release(KEPT.size)
    return answer


def _headroom(total: int) -> float:
    # A number in older versions of ComfyUI, a list of up to two since.
    given = getattr(comfy.cli_args.args, "cache_ram", None)
    first = given[0] if isinstance(given, list | tuple) and given else given
    return (
        first * (1 << 30) if isinstance(first, int | float) and first > 0 else min(_MOST, max(_LEAST, _SHARE * total))
    )
