"""The training's whole line, on a budget of seconds: what it leaves is what the engine reads."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from sweetspot.comparison.runs import Sampling
from sweetspot.demo import files
from sweetspot.demo.load import load_text_encoder
from sweetspot.demo.training import train
from sweetspot.demo.training.export import export
from sweetspot.demo.training.scenes import Item, Scene
from sweetspot.demo.training.train_text import QUESTIONS, answers_to
from sweetspot.demo.vocabulary import encode
from sweetspot.engines import diffusers
from sweetspot.engines.demo_pipeline import demo_pipeline

# torch says so of every norm under autocast to bfloat16.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight:UserWarning"),
    # Importing diffusers takes seconds, so one process runs all tests that need it.
    pytest.mark.xdist_group("diffusers"),
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Go on from the shipped files for a moment, and export."""
    folder = tmp_path_factory.mktemp("training")
    arguments = ["train", "--folder", str(folder), "--go-on", "--scenes", "8", "--device", "cpu"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [*arguments, "--autoencoder-minutes", "0.01", "--flow-minutes", "0.01"])
        patch.setattr(train, "AUTOENCODER_BATCH", 2)
        patch.setattr(train, "FLOW_BATCH", 2)
        train.main()
    export(folder, folder)
    return folder


def test_the_files_are_in_the_shipped_layout(trained: Path):
    for file in (files.TRANSFORMER, files.AUTOENCODER, files.TEXT_ENCODER):
        ours, shipped = load_file(trained / file.name), load_file(file)
        assert {name: value.shape for name, value in ours.items()} == {
            name: value.shape for name, value in shipped.items()
        }
        with safe_open(trained / file.name, "pt") as opened, safe_open(file, "pt") as other:
            assert opened.metadata().keys() == other.metadata().keys()


def test_training_changed_the_weights_and_the_engine_runs_them(trained: Path):
    ours, shipped = (load_file(folder / files.TRANSFORMER.name) for folder in (trained, files.FOLDER))
    assert any(not torch.equal(ours[name], shipped[name]) for name in ours)

    def encode_prompts(prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        return load_text_encoder()(torch.tensor([encode(prompt) for prompt in prompts]))

    model = demo_pipeline(trained / files.TRANSFORMER.name, trained / files.AUTOENCODER.name, encode_prompts)
    scene = diffusers.Scene(("a red circle on green",))
    _, _, images = model.run(scene, Sampling(0, 2.0, "euler", "simple"), (1.0, 0.5, 0.0))
    assert np.isfinite(images.numpy()).all()


CIRCLE = Item("circle", "red", "large", (32.0, 64.0), 26.0)
SQUARE = Item("square", "blue", "small", (96.0, 64.0), 17.0, name_size=False)


def test_both_ways_of_telling_a_scene_have_the_same_answers():
    told = answers_to(Scene((CIRCLE, SQUARE), "green", relation="left"))
    assert told == answers_to(Scene((SQUARE, CIRCLE), "green", relation="right"))
    answers = [question[answer] for question, answer in zip(QUESTIONS, told, strict=True)]
    assert answers == [
        "across",
        "green",
        "plain",
        "circle",
        "red",
        "large",
        "plain",
        "square",
        "blue",
        "untold",
        "plain",
    ]


def test_the_text_encoder_tells_orders_apart():
    encoder = load_text_encoder()
    one, other = (
        encoder(torch.tensor([encode(text)]))[0]
        for text in ("a red circle left of a blue square on green", "a blue circle left of a red square on green")
    )
    assert (one - other).norm() > 0.1 * one.norm()
