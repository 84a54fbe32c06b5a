"""A running ComfyUI, reached over HTTP: the one file that knows comfy-cli's client and ComfyUI's messages."""

import contextlib
import io
import json
import logging
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

log = logging.getLogger("sweetspot.engines")

Prompt = Mapping[str, Mapping[str, Any]]
_PORT = 8188
# How long the server may be silent before it is asked whether it is still there, and how often.
_SILENT_SECONDS, _TRIES = 10.0, 6
_BETWEEN_TRIES = 2.0
_FAILED = ("execution_error", "execution_interrupted")


class ServerError(ValueError):
    """The server isn't there, refuses a prompt, or a node failed. The message says which, why, and what to do."""


class MissingClientError(ImportError):
    """comfy-cli is missing; the message says what to install."""


@dataclass
class Ran:
    """What a prompt gave.

    Attributes:
        outputs: what its nodes show, by node id.
        progress: for each watched node, when each of its steps was reported, in seconds.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    progress: dict[str, list[float]] = field(default_factory=dict)

    @property
    def seconds(self) -> float | None:
        """The time of the watched nodes' steps; None if fewer than two were reported, e.g. because they are cached."""
        if not self.progress or any(len(times) < 2 for times in self.progress.values()):
            return None
        return sum((times[-1] - times[0]) / (len(times) - 1) * len(times) for times in self.progress.values())


def to_prompt(workflow: dict[str, Any], classes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a workflow as the browser saves it as a prompt graph.

    Args:
        workflow: the workflow.
        classes: what the server says about its node classes.

    Raises:
        ValueError: if it can't be converted.
    """
    from comfy_cli.workflow_to_api import WorkflowConversionError, convert_ui_to_api

    try:
        return convert_ui_to_api(workflow, dict(classes))
    except WorkflowConversionError as error:
        raise ValueError(str(error)) from error


class ComfyServer:
    """A running ComfyUI.

    Args:
        address: e.g. `http://127.0.0.1:8188`, or without the scheme or port.

    Raises:
        ServerError: if the address is none.
        MissingClientError: if comfy-cli is missing.
    """

    def __init__(self, address: str) -> None:
        try:
            from comfy_cli.comfy_client import Client
            from comfy_cli.target import Target
        except ImportError as error:
            raise MissingClientError("a ComfyUI server needs comfy-cli: pip install 'sweetspot[server]'") from error
        parts = urllib.parse.urlsplit(address if "//" in address else f"//{address}")
        try:
            port = parts.port or (443 if parts.scheme == "https" else _PORT)
        except ValueError:
            port = 0
        if not parts.hostname or parts.scheme not in ("", "http", "https") or not port:
            raise ServerError(f"--server: expected an address such as http://127.0.0.1:{_PORT}, got {address!r}")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        path = parts.path.rstrip("/")
        self.url = f"{parts.scheme or 'http'}://{host}:{port}{path}"
        self._client, self._id = Client(Target("local", self.url)), uuid.uuid4().hex

    def classes(self) -> dict[str, Any]:
        """Return what the server says about its node classes.

        Raises:
            ServerError: if it isn't there, or is no ComfyUI.
        """
        answer = self._json("object_info")
        if not isinstance(answer, dict) or "KSampler" not in answer:
            raise ServerError(f"--server: expected a ComfyUI at {self.url}, got another answer")
        return answer

    def run(self, prompt: Prompt, watched: Collection[str], on_step: Callable[[int, int], None]) -> Ran:
        """Queue a prompt, wait until it has run, and return what it gave.

        Args:
            prompt: the graph in API form.
            watched: ids of the samplers whose steps are timed.
            on_step: called with the step and the number of steps of a watched node.

        Raises:
            ServerError: if the server refuses the prompt, a node fails, or the server is gone or restarted.
            KeyboardInterrupt: from the user; the prompt is then taken off the queue, or stopped.
        """
        socket = self._listen()
        try:
            prompt_id = self._submit(prompt)
            try:
                return self._wait(socket, prompt_id, set(watched), on_step)
            except KeyboardInterrupt:
                self._stop(prompt_id)
                raise
        finally:
            with contextlib.suppress(Exception):
                socket.close()

    def image(self, saved: Mapping[str, str]) -> NDArray[np.uint8]:
        """Return a saved image as 8-bit levels, shape (height, width, channels).

        Raises:
            ServerError: if it isn't there or no image.
        """
        try:
            with urllib.request.urlopen(self._client.view_url(dict(saved)), timeout=60) as answer:
                picture = Image.open(io.BytesIO(answer.read()))
                return np.asarray(picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGB"))
        except (OSError, ValueError, HTTPException) as error:
            got = f"{saved.get('filename')!r}, which can't be read: {error}"
            raise ServerError(f"output: expected an image at {self.url}, got {got}") from error

    def _submit(self, prompt: Prompt) -> str:
        from comfy_cli.comfy_client import HTTPError

        try:
            queued = self._client.submit_prompt(dict(prompt), self._id)
        except HTTPError as error:
            raise ServerError(_refusal(prompt, error.body) or f"the server refuses the workflow: {error}") from error
        except (OSError, ValueError, HTTPException) as error:
            raise self._gone(error) from error
        if queued.node_errors:
            # ComfyUI runs the outputs that are left, but these are not what was asked for.
            self._stop(queued.prompt_id)
            raise ServerError(_refusal(prompt, json.dumps({"node_errors": queued.node_errors})))
        return queued.prompt_id

    def _wait(self, socket: Any, prompt_id: str, watched: set[str], on_step: Callable[[int, int], None]) -> Ran:
        import websocket

        ran, heard = Ran(), time.monotonic()
        while True:
            try:
                message = socket.recv()
            except websocket.WebSocketTimeoutException:
                message = ""
            except (websocket.WebSocketException, OSError):
                return self._wait_without_messages(prompt_id, ran)
            kind, data = _read(message)
            if data.get("prompt_id") == prompt_id:
                heard = time.monotonic()
                if kind == "progress" and str(data.get("node")) in watched:
                    ran.progress.setdefault(str(data["node"]), []).append(time.perf_counter())
                    on_step(int(data["value"]), int(data["max"]))
                if kind in _FAILED:
                    raise ServerError(_failure(kind, data))
            if _has_ended(kind, data, prompt_id) or time.monotonic() - heard >= _SILENT_SECONDS:
                # Messages may be lost, and other prompts and packs send theirs to everybody.
                heard = time.monotonic()
                try:
                    if self._is_done(prompt_id, ran):
                        return ran
                except _Away:
                    return self._wait_without_messages(prompt_id, ran)

    def _wait_without_messages(self, prompt_id: str, ran: Ran) -> Ran:
        """Wait for a prompt whose messages were lost, if the server comes back; its times are not known."""
        ran.progress.clear()
        log.warning("The connection to %s was lost. Waiting for it ...", self.url)
        for _ in range(_TRIES):
            time.sleep(_BETWEEN_TRIES)
            with contextlib.suppress(_Away):
                while not self._is_done(prompt_id, ran):
                    time.sleep(_BETWEEN_TRIES)
                return ran
        raise self._gone(None)

    def _is_done(self, prompt_id: str, ran: Ran) -> bool:
        """Take a prompt's outputs if it has run.

        Raises:
            ServerError: if it failed, or the server doesn't know it.
            _Away: if the server doesn't answer.
        """
        record = (self._get(f"history/{prompt_id}") or {}).get(prompt_id)
        if record is None:
            self._check_waiting(prompt_id)
            return False
        status = record.get("status") or {}
        if status.get("status_str") == "error":
            failed = [(kind, data) for kind, data in status.get("messages", []) if kind in _FAILED]
            raise ServerError(_failure(*failed[-1]) if failed else "the server could not run the workflow")
        ran.outputs = record.get("outputs") or {}
        return True

    def _check_waiting(self, prompt_id: str) -> None:
        """Refuse to wait for a prompt that the server doesn't have, unless it has just finished."""
        queue = self._get("queue")
        waiting = [entry[1] for part in ("queue_running", "queue_pending") for entry in queue.get(part, [])]
        if prompt_id not in waiting and prompt_id not in (self._get(f"history/{prompt_id}") or {}):
            raise ServerError(
                f"the server at {self.url} no longer knows the prompt: it was restarted, or its queue was cleared. "
                "What is finished is kept; the same command goes on from there"
            )

    def _listen(self) -> Any:
        import websocket

        address = self.url.replace("http", "ws", 1) + f"/ws?clientId={self._id}"
        try:
            return websocket.create_connection(address, timeout=_SILENT_SECONDS)
        except (websocket.WebSocketException, OSError) as error:
            raise self._gone(error) from error

    def _stop(self, prompt_id: str) -> None:
        for path, body in (("queue", {"delete": [prompt_id]}), ("interrupt", {"prompt_id": prompt_id})):
            request = urllib.request.Request(
                f"{self.url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
            )
            with contextlib.suppress(OSError, HTTPException), urllib.request.urlopen(request, timeout=10):
                pass

    def _json(self, path: str) -> Any:
        try:
            return self._get(path)
        except _Away as error:
            raise self._gone(error.__cause__) from error

    def _get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(f"{self.url}/{path}", timeout=60) as answer:
                return json.load(answer)
        except (OSError, ValueError, HTTPException) as error:
            raise _Away from error

    def _gone(self, error: BaseException | None) -> ServerError:
        why = f" ({getattr(error, 'reason', None) or error})" if error else ""
        return ServerError(
            f"--server: expected a running ComfyUI at {self.url}, got no answer{why}. What is finished is kept: once "
            "it runs, the same command goes on from there"
        )


class _Away(Exception):  # noqa: N818 - says where the server is
    """The server doesn't answer."""


def _read(message: Any) -> tuple[str, dict[str, Any]]:
    """Return the kind of a message and what it says; previews are binary, and mean nothing here."""
    try:
        told = json.loads(message) if isinstance(message, str) else {}
    except ValueError:
        told = {}
    data = told.get("data") if isinstance(told, dict) else None
    return (str(told.get("type")), data) if isinstance(data, dict) else ("", {})


def _has_ended(kind: str, data: Mapping[str, Any], prompt_id: str) -> bool:
    ended = kind == "execution_success" or (kind == "executing" and data.get("node") is None)
    return ended and data.get("prompt_id") == prompt_id


def _refusal(prompt: Prompt, body: str) -> str:
    """Return ComfyUI's reasons for refusing a prompt, with the nodes and inputs."""
    try:
        answer = json.loads(body)
        errors = answer.get("node_errors") or {}
        reasons = [
            f"node {node_id} ({kind}): {error.get('message')}: {error.get('details')}"
            for node_id, about in errors.items()
            for kind in [prompt.get(node_id, {}).get("class_type", "?")]
            for error in about.get("errors", [])
        ]
        return "the server refuses the workflow: " + ("; ".join(reasons) or str(answer["error"]["message"]))
    except (ValueError, AttributeError, KeyError, TypeError):
        return ""


def _failure(kind: str, data: Mapping[str, Any]) -> str:
    node = f"node {data.get('node_id')} ({data.get('node_type')})"
    if kind == "execution_interrupted":
        return f"somebody stopped the prompt on the server, at {node}"
    return f"{node} failed on the server: {str(data.get('exception_message', '')).strip()}"
