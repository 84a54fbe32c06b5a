"""What SECURITY.md promises: no network, no pickle, no programs, and files only in folders of ComfyUI and the user."""

from pathlib import Path

from sweetspot.presets.sources.files import cache_folder


def test_a_run_does_only_what_security_md_says(comfyui, graph):
    prompt = graph.demo(size=32)
    prompt |= {
        "watched": {"class_type": "TestsWatch", "inputs": {"model": ["model", 0]}},
        "preset": {"class_type": "SweetSpotPreset", "inputs": {"model": ["watched", 0]}},
        "compare": graph.compare(steps="2, 3", model=["watched", 0], plan=["preset", 1], seed=3),
        "saved": {
            "class_type": "SweetSpotSaveComparison",
            "inputs": {"comparison": ["compare", 6], "filename_prefix": "audit/x"},
        },
        "save": {
            "class_type": "SweetSpotSavePreset",
            "inputs": {
                "model": ["watched", 0],
                "steps": ["compare", 3],
                "cfg": 1.0,
                "sampler_name": "euler",
                "scheduler": "simple",
                "quality": "best",
                "file": "audited.safetensors",
            },
        },
        "told": {"class_type": "TestsWatched", "inputs": {"after": ["save", 0], "also_after": ["saved", 0]}},
    }
    events = comfyui.run(prompt)["told"]["events"]
    written = [Path(what).resolve() for kind, what in events if kind == "write" and what != "/dev/null"]
    assert [event for event in events if event[0] != "write"] == []
    base = comfyui.server.base.resolve()
    allowed = [*(base / name for name in ("output", "temp", "user")), cache_folder().resolve()]
    assert [path for path in written if not any(path.is_relative_to(folder) for folder in allowed)] == []
    # It was watched: these three are what the prompt asks for.
    for folder in ("output/audit", "temp", "user/default/sweetspot"):
        assert any(path.is_relative_to(base / folder) for path in written), folder
