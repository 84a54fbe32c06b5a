"""What can go wrong with a ComfyUI server, played by a small HTTP server, and what we rely on in comfy-cli."""

import inspect
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sweetspot.engines import comfy_server
from sweetspot.engines.comfy_server import ComfyServer, Ran, ServerError, to_prompt

PROMPT = {"1": {"class_type": "KSampler", "inputs": {}}}


class Socket:
    """Stands for the websocket: gives messages, then fails as a lost connection does."""

    def __init__(self, *messages: tuple[str, dict[str, Any]]) -> None:
        self.messages = [json.dumps({"type": kind, "data": {"prompt_id": "p", **data}}) for kind, data in messages]

    def recv(self) -> str:
        if not self.messages:
            raise ConnectionResetError
        return self.messages.pop(0)

    def close(self) -> None:
        pass


class Fake:
    """A server with given answers by path; an answer may be a status and a text."""

    def __init__(self) -> None:
        self.answers: dict[str, Any] = {}
        self.asked: list[tuple[str, str]] = []
        fake = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                fake.asked.append((self.path, self.rfile.read(length).decode()))
                answer = fake.answers.get(self.path.partition("?")[0], (404, "{}"))
                status, text = answer if isinstance(answer, tuple) else (200, json.dumps(answer))
                self.send_response(status)
                self.end_headers()
                self.wfile.write(text.encode())

            do_POST = do_GET  # noqa: N815 - likewise

            def log_message(self, *_: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    monkeypatch.setattr(comfy_server, "_BETWEEN_TRIES", 0.01)
    server = Fake()
    server.answers = {
        "/prompt": {"prompt_id": "p", "number": 1},
        "/queue": {"queue_running": [], "queue_pending": []},
        "/object_info": {"KSampler": {}},
        "/history/p": {},
    }
    yield server
    server.http.shutdown()
    server.http.server_close()


def run(fake: Fake, monkeypatch: pytest.MonkeyPatch, *messages: tuple[str, dict[str, Any]]) -> Ran:
    server = ComfyServer(fake.url)
    monkeypatch.setattr(server, "_listen", lambda: Socket(*messages))
    return server.run(PROMPT, ["1"], lambda _step, _steps: None)


def done(**status: Any) -> dict[str, Any]:
    return {"p": {"outputs": {"9": {"images": []}}, "status": {"status_str": "success", **status}}}


def test_the_time_is_that_of_the_samplers_own_steps(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    fake.answers["/history/p"] = done()
    clock = iter([10.0, 12.0, 14.0, 100.0])
    monkeypatch.setattr(comfy_server.time, "perf_counter", lambda: next(clock))
    steps = [("progress", {"node": "1", "value": n, "max": 3}) for n in (1, 2, 3)]
    other = ("progress", {"node": "7", "value": 1, "max": 1})
    ran = run(fake, monkeypatch, *steps, other, ("execution_success", {}))
    assert ran.outputs == {"9": {"images": []}}
    # From the first to the last of three steps pass 4 seconds, so three take 6.
    assert ran.seconds == 6.0
    assert Ran(progress={"1": [5.0]}).seconds is None
    assert Ran().seconds is None


def test_a_refused_workflow_names_nodes_and_inputs(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    errors = {"1": {"errors": [{"message": "Value not in list", "details": "ckpt_name: 'x' not in []"}]}}
    fake.answers["/prompt"] = (400, json.dumps({"error": {"message": "failed"}, "node_errors": errors}))
    with pytest.raises(
        ServerError, match=r"refuses the workflow: node 1 \(KSampler\): Value not in list: ckpt_name: 'x'"
    ):
        run(fake, monkeypatch)
    fake.answers["/prompt"] = (400, json.dumps({"error": {"message": "Prompt has no outputs"}, "node_errors": {}}))
    with pytest.raises(ServerError, match="refuses the workflow: Prompt has no outputs"):
        run(fake, monkeypatch)
    # Outputs without errors are queued nevertheless.
    fake.answers["/prompt"] = {"prompt_id": "p", "number": 1, "node_errors": errors}
    with pytest.raises(ServerError, match=r"refuses the workflow: node 1 \(KSampler\): Value not in list"):
        run(fake, monkeypatch)
    assert ("/queue", '{"delete": ["p"]}') in fake.asked
    fake.answers["/prompt"] = (500, "oops")
    with pytest.raises(ServerError, match="refuses the workflow: HTTP 500"):
        run(fake, monkeypatch)


def test_a_failing_node_is_named(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    failed = {"node_id": "1", "node_type": "KSampler", "exception_message": "out of memory\n"}
    with pytest.raises(ServerError, match=r"node 1 \(KSampler\) failed on the server: out of memory$"):
        run(fake, monkeypatch, ("execution_error", failed))
    with pytest.raises(ServerError, match="somebody stopped the prompt on the server, at node 1"):
        run(fake, monkeypatch, ("execution_interrupted", failed))
    # The same, if only the history says so.
    fake.answers["/history/p"] = done(status_str="error", messages=[["execution_error", failed]])
    with pytest.raises(ServerError, match=r"node 1 \(KSampler\) failed on the server: out of memory$"):
        run(fake, monkeypatch)


def test_a_lost_connection_is_survived_without_times(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    fake.answers["/history/p"] = done()
    ran = run(fake, monkeypatch, ("progress", {"node": "1", "value": 1, "max": 2}))
    assert ran.outputs == {"9": {"images": []}}
    assert ran.seconds is None


def test_a_busy_server_is_waited_for(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    queues = iter([[[0, "p"]], [[0, "p"]], []])
    server = ComfyServer(fake.url)
    get = server._get

    def answer(path: str) -> Any:
        if path != "queue":
            return get(path)
        pending = next(queues)
        if not pending:
            fake.answers["/history/p"] = done()
        return {"queue_running": [], "queue_pending": pending}

    monkeypatch.setattr(server, "_get", answer)
    monkeypatch.setattr(server, "_listen", Socket)
    assert server.run(PROMPT, ["1"], lambda _step, _steps: None).outputs == {"9": {"images": []}}


def test_a_restarted_server_has_lost_the_prompt(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ServerError, match="no longer knows the prompt: it was restarted"):
        run(fake, monkeypatch)


def test_a_server_that_is_gone_is_named(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    server = ComfyServer(fake.url)
    fake.http.shutdown()
    fake.http.server_close()
    for call in (server.classes, lambda: server.run(PROMPT, [], lambda *_: None)):
        with pytest.raises(ServerError, match=f"expected a running ComfyUI at {fake.url}, got no answer"):
            call()
    monkeypatch.setattr(server, "_submit", lambda _prompt: "p")
    monkeypatch.setattr(server, "_listen", Socket)
    with pytest.raises(ServerError, match="the same command goes on from there"):
        server.run(PROMPT, [], lambda *_: None)


def test_ctrl_c_takes_the_prompt_off_the_server(fake: Fake, monkeypatch: pytest.MonkeyPatch):
    server = ComfyServer(fake.url)

    class Interrupted(Socket):
        def recv(self) -> str:
            raise KeyboardInterrupt

    monkeypatch.setattr(server, "_listen", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.run(PROMPT, ["1"], lambda _step, _steps: None)
    assert ("/queue", '{"delete": ["p"]}') in fake.asked
    assert ("/interrupt", '{"prompt_id": "p"}') in fake.asked


@pytest.mark.parametrize("answer", [{"SaveImage": {}}, [], (200, "<html>"), (500, "")])
def test_another_server_is_not_taken_for_a_comfyui(fake: Fake, answer: Any):
    fake.answers["/object_info"] = answer
    with pytest.raises(ServerError, match="--server: expected a"):
        ComfyServer(fake.url).classes()


@pytest.mark.parametrize("address", ["", "ftp://x", "http://", "http://x:99999", "http://x:port", "//"])
def test_addresses(address: str):
    with pytest.raises(ServerError, match="--server: expected an address such as http"):
        ComfyServer(address)


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8188"),
        ("localhost:8190", "http://localhost:8190"),
        ("http://[::1]:80/comfy/", "http://[::1]:80/comfy"),
        ("https://gpu.example", "https://gpu.example:443"),
    ],
)
def test_addresses_are_completed(address: str, url: str):
    assert ComfyServer(address).url == url


def test_what_is_used_of_comfy_cli_is_still_there():
    from comfy_cli.comfy_client import Client, HTTPError, SubmitResult
    from comfy_cli.target import Target
    from comfy_cli.workflow_to_api import convert_ui_to_api

    assert list(inspect.signature(Target).parameters)[:2] == ["kind", "base_url"]
    assert list(inspect.signature(Client.submit_prompt).parameters)[:3] == ["self", "workflow", "client_id"]
    assert list(inspect.signature(Client.view_url).parameters) == ["self", "image_info"]
    assert list(inspect.signature(convert_ui_to_api).parameters) == ["workflow", "object_info"]
    assert "prompt_id" in SubmitResult.__dataclass_fields__
    assert HTTPError(400, "x", "body").body == "body"
    with pytest.raises(ValueError, match="nodes"):
        to_prompt({"last_node_id": 1}, {})
