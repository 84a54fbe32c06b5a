"""What a branch brings: images, the frames of a video, or audio, as the images that are compared and a clip to play."""

from dataclasses import dataclass
from typing import Any, Protocol

import torch

from ...comparison.frames import choose_frames
from ..comparing.clip_files import clip_or_none, write_audio, write_video
from ..comparing.images import to_images
from .spectrogram import spectrogram_of


class Media(Protocol):
    """One kind of media."""

    @property
    def key(self) -> str:
        """What of it determines the images."""
        ...

    def taken(self, values: list[Any]) -> tuple[Any, str]:
        """Return the images, shape (images, height, width, channels), and the name of a clip; empty without one.

        Args:
            values: what a branch's output gave; ComfyUI calls a node once for each entry of a list.

        Raises:
            ValueError: if it can't be compared.
        """
        ...


@dataclass(frozen=True)
class Images:
    """Single images."""

    key = "images"

    def taken(self, values: list[Any]) -> tuple[Any, str]:
        """Return the images."""
        return to_images(_joined(values), "images"), ""


@dataclass(frozen=True)
class Video:
    """The frames of one video.

    Attributes:
        frames: which ones are compared.
        frame_rate: frames per second of the clip.
    """

    frames: str
    frame_rate: float

    @property
    def key(self) -> str:
        """What of it determines the images."""
        return f"video {self.frames} {self.frame_rate}"

    def taken(self, values: list[Any]) -> tuple[Any, str]:
        """Return the chosen frames and a clip of all."""
        frames = _joined(values)
        chosen = frames[choose_frames(self.frames, len(frames))]
        clip = clip_or_none(lambda: write_video(frames, self.frame_rate))
        return to_images(chosen, "images"), clip


@dataclass(frozen=True)
class Audio:
    """Sound, compared by its mel spectrograms."""

    key = "audio"

    def taken(self, values: list[Any]) -> tuple[Any, str]:
        """Return a spectrogram of each waveform, and a clip of the first one."""
        audio: Any = values[0] if len(values) == 1 and isinstance(values[0], dict) else {}
        waveform = audio.get("waveform")
        if not isinstance(waveform, torch.Tensor) or not torch.isfinite(waveform).all():
            raise ValueError("audio: expected one AUDIO with finite numbers, got something else")
        rate = int(audio["sample_rate"])
        return spectrogram_of(waveform, rate), clip_or_none(lambda: write_audio(waveform[0], rate))


def _joined(images: list[Any]) -> torch.Tensor:
    """Return all images of a list as one.

    Raises:
        ValueError: if they are no images, or differ in size.
    """
    shapes = {tuple(each.shape[1:]) if isinstance(each, torch.Tensor) else () for each in images}
    if len(shapes) != 1 or () in shapes:
        raise ValueError(f"images: expected images of one size, got {sorted(map(str, shapes))[:4]}")
    return torch.cat(images)
