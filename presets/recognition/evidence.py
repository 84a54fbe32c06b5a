"""What is known about the model at hand, whether a node, the shell or the browser found it."""

from dataclasses import dataclass, field, replace
from typing import Any

from ...graphs.walk import Lora, Upstream


@dataclass(frozen=True)
class Sidecar:
    """What a file beside the model says about it, as download tools write it.

    Attributes:
        file: its name.
        base_model: the base model in Civitai's words; empty if it names none.
        settings: a plan's fields that it recommends.
        source: where in it they come from, in words.
    """

    file: str
    base_model: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    source: str = ""


@dataclass(frozen=True)
class Evidence:
    """Everything that recognition can go by. Any field may be empty.

    Attributes:
        architecture: name of the model's class in `comfy.supported_models`.
        unet_config: its geometry.
        prediction: name of ComfyUI's `ModelType`: EPS, V_PREDICTION, EDM, FLOW, ...
        files: names of the base model's file; several if the graph leads to several.
        loras: LoRAs applied to it, in order.
        metadata: what the file's header says.
        sidecar: what a file beside the model says, None if there is none.
        choice: id of the catalogue entry that the user chose, empty for none.
        doubts: what could not be decided, in words.
    """

    architecture: str = ""
    unet_config: dict[str, Any] = field(default_factory=dict)
    prediction: str = ""
    files: tuple[str, ...] = ()
    loras: tuple[Lora, ...] = ()
    metadata: dict[str, str] = field(default_factory=dict)
    sidecar: Sidecar | None = None
    choice: str = ""
    doubts: tuple[str, ...] = ()

    @classmethod
    def from_graph(cls, upstream: Upstream) -> "Evidence":
        """Return what a graph says about the model at one of its inputs."""
        return cls(files=upstream.files, loras=upstream.loras, doubts=upstream.doubts)

    def chosen(self, variant: str) -> "Evidence":
        """Return the same evidence with the user's choice; an empty string is no choice."""
        return replace(self, choice=variant)

    @property
    def active_loras(self) -> tuple[Lora, ...]:
        """The LoRAs that are not switched off by a strength of 0."""
        return tuple(lora for lora in self.loras if lora.strength != 0)
