"""Writes clips for the viewer to play, as temporary files named after their content."""

import hashlib
import logging
import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import folder_paths
import numpy as np
import torch
from comfy_api.latest import InputImpl, Types

from .viewer_files import SUBFOLDER

log = logging.getLogger("sweetspot.nodes.comparing.clip_files")


def clip_or_none(write: Callable[[], str]) -> str:
    """Return the name of a clip that is written, or an empty text if it can't be: a finished run must still be kept."""
    try:
        return write()
    except Exception as error:  # noqa: BLE001 - a codec may raise anything
        log.warning("A clip was not written, so that this run can't be played: %s", error)
        return ""


def write_video(frames: torch.Tensor, frame_rate: float) -> str:
    """Write frames of shape (frames, height, width, channels) as a video, and return its file's name.

    An odd last row or column is left out, because the codec can't store it.
    """
    _, height, width, _ = frames.shape
    even = frames[:, : height // 2 * 2, : width // 2 * 2, :3].float()
    file = _file(even.cpu().numpy(), f"{frame_rate}.mp4")
    if not file.is_file():
        parts = Types.VideoComponents(images=even, audio=None, frame_rate=Fraction(frame_rate).limit_denominator(1000))
        unfinished = file.with_name(f"unfinished_{file.name}")
        InputImpl.VideoFromComponents(parts).save_to(str(unfinished))
        unfinished.replace(file)
    return file.name


def write_audio(waveform: torch.Tensor, sample_rate: int) -> str:
    """Write a sound of shape (channels, samples), in [-1, 1], as a 16-bit WAV file, and return its name."""
    levels = (waveform.float().cpu().clamp(-1, 1) * 32767).round().to(torch.int16).numpy()
    file = _file(levels, f"{sample_rate}.wav")
    if not file.is_file():
        unfinished = file.with_name(f"unfinished_{file.name}")
        with wave.open(str(unfinished), "wb") as sound:
            sound.setnchannels(levels.shape[0])
            sound.setsampwidth(2)
            sound.setframerate(sample_rate)
            sound.writeframes(np.ascontiguousarray(levels.T).tobytes())
        unfinished.replace(file)
    return file.name


def _file(content: Any, ending: str) -> Path:
    folder = Path(folder_paths.get_temp_directory()) / SUBFOLDER
    folder.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(str((content.shape, ending)).encode(), digest_size=12)
    digest.update(np.ascontiguousarray(content).data)
    return folder / f"{digest.hexdigest()}{Path(ending).suffix}"
