"""What a sweep's file says, and the keys of its cells."""

from pathlib import Path

import pytest
from sweetspot.sweeps.grid import Sweep, _settings_of, read_sweep

TOML = """
steps = "4..12:4"
seeds = 2
seed = 18446744073709551615
size = "64x96"
prompts = ["a red circle on green", "a blue square on black"]

[[models]]
path = "demo"

[[contenders]]
sampler = "euler"
cfg = 3.0

[[contenders]]
sampler = "heun"
scheduler = "karras"
cfg = 3.0
"""


def read(folder: Path, text: str = TOML) -> Sweep:
    file = folder / "sweep.toml"
    file.write_text(text, "utf-8")
    return read_sweep(file)


def test_the_grid(tmp_path: Path):
    sweep = read(tmp_path)
    assert sweep.steps == (4, 8, 12)
    assert sweep.size == (64, 96)
    assert sweep.cells == 1 * 2 * 2 * 2 * 3
    tasks = sweep.tasks()
    assert len(tasks) == 8
    # After the largest seed comes 0, as in ComfyUI.
    assert {task.seed for task in tasks} == {18446744073709551615, 0}
    keys = [key for task in tasks for key in task.keys]
    assert len(set(keys)) == 24


def test_keys_depend_on_what_determines_the_numbers_only(tmp_path: Path):
    key = read(tmp_path).tasks()[0].key(4)
    assert read(tmp_path, TOML.replace('path = "demo"', 'path = "demo"\ndevice = "cpu"')).tasks()[0].key(4) == key
    assert read(tmp_path, "threshold = 94\nprice = 2.0\n" + TOML).tasks()[0].key(4) == key
    for old, new in (
        ('"64x96"', '"64x64"'),
        ("cfg = 3.0", "cfg = 2.0"),
        ("a red circle", "a red square"),
        ('"4..12:4"', '"4..16:4"'),
        ('path = "demo"', 'path = "demo"\nshift = 3.0'),
        ("seeds = 2\n", 'seeds = 2\nnegative = "a circle"\n'),
    ):
        assert read(tmp_path, TOML.replace(old, new)).tasks()[0].key(4) != key, new


def test_keys_follow_a_models_files_but_not_their_place(tmp_path: Path):
    def key(folder: Path) -> str:
        return read(tmp_path, TOML.replace('"demo"', f'"{folder.as_posix()}"')).tasks()[0].key(4)

    for place in ("a", "b"):
        folder = tmp_path / place / "model"
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text("{}", "utf-8")
        (folder / "weights.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}abc")
    first, second = (tmp_path / place / "model" for place in ("a", "b"))
    assert key(first) == key(second)
    same = key(second)
    (second / "README.md").write_text("other words", "utf-8")
    _settings_of.cache_clear()
    assert key(second) == same
    # Other weights of the same size, with the same header.
    (second / "weights.safetensors").write_bytes(b"\x02\0\0\0\0\0\0\0{}abd")
    _settings_of.cache_clear()
    assert key(second) != same


def test_numbers_are_the_same_however_they_are_written(tmp_path: Path):
    key = read(tmp_path).tasks()[0].key(4)
    assert read(tmp_path, TOML.replace("cfg = 3.0", "cfg = 3")).tasks()[0].key(4) == key


def test_a_model_is_known_by_its_own_name_and_found_beside_the_sweep(tmp_path: Path):
    (tmp_path / "blobs" / "0123abc").mkdir(parents=True)
    (tmp_path / "my-sdxl").symlink_to(tmp_path / "blobs" / "0123abc")
    (model,) = read(tmp_path, TOML.replace('"demo"', '"my-sdxl"')).models
    assert (model.name, Path(model.path)) == ("my-sdxl", tmp_path / "my-sdxl")


def test_prompts_from_a_file(tmp_path: Path):
    (tmp_path / "prompts.txt").write_text("a red circle on green\n\n  a cat \n", "utf-8")
    text = TOML.replace('prompts = ["a red circle on green", "a blue square on black"]', 'prompts_file = "prompts.txt"')
    assert read(tmp_path, text).prompts == ("a red circle on green", "a cat")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('steps = "4..12:4"', "step = 4", "step: expected one of .*; did you mean steps"),
        ('sampler = "heun"', 'samplr = "heun"', "contenders.samplr: expected one of .*; did you mean sampler"),
        ('path = "demo"', 'path = "demo"\nofload = "x"', "models.ofload: .*did you mean offload"),
        ('sampler = "heun"', 'sampler = "uni_pc"', "contenders.sampler: expected one of euler, .*, got 'uni_pc'"),
        ('"karras"', '"karas"', "contenders.scheduler: expected one of simple, .*, got 'karas'"),
        ('"4..12:4"', '"auto"', "steps: expected numbers, because a sweep runs them all"),
        ('"4..12:4"', "[]", "steps: expected at least one, got none"),
        ('"4..12:4"', '"0"', "steps: expected"),
        ('"4..12:4"', "[4, 20000]", "steps: expected"),
        ("seeds = 2", "seeds = 0", "seeds: expected at least 1, got 0"),
        ("seeds = 2", "seeds = 2.5", r"seeds: expected at least 1, got 2\.5"),
        ("18446744073709551615", "18446744073709551616", "seed: expected 0 to 18446744073709551615"),
        ('"64x96"', '"large"', "size: expected width x height, e.g. 1024x768; got 'large'"),
        (
            'prompts = ["a red circle on green", "a blue square on black"]',
            "prompts = []",
            "prompts: expected at least one",
        ),
        ('"a blue square on black"', '"a red circle on green"', "prompts: expected each one only once"),
        ('"a blue square on black"', "7", "prompts: expected a text, got 7"),
        ('path = "demo"', "shift = 3.0", "models.path: expected a folder, a file or demo, got None"),
        ("seeds = 2", "seeds = ", "expected TOML"),
        ("seeds = 2", 'seeds = 2\nprompts_file = "x"', "expected prompts or prompts_file, got both"),
        ("seeds = 2", "seeds = 2\nthreshold = 100", "threshold: expected a percentage above 0 and below 100, got 100"),
        ("seeds = 2", 'seeds = 2\nthreshold = "94"', "threshold: expected a number, got '94'"),
        ("seeds = 2", 'seeds = 2\nprice = "2"', "price: expected a number, got '2'"),
        ("seeds = 2", "seeds = 2\nlength = 0", "length: expected at least 1, got 0"),
        ("seeds = 2", "seeds = 2\nnegative = 5", "negative: expected a text, got 5"),
        ('"64x96"', "[0, 64]", r"size: expected width x height, e.g. 1024x768; got \[0, 64\]"),
        ("cfg = 3.0", "cfg = 0.5", r"contenders\.cfg: expected at least 1, got 0\.5"),
        ("cfg = 3.0", 'cfg = "3"', r"contenders\.cfg: expected a number, got '3'"),
        ('sampler = "heun"', 'sampler = ["heun"]', r"contenders\.sampler: expected a text, got \['heun'\]"),
        ('path = "demo"', 'path = "demo"\ndtype = "float16"', r"models\.dtype: expected none for the demo model"),
        ('path = "demo"', 'path = "x"\ndtype = "fp16"', r"models\.dtype: expected one of float32, bfloat16, float16"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, old: str, new: str, message: str):
    assert old in TOML
    with pytest.raises(ValueError, match=message):
        read(tmp_path, TOML.replace(old, new))


def test_a_model_that_is_not_there_is_named_before_anything_runs(tmp_path: Path):
    sweep = read(tmp_path, TOML.replace('"demo"', '"nowhere"'))
    with pytest.raises(
        ValueError, match=r"models\.path: expected a folder or a file, got .*nowhere, which doesn't exist"
    ):
        sweep.tasks()[0].key(4)
