"""What is known of the model in front of us, whoever found it: node, shell or browser."""

from dataclasses import dataclass, field
from typing import Any

from ...graphs.walk import Lora


@dataclass(frozen=True)
class Evidence:
    """The record that recognition judges by. Everything may be missing.

    Attributes:
        architecture: name of the model's class in `comfy.supported_models`.
        unet_config: its geometry.
        prediction: name of ComfyUI's `ModelType`: EPS, V_PREDICTION, EDM, FLOW, ...
        files: names of the base model's file; several where the graph leads to several.
        loras: LoRAs laid over it, the last one last.
        metadata: what the file's header says.
        choice: the catalogue's id that the user chose.
        doubts: what could not be decided, for people.
    """

    architecture: str = ""
    unet_config: dict[str, Any] = field(default_factory=dict)
    prediction: str = ""
    files: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    choice: str = ""
    doubts: tuple[str, ...] = ()

    @property
    def active_loras(self) -> tuple[Lora, ...]:
        """The LoRAs that are not switched off by a strength of 0."""
        return tuple(lora for lora in self.loras if lora.strength != 0)
