"""What one model file tells by its name and its header, as evidence."""

from ...graphs.walk import Lora
from .evidence import Evidence
from .headers import Header
from .model_file import architecture_of, is_lora


def evidence_of_file(name: str, header: Header, loras: tuple[Lora, ...] = ()) -> Evidence:
    """Return the evidence of a file, itself a LoRA or a model.

    Args:
        name: the file's name.
        header: what its first bytes hold; an empty one leaves the name.
        loras: LoRAs that are laid over it.
    """
    if is_lora(header):
        return Evidence(loras=(*loras, Lora(name)), metadata=header.metadata)
    architecture, geometry, prediction = architecture_of(header)
    return Evidence(architecture, geometry, prediction, (name,), loras, header.metadata)
