"""From a name in a graph to a file: only what ComfyUI's own lists hold."""

from pathlib import Path

import folder_paths
import pytest
from sweetspot.nodes.model.model_files import LONGEST_NAME, NameRefusedError, check_name, find_model


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """ComfyUI's only model folder, with two files and a link that leads out of it."""
    folder = tmp_path / "models"
    (folder / "flux").mkdir(parents=True)
    (folder / "a.safetensors").touch()
    (folder / "flux" / "b.gguf").touch()
    (tmp_path / "secret.safetensors").touch()
    (folder / "link.safetensors").symlink_to(tmp_path / "secret.safetensors")
    endings = {".safetensors", ".gguf"}
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {"checkpoints": ([str(folder)], endings)})
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    return folder


@pytest.mark.parametrize("name", ["a.safetensors", "flux/b.gguf"])
def test_a_listed_name_gives_its_file(models: Path, name: str):
    assert find_model(name) == (models / name).resolve()


@pytest.mark.parametrize(
    ("name", "status", "harmless"),
    [("nobody.safetensors", 404, True), ("link.safetensors", 403, True), ("../secret.safetensors", 400, False)],
)
def test_other_names_are_refused(models: Path, name: str, status: int, harmless: bool):
    with pytest.raises(NameRefusedError) as caught:
        find_model(name)
    assert (caught.value.status, caught.value.harmless) == (status, harmless)
    assert str(models.parent) not in str(caught.value)


@pytest.mark.parametrize(
    "name",
    ["../a", "a/../../b", "..\\a", "/etc/a", "C:\\a", "\\\\server\\a", "a\nb", "\u202eb", "a" * (LONGEST_NAME + 1)],
)
def test_a_name_that_is_a_path_or_hides_something_is_refused(name: str):
    with pytest.raises(NameRefusedError) as caught:
        check_name(name)
    assert caught.value.status == 400


@pytest.mark.parametrize("name", ["a b.safetensors", "été.gguf", "モデル　最終.safetensors", "sub/…model.ckpt"])
def test_names_that_people_give_are_plain(name: str):
    check_name(name)
