"""With --multi-user, presets belong to the user who queued."""

import json
import urllib.request
from pathlib import Path
from typing import Any

from sweetspot.cli.comfyui import Server, running


def post(server: Server, path: str, body: dict[str, Any], user: str = "") -> Any:
    headers = {"Content-Type": "application/json"} | ({"Comfy-User": user} if user else {})
    request = urllib.request.Request(server.url + path, json.dumps(body).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def test_each_user_has_presets_of_their_own(installation, graph, tmp_path: Path):
    with running(installation, tmp_path, "--multi-user") as server:
        client = graph.Client(server)
        one, other = (post(server, "/users", {"username": name}) for name in ("one", "other"))

        def run(prompt: dict[str, Any], user: str) -> dict[str, Any]:
            return client.wait(post(server, "/prompt", {"prompt": prompt}, user)["prompt_id"])["outputs"]

        model = {"model": {"class_type": "SweetSpotDemoModel", "inputs": {}}}
        settings = {"steps": 13, "cfg": 1.0, "sampler_name": "euler", "scheduler": "simple", "quality": "balanced"}
        saving = {"class_type": "SweetSpotSavePreset", "inputs": {"model": ["model", 0], **settings}}
        run(model | {"saved": saving}, one)
        files = [file.relative_to(tmp_path / "user").parts[0] for file in tmp_path.rglob("step_presets.json")]
        assert files == [one]

        asking = {"class_type": "SweetSpotPreset", "inputs": {"model": ["model", 0]}}
        shown = {"class_type": "PreviewAny", "inputs": {"source": ["preset", 2]}}
        prompt = model | {"preset": asking, "shown": shown}
        steps = [run(prompt, user)["shown"]["text"][0] for user in (one, other, one)]
        assert (steps[0], steps[2]) == ("13", "13")
        assert steps[1] != "13"

        question = {"graph": model | {"preset": asking}, "node": "preset"}
        plans = [post(server, "/sweetspot/recognise", question, user)["qualities"]["balanced"] for user in (one, other)]
        assert [plan["steps"] == 13 for plan in plans] == [True, False]
