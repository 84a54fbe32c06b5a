"""Whose presets count: with ComfyUI's --multi-user, those of the user who queued the prompt or opened the page.

ComfyUI knows the user of a request, but doesn't keep it with a queued prompt, so this does.
"""

import uuid
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import comfy.cli_args
from aiohttp import web

from .this_server import this_server

DEFAULT = "default"
# More prompts than wait in any queue.
_MOST_QUEUED = 10_000

_of_request: ContextVar[str] = ContextVar("sweetspot_user", default="")
_of_prompt: OrderedDict[str, str] = OrderedDict()


def asking_user() -> str:
    """Return the user who asks: of the request at hand, or else of the prompt that runs now."""
    if not comfy.cli_args.args.multi_user:
        return DEFAULT
    return _of_request.get() or _of_prompt.get(str(getattr(this_server(), "last_prompt_id", "")), DEFAULT)


def note_users() -> None:
    """Note from now on which user queues which prompt; does nothing without --multi-user or without a server."""
    server = this_server()
    if server is not None and comfy.cli_args.args.multi_user and _note_user not in server.app.middlewares:
        server.app.middlewares.append(_note_user)
        server.add_on_prompt_handler(_note_prompt)


@web.middleware
async def _note_user(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    try:
        user = this_server().user_manager.get_request_user_id(request)
    except KeyError:
        user = DEFAULT
    _of_request.set(user)
    return await handler(request)


def _note_prompt(body: dict[str, Any]) -> dict[str, Any]:
    # ComfyUI would give the prompt its number only after this.
    body["prompt_id"] = prompt = str(body.get("prompt_id") or uuid.uuid4())
    _of_prompt[prompt] = _of_request.get() or DEFAULT
    if len(_of_prompt) > _MOST_QUEUED:
        _of_prompt.popitem(last=False)
    return body
