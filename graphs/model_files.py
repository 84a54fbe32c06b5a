"""Names of files that hold weights."""

MODEL_ENDINGS = (".safetensors", ".sft", ".gguf", ".ckpt", ".pt", ".pth", ".bin")


def is_model_file(value: object) -> bool:
    """Return whether a value is the name of a file that holds weights."""
    return isinstance(value, str) and value.lower().endswith(MODEL_ENDINGS)
