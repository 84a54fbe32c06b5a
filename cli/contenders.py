"""Reads `--also`. Imports nothing, because a demo in ComfyUI needs no numpy here."""

_ALLOWED = "pairs of sampler and scheduler, e.g. dpmpp_2m/karras, separated by commas"


def parse_contenders(text: str) -> list[tuple[str, str]]:
    """Return the pairs of sampler and scheduler in a list such as `dpmpp_2m/karras, heun/simple`.

    Raises:
        ValueError: if an entry has another form.
    """
    pairs = []
    for entry in text.replace(";", ",").split(","):
        parts = entry.replace("/", " ").split()
        if parts and len(parts) != 2:
            raise ValueError(f"also: expected {_ALLOWED}; got {entry.strip()[:60]!r}")
        pairs += [(parts[0], parts[1])] if parts else []
    return pairs
