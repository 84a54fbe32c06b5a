"""Numbers that a device computes and the host reads once they have arrived."""

import torch
from torch import Tensor


class DeviceNumber:
    """One number on its way from a device to the host.

    On CUDA it is copied into pinned memory after the work that computes it, so that the host can check for it without
    waiting. On the CPU it is available at once. On other devices it never counts as arrived: `read` waits for it.

    Args:
        value: a tensor of one element, any number or bool.
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
        """Return the number; waits for it if necessary."""
        if self._event is not None:
            self._event.synchronize()
        return float(self._value)
