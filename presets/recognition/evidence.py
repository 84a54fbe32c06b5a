"""What is known of the model in front of us, whoever found it: node, shell or browser."""

from dataclasses import dataclass, field, replace
from typing import Any

from ...graphs.walk import Lora, Upstream


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

    @classmethod
    def from_graph(cls, upstream: Upstream) -> "Evidence":
        """Return what a graph says of the model at one of its inputs."""
        return cls(files=upstream.files, loras=upstream.loras, doubts=upstream.doubts)

    def chosen(self, variant: str) -> "Evidence":
        """Return the same with the user's choice; an empty one is none."""
        return replace(self, choice=variant)

    @property
    def active_loras(self) -> tuple[Lora, ...]:
        """The LoRAs that are not switched off by a strength of 0."""
        return tuple(lora for lora in self.loras if lora.strength != 0)
