import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sweetspot.graphs.walk import Lora
from sweetspot.presets.plan import SAFE_DEFAULT, Shift
from sweetspot.presets.recognition.evidence import Evidence
from sweetspot.presets.recognition.recognise import Wishes, recognise
from sweetspot.presets.sources import lock
from sweetspot.presets.sources.user import (
    UserPresetsError,
    load_user_presets,
    read_user_presets,
    save_preference,
    save_preset,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "user" / "step_presets.json"


def test_what_is_saved_is_found_for_exactly_this_file_and_quality(file: Path):
    save_preset(file, "models/Mine.safetensors", {"num_inference_steps": 18, "guidance_scale": 3.5})
    saved = load_user_presets(file)
    fields, source = saved.find(Evidence(files=("mine.safetensors",)), "balanced")
    assert fields == {"steps": 18, "cfg": 3.5}
    assert source.startswith("your saved preset of ")
    assert saved.find(Evidence(files=("mine.safetensors",)), "best") is None
    assert saved.find(Evidence(files=("other.safetensors",)), "balanced") is None


def test_qualities_are_kept_beside_each_other(file: Path):
    save_preset(file, "a.safetensors", {"steps": 20})
    save_preset(file, "a.safetensors", {"steps": 6}, "draft")
    saved = load_user_presets(file)
    evidence = Evidence(files=("a.safetensors",))
    assert [saved.find(evidence, quality)[0]["steps"] for quality in ("draft", "balanced")] == [6, 20]


def test_a_preset_belongs_to_the_accelerator_it_was_saved_with(file: Path):
    turbo, style = Lora("FLUX.1-Turbo-Alpha.safetensors", 1.0), Lora("my_style.safetensors", 1.0)
    save_preset(file, "flux1-dev.safetensors", {"steps": 6}, loras=[turbo.name, style.name])
    saved = load_user_presets(file)
    assert saved.find(Evidence(files=("flux1-dev.safetensors",), loras=(turbo,)), "balanced")[0]["steps"] == 6
    assert saved.find(Evidence(files=("flux1-dev.safetensors",), loras=(style,)), "balanced") is None


def test_a_name_that_many_files_share_keeps_its_folder(file: Path):
    save_preset(file, "FLUX/diffusion_pytorch_model.safetensors", {"steps": 20})
    saved = load_user_presets(file)
    assert saved.find(Evidence(files=("FLUX/diffusion_pytorch_model.safetensors",)), "balanced")
    assert saved.find(Evidence(files=("Qwen/diffusion_pytorch_model.safetensors",)), "balanced") is None


def test_a_publishers_guidance_scale_is_brought_to_our_convention(file: Path):
    save_preset(file, "flux1-dev.safetensors", {"num_inference_steps": 28, "guidance_scale": 3.5})
    settings = load_user_presets(file).presets["flux1-dev"]["balanced"]
    assert (settings["cfg"], settings["guidance"]) == (1.0, 3.5)


def test_a_byte_order_mark_is_no_damage(file: Path):
    save_preset(file, "a.safetensors", {"steps": 20})
    file.write_text("\ufeff" + file.read_text("utf-8"), "utf-8")
    assert load_user_presets(file).presets["a"]["balanced"]["steps"] == 20


def test_who_only_reads_is_told_and_not_stopped(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 2}', "utf-8")
    assert "from a newer Sweet Spot" in read_user_presets(file).problem


def test_saving_keeps_what_is_there(file: Path):
    save_preference(file, "publisher")
    save_preset(file, "a.safetensors", {"steps": 18, "cfg": 3.0})
    save_preset(file, "b.safetensors", {"steps": 9})
    save_preset(file, "a.safetensors", {"steps": 12})
    saved = load_user_presets(file)
    assert saved.prefer == "publisher"
    assert set(saved.presets) == {"a", "b"}
    assert (saved.presets["a"]["balanced"]["steps"], saved.presets["a"]["balanced"]["cfg"]) == (12, 3.0)
    assert json.loads(file.read_text("utf-8"))["version"] == 1
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("content", ["{", "[]", "\x00", "[" * 20_000, "\udcff"])
def test_a_broken_file_is_put_aside_and_never_overwritten(file: Path, content: str):
    file.parent.mkdir(parents=True)
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    assert "not used" in read_user_presets(file).problem
    assert file.read_bytes() == content.encode("utf-8", "surrogateescape")
    saved = save_preset(file, "a.safetensors", {"steps": 18})
    (aside,) = (entry for entry in file.parent.iterdir() if "broken" in entry.name)
    assert aside.read_bytes() == content.encode("utf-8", "surrogateescape")
    assert str(aside) in saved.problem
    assert load_user_presets(file).presets["a"]["balanced"]["steps"] == 18


def test_a_newer_file_is_left_alone(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 2, "presets": {}}', "utf-8")
    with pytest.raises(UserPresetsError, match="version: expected 1 or less, got 2"):
        save_preset(file, "a.safetensors", {"steps": 18})
    assert file.read_text("utf-8") == '{"version": 2, "presets": {}}'


def test_a_failed_write_leaves_the_old_file(file: Path, monkeypatch: pytest.MonkeyPatch):
    save_preset(file, "a.safetensors", {"steps": 18})
    before = file.read_text("utf-8")

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        save_preset(file, "a.safetensors", {"steps": 99})
    assert file.read_text("utf-8") == before
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda file: save_preset(file, "", {"steps": 4}), "model: expected a file name"),
        (lambda file: save_preset(file, "x" * 300, {"steps": 4}), "1 to 255 characters"),
        (lambda file: save_preset(file, "a", {"steps": 4}, "fine"), "quality: expected one of draft, balanced, best"),
        (lambda file: save_preset(file, "a", {"steps": 0}), "steps: expected a number from 1"),
        (lambda file: save_preference(file, "mine"), "prefer: expected one of template, publisher"),
    ],
)
def test_what_is_not_allowed_is_refused_before_anything_is_written(file: Path, call, told: str):
    with pytest.raises(ValueError, match=told):
        call(file)
    assert not file.exists()


MIXED = """\ufeff{ "version":1, "theme" : "dark",\r
  "presets": {
    "good": {"balanced": {"steps": 9, "cfg": 1.50, "note": "mine"}},
    "x": {"balanced": {"steps": %s}},
    "y": {"fine": {"steps": 9}}, "z": 3
  },
  "prefer": "nobody" }
"""


@pytest.mark.parametrize("digits", ["9" * 400, "9" * 5000])
def test_what_is_wrong_in_the_file_is_skipped_and_named_and_the_rest_is_used(file: Path, digits: str):
    file.parent.mkdir(parents=True)
    file.write_text(MIXED % digits, "utf-8")
    before = file.read_bytes()
    saved = read_user_presets(file)
    assert list(saved.presets) == ["good"]
    assert (saved.prefer, saved.presets["good"]["balanced"]["steps"]) == ("template", 9)
    for wrong in ("'x', balanced: steps: expected a number from 1 to 10000", "prefer: expected one of", "'y': "):
        assert wrong in saved.problem
    assert len(saved.problem) < 1000
    assert file.read_bytes() == before


def test_saving_changes_one_entry_and_no_other_byte(file: Path):
    file.parent.mkdir(parents=True)
    file.write_bytes((MIXED % ("9" * 5000)).encode())
    save_preset(file, "good.safetensors", {"steps": 12})
    changed = file.read_bytes().decode()
    entry = changed[changed.index('"balanced": ') + len('"balanced": ') : changed.index('},\n    "x"')]
    assert json.loads(entry) == {"steps": 12, "cfg": 1.5, "note": "mine", "saved": json.loads(entry)["saved"]}
    before, after = (MIXED % ("9" * 5000)).split('{"steps": 9, "cfg": 1.50, "note": "mine"}')
    assert (changed.startswith(before), changed.endswith(after)) == (True, True)
    save_preset(file, "new.safetensors", {"steps": 5}, "best")
    assert load_user_presets(file).presets["new"]["best"]["steps"] == 5
    assert changed.split('"z": 3')[0] in file.read_bytes().decode()


def test_a_setting_saved_under_another_of_its_names_is_replaced(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 1, "presets": {"a": {"balanced": {"num_inference_steps": 30}}}}', "utf-8")
    save_preset(file, "a.safetensors", {"steps": 12})
    assert load_user_presets(file).find(Evidence(files=("a.safetensors",)), "balanced")[0] == {"steps": 12}


def test_a_wrong_version_is_corrected_and_costs_nothing(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": "1", "presets": {"a": {"balanced": {"steps": 30}}}}', "utf-8")
    saved = save_preset(file, "b.safetensors", {"steps": 12})
    assert set(saved.presets) == {"a", "b"}
    assert json.loads(file.read_text("utf-8"))["version"] == 1


def test_presets_that_are_no_object_are_left_alone(file: Path):
    file.parent.mkdir(parents=True)
    file.write_text('{"version": 1, "presets": [1, 2]}', "utf-8")
    with pytest.raises(UserPresetsError, match="`presets`"):
        save_preset(file, "b.safetensors", {"steps": 12})
    assert file.read_text("utf-8") == '{"version": 1, "presets": [1, 2]}'


@pytest.mark.skipif(os.name == "nt", reason="Unix's links and modes")
def test_a_link_stays_a_link_and_the_mode_stays(file: Path, tmp_path: Path):
    real = tmp_path / "dotfiles" / "presets.json"
    real.parent.mkdir()
    real.write_text('{"version": 1}', "utf-8")
    real.chmod(0o664)
    file.parent.mkdir(parents=True)
    file.symlink_to(real)
    save_preset(file, "a.safetensors", {"steps": 12})
    assert file.is_symlink()
    assert "a" in json.loads(real.read_text("utf-8"))["presets"]
    assert stat.S_IMODE(real.stat().st_mode) == 0o664


@pytest.mark.skipif(os.name == "nt", reason="Unix's modes")
def test_a_new_file_is_as_readable_as_others(file: Path):
    save_preset(file, "a.safetensors", {"steps": 12})
    other = file.with_name("other")
    other.touch()
    assert file.stat().st_mode == other.stat().st_mode


def test_what_killed_writers_left_is_swept(file: Path):
    save_preset(file, "a.safetensors", {"steps": 12})
    file.with_name(f".{file.name}.k1ll3d").write_text("{", "utf-8")
    save_preset(file, "a.safetensors", {"steps": 13})
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize("system_locks", [True, False], ids=["locked folder", "exclusive file"])
def test_two_programs_that_save_at_once_lose_nothing(file: Path, root: Path, system_locks: bool):
    code = """if True:
        import importlib.util, pathlib, sys
        root, file, name, system_locks = sys.argv[1:]
        options = {"submodule_search_locations": [root]}
        spec = importlib.util.spec_from_file_location("sweetspot", root + "/__init__.py", **options)
        sys.modules["sweetspot"] = importlib.util.module_from_spec(spec)
        from sweetspot.presets.sources import lock, user
        if system_locks == "False":
            lock._flocked = lambda *_: None
        for number in range(30):
            user.save_preset(pathlib.Path(file), f"{name}{number}.safetensors", {"steps": number + 1})
    """
    command = [sys.executable, "-c", code, str(root), str(file)]
    writers = [subprocess.Popen([*command, name, str(system_locks)]) for name in ("left", "right")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(load_user_presets(file).presets) == 60
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_lock_file_of_a_killed_writer_is_not_waited_for(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(lock, "_flocked", lambda *_: None)
    file.parent.mkdir(parents=True)
    mark = file.parent / ".sweetspot.lock"
    mark.touch()
    os.utime(mark, (0, 0))
    save_preset(file, "a.safetensors", {"steps": 12})
    assert not mark.exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_refused_and_not_waited_for(file: Path):
    file.parent.mkdir(parents=True)
    os.mkfifo(file)
    assert "expected a regular file, got a pipe" in read_user_presets(file).problem
    with pytest.raises(OSError, match="got a pipe"):
        save_preset(file, "a.safetensors", {"steps": 12})


def type_steps(file: Path, evidence: Evidence) -> int:
    saved = load_user_presets(file)
    return recognise(evidence, Wishes(saved=saved, types=saved.of_types())).plan.steps


@pytest.mark.parametrize(("name", "key"), [("SDXL", "type:sdxl"), ("sdxl", "type:sdxl"), ("SDXL.safetensors", "sdxl")])
def test_the_name_of_a_type_is_no_file_name(tmp_path: Path, name: str, key: str):
    assert set(save_preset(tmp_path / "p.json", name, {"steps": 22}).presets) == {key}


def test_a_preset_for_a_type_holds_for_all_its_full_length_models(tmp_path: Path):
    file = tmp_path / "p.json"
    save_preset(file, "SDXL", {"steps": 22})
    assert type_steps(file, Evidence(files=("sd_xl_base_1.0.safetensors",))) == 22
    assert type_steps(file, Evidence("SDXL", files=("nobody_knows.safetensors",))) == 22
    assert type_steps(file, Evidence(files=("noobaiXL.safetensors",))) == 22
    assert type_steps(file, Evidence(files=("sdxl_lightning_8step.safetensors",))) == 8
    assert type_steps(file, Evidence("SDXL", loras=(Lora("sdxl_lightning_4step_lora.safetensors"),))) == 4
    assert type_steps(file, Evidence(files=("flux1-dev.safetensors",))) == 20


def test_a_narrower_type_and_a_file_of_its_own_win(tmp_path: Path):
    file = tmp_path / "p.json"
    save_preset(file, "SDXL", {"steps": 22})
    save_preset(file, "noobai_eps", {"steps": 33})
    save_preset(file, "myNoobai_v2.safetensors", {"steps": 44})
    assert type_steps(file, Evidence("SDXL", files=("noobaiXL.safetensors",))) == 33
    assert type_steps(file, Evidence("SDXL", files=("myNoobai_v2.safetensors",))) == 44


def test_a_preset_for_a_type_leaves_models_whose_names_say_few_steps(tmp_path: Path):
    file = tmp_path / "p.json"
    save_preset(file, "auraflow", {"steps": 50, "cfg": 3.5})
    assert type_steps(file, Evidence(files=("aura_flow_0.3.safetensors",))) == 50
    assert type_steps(file, Evidence(files=("auraflow_lightning_4steps.safetensors",))) == 4
    assert type_steps(file, Evidence("AuraFlow", files=("foo_turbo.safetensors",))) == 8


def test_a_shift_exact_levels_and_their_source_are_saved_and_used(file: Path):
    settings = {"steps": 3, "cfg": 3.0, "sampler_name": "dpmpp_2m", "scheduler": "simple", "shift": 3.0}
    save_preset(file, "a.safetensors", settings, source="calibrated on 2026-11-28, 8 images")
    save_preset(file, "b.safetensors", {"steps": 3, "sigmas": [14.6, 2.0, 0.5, 0.0]})
    saved = load_user_presets(file)
    fields, source = saved.find(Evidence(files=("a.safetensors",)), "balanced")
    assert source.endswith(": calibrated on 2026-11-28, 8 images")
    assert SAFE_DEFAULT.overlaid(fields, source).shift == Shift(3.0, "linear", "any")
    fields, source = saved.find(Evidence(files=("b.safetensors",)), "balanced")
    assert SAFE_DEFAULT.overlaid(fields, source).sigmas == (14.6, 2.0, 0.5, 0.0)
    # Other settings for the file don't keep what belonged to the old ones.
    save_preset(file, "a.safetensors", {"steps": 25, "sampler_name": "euler"})
    fields, source = load_user_presets(file).find(Evidence(files=("a.safetensors",)), "balanced")
    assert "shift" not in fields
    assert "calibrated" not in source


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"steps": 8, "shift": 0}, "shift: expected a number from 0.01 to 100"),
        ({"steps": 8, "sigmas": [1.0, 0.0]}, "sigmas: expected 9 noise levels"),
        (
            {"steps": 8, "scheduler_options": {"rho": 3}},
            "scheduler_options: expected none unless the scheduler is karras",
        ),
        (
            {"steps": 8, "scheduler": "karras", "scheduler_options": {"alpha": 3}},
            "scheduler_options: expected rho for karras",
        ),
        (
            {"steps": 8, "scheduler": "beta", "scheduler_options": {"alpha": 0, "beta": 1}},
            "alpha: expected a number from 0.01",
        ),
        ({"steps": 1, "sigmas": [0.0, 1.0]}, "sigmas: expected a list of at least 2 falling"),
        ({"steps": 1, "sigmas": "1, 0"}, "sigmas: expected a list"),
    ],
)
def test_a_schedule_that_makes_no_sense_is_refused(file: Path, settings: dict, message: str):
    with pytest.raises(ValueError, match=message):
        save_preset(file, "a.safetensors", settings)
    assert not file.exists()
