"""Numbers that a device computes, read by the host only when they have arrived."""

import torch
from torch import Tensor


class DeviceNumber:
    """One number on its way from a device.

    On CUDA it is copied into pinned memory behind the work that computes it, so that the host can look without
    waiting. On the CPU it is there at once; on other devices it counts as arrived only when `read` waits for it.

    Args:
        value: a tensor of one element, of any kind of number or bool.
    """

    def __init__(self, value: Tensor) -> None:
        self._value, self._event = value.detach(), None
        if value.device.type == "cuda":
            self._value = torch.empty(value.shape, dtype=value.dtype, pin_memory=True)
            self._value.copy_(value, non_blocking=True)
            self._event = torch.cuda.Event()
            self._event.record(torch.cuda.current_stream(value.device))

    @property
    def arrived(self) -> bool:
        """Whether `read` would not have to wait."""
        return self._event.query() if self._event is not None else self._value.device.type == "cpu"

    def read(self) -> float:
        """Return the number, waiting for it if need be."""
        if self._event is not None:
            self._event.synchronize()
        return float(self._value)
