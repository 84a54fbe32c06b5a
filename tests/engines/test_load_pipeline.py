"""Loading a diffusers folder: a complete one runs, and a broken one is named before anything large is read."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from sweetspot.comparison.runs import Sampling, Task
from sweetspot.engines import load_pipeline as loading
from sweetspot.engines.diffusers import DiffusersEngine, DiffusersModel, Scene
from sweetspot.engines.load_pipeline import load_pipeline

from .folder import write_folder

pytestmark = pytest.mark.xdist_group("diffusers")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("models") / "tiny-sd15")


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.mark.parametrize("dtype", ["", "bfloat16"])
def test_a_folder_with_text_encoder_runs_on_prompts(folder: Path, dtype: str):
    pipeline = load_pipeline(folder, device="cpu", dtype=dtype)
    assert pipeline.unet.dtype == (torch.bfloat16 if dtype else torch.float32)
    model = DiffusersModel(pipeline)
    images = []
    for prompt, negative, cfg in (("red cat", "", 1.0), ("blue dog", "", 1.0), ("red cat", "blue dog", 4.0)):
        engine = DiffusersEngine(model, Scene((prompt,), negative, (32, 16)))
        (run,) = engine.run([Task(Sampling(1, cfg, "heun", "karras"), 2)])
        assert run.images.shape == (1, 16, 32, 3)
        images.append(run.images)
    assert abs(images[0] - images[1]).max() > 0.001
    assert abs(images[0] - images[2]).max() > 0.001


def test_no_safety_checker_blackens_images(copy: Path):
    pipeline = load_pipeline(copy, device="cpu")
    pipeline.safety_checker = lambda images, **_: (images * 0, [True])
    assert loading._placed(pipeline, "cpu", "none").safety_checker is None


def rewrite(change: Callable[[dict], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        file = folder / "model_index.json"
        content = json.loads(file.read_text("utf-8"))
        change(content)
        file.write_text(json.dumps(content), "utf-8")

    return apply


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda folder: (folder / "model_index.json").unlink(),
            "expected a diffusers folder with model_index.json, got",
        ),
        (lambda folder: (folder / "model_index.json").write_text("{", "utf-8"), "expected JSON in"),
        (lambda folder: (folder / "model_index.json").write_text("[]", "utf-8"), "expected a JSON object in"),
        (rewrite(lambda content: content.pop("_class_name")), "expected the pipeline's class as _class_name"),
        (rewrite(lambda content: content.update(_class_name="KolorsPipeline")), "got KolorsPipeline; to add a class"),
        (lambda folder: shutil.rmtree(folder / "vae"), "expected the folder vae in"),
        (
            lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").unlink(),
            r"expected weights \(.safetensors\) in .*unet, got none",
        ),
        (
            lambda folder: (folder / "unet" / "diffusion_pytorch_model.safetensors").write_bytes(b"\x08" + bytes(20)),
            "expected a complete StableDiffusionPipeline",
        ),
        (lambda folder: (folder / "unet" / "config.json").write_text("{}", "utf-8"), "expected a complete StableDiff"),
    ],
)
def test_a_broken_folder_is_named(copy: Path, damage: Callable[[Path], None], message: str):
    damage(copy)
    with pytest.raises(ValueError, match=message):
        load_pipeline(copy, device="cpu")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"device": "tpu"}, "device: expected cpu or cuda, got 'tpu'"),
        ({"dtype": "int4"}, "dtype: expected one of float32, bfloat16, float16, got 'int4'"),
        ({"offload": "all"}, "offload: expected one of none, model, sequential, got 'all'"),
        ({"offload": "model", "device": "cpu"}, "offload: expected none on the CPU, got 'model'"),
        ({"config": Path("x")}, "config: expected none, because .* is a folder"),
    ],
)
def test_options_that_do_not_fit_are_named(folder: Path, changes: dict, message: str):
    with pytest.raises(ValueError, match=message):
        load_pipeline(folder, **({"device": "cpu"} | changes))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_named(folder: Path):
    with pytest.raises(ValueError, match="device: expected cpu, because torch finds no GPU here; got 'cuda'"):
        load_pipeline(folder, device="cuda")


def test_a_single_file_needs_a_configuration(folder: Path, tmp_path: Path):
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"")
    with pytest.raises(
        ValueError, match=r"config: expected a diffusers folder .* because model\.safetensors is one file"
    ):
        load_pipeline(file)
    with pytest.raises(ValueError, match="config: expected a diffusers folder, got nowhere"):
        load_pipeline(file, Path("nowhere"))
    with pytest.raises(
        ValueError, match=r"model: expected a diffusers folder or a \.safetensors file, got model\.ckpt"
    ):
        load_pipeline(file.rename(tmp_path / "model.ckpt"), folder)
    with pytest.raises(ValueError, match="which doesn't exist"):
        load_pipeline(tmp_path / "none")


def test_missing_libraries_are_named(folder: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loading.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(ImportError, match=r"needs transformers: pip install 'sweetspot\[diffusers\]'"):
        load_pipeline(folder, device="cpu")
