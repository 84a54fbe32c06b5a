"""Mel spectrograms of sound as pictures, so that step counts can be compared by what is heard where."""

from typing import Any

import numpy as np
import torch
import torchaudio

_BANDS = 128
_WINDOW = 2048
_SHORTEST_HOP = 256
# A long sound gets a longer hop, so that its picture stays small enough to be measured quickly.
_WIDEST = 2048
_LEAST_WIDTH = 16
# Levels in decibels that are drawn black and white. A sine at full scale reaches about 54.
_LOWEST, _HIGHEST = -26.0, 54.0


def spectrogram_of(waveform: torch.Tensor, sample_rate: int) -> Any:
    """Return a picture of each sound: 128 mel bands from low (bottom) to high, 80 dB from black to white.

    Args:
        waveform: shape (sounds, channels, samples), in [-1, 1]; channels are averaged.
        sample_rate: samples per second.

    Returns:
        float32 in [0, 1], shape (sounds, 128, columns, 3).
    """
    # The window needs some samples to slide over.
    waveform = torch.nn.functional.pad(waveform, (0, max(0, _WINDOW - waveform.shape[-1])))
    samples = waveform.shape[-1]
    hop = max(_SHORTEST_HOP, -(-samples // _WIDEST))
    transform = torchaudio.transforms.MelSpectrogram(sample_rate, n_fft=_WINDOW, hop_length=hop, n_mels=_BANDS)
    power = transform(waveform.float().cpu().mean(1))
    levels = ((10 * torch.log10(power.clamp_min(1e-10)) - _LOWEST) / (_HIGHEST - _LOWEST)).clamp(0, 1)
    if levels.shape[-1] < _LEAST_WIDTH:
        levels = torch.nn.functional.pad(levels, (0, _LEAST_WIDTH - levels.shape[-1]))
    pictures = levels.flip(1).unsqueeze(-1).expand(-1, -1, -1, 3)
    return np.ascontiguousarray(pictures.numpy())
