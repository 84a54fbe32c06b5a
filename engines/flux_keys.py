"""Converts the names of a Flux transformer's weights between the original layout, which ComfyUI reads, and diffusers'.

The original layout fuses query, key and value (and, in single blocks, the first MLP layer) into one matrix. Its last
modulation holds shift before scale, whereas diffusers' holds scale before shift.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

State = dict[str, Tensor]

_OUTER = {
    "img_in": "x_embedder",
    "txt_in": "context_embedder",
    "time_in.in_layer": "time_text_embed.timestep_embedder.linear_1",
    "time_in.out_layer": "time_text_embed.timestep_embedder.linear_2",
    "vector_in.in_layer": "time_text_embed.text_embedder.linear_1",
    "vector_in.out_layer": "time_text_embed.text_embedder.linear_2",
    "final_layer.linear": "proj_out",
    "final_layer.adaLN_modulation.1": "norm_out.linear",
}
_DOUBLE = {
    "img_mod.lin": "norm1.linear",
    "txt_mod.lin": "norm1_context.linear",
    "img_attn.qkv": ("attn.to_q", "attn.to_k", "attn.to_v"),
    "txt_attn.qkv": ("attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"),
    "img_attn.norm.query_norm": "attn.norm_q",
    "img_attn.norm.key_norm": "attn.norm_k",
    "txt_attn.norm.query_norm": "attn.norm_added_q",
    "txt_attn.norm.key_norm": "attn.norm_added_k",
    "img_attn.proj": "attn.to_out.0",
    "txt_attn.proj": "attn.to_add_out",
    "img_mlp.0": "ff.net.0.proj",
    "img_mlp.2": "ff.net.2",
    "txt_mlp.0": "ff_context.net.0.proj",
    "txt_mlp.2": "ff_context.net.2",
}
_SINGLE = {
    "modulation.lin": "norm.linear",
    "linear1": ("attn.to_q", "attn.to_k", "attn.to_v", "proj_mlp"),
    "linear2": "proj_out",
    "norm.query_norm": "attn.norm_q",
    "norm.key_norm": "attn.norm_k",
}
_SWAPPED = "final_layer.adaLN_modulation.1"


def to_original(state: State) -> State:
    """Return a diffusers FluxTransformer2DModel's weights under the original names.

    Raises:
        ValueError: if a weight does not exist in the original layout.
    """
    renamed, used = {}, set()
    double, single = _depth(state, "transformer_blocks."), _depth(state, "single_transformer_blocks.")
    for original, parts in _rules(double, single):
        for ours, theirs in _suffixes(original):
            names = [f"{part}.{theirs}" for part in parts]
            if names[0] in state:
                fused = torch.cat([state[name] for name in names])
                renamed[f"{original}.{ours}"] = _swap_halves(fused) if original == _SWAPPED else fused
                used.update(names)
    _check_all_used(state, used)
    return renamed


def to_diffusers(state: State) -> State:
    """Return a Flux transformer's weights, given under the original names, under diffusers' names.

    Raises:
        ValueError: if a weight is not part of the original Flux layout.
    """
    renamed, used = {}, set()
    hidden = state["img_in.weight"].shape[0]
    for original, parts in _rules(_depth(state, "double_blocks."), _depth(state, "single_blocks.")):
        for ours, theirs in _suffixes(original):
            name = f"{original}.{ours}"
            if name not in state:
                continue
            value = _swap_halves(state[name]) if original == _SWAPPED else state[name]
            pieces = [value] if len(parts) == 1 else _split(value, hidden, len(parts))
            renamed.update({f"{part}.{theirs}": piece for part, piece in zip(parts, pieces, strict=True)})
            used.add(name)
    _check_all_used(state, used)
    return renamed


def _rules(double: int, single: int) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (original prefix, prefixes in diffusers that it fuses)."""
    tables = [("", "", _OUTER)]
    tables += [(f"double_blocks.{i}.", f"transformer_blocks.{i}.", _DOUBLE) for i in range(double)]
    tables += [(f"single_blocks.{i}.", f"single_transformer_blocks.{i}.", _SINGLE) for i in range(single)]
    for ours, theirs, table in tables:
        for original, parts in table.items():
            fused = (parts,) if isinstance(parts, str) else parts
            yield ours + original, tuple(theirs + part for part in fused)


def _suffixes(original: str) -> tuple[tuple[str, str], ...]:
    is_norm = original.endswith(("query_norm", "key_norm"))
    return (("scale", "weight"),) if is_norm else (("weight", "weight"), ("bias", "bias"))


def _depth(state: State, prefix: str) -> int:
    return len({name[len(prefix) :].split(".")[0] for name in state if name.startswith(prefix)})


def _split(value: Tensor, hidden: int, count: int) -> tuple[Tensor, ...]:
    sizes = [hidden] * 3 + ([len(value) - 3 * hidden] if count == 4 else [])
    return value.split(sizes)


def _swap_halves(value: Tensor) -> Tensor:
    first, second = value.chunk(2)
    return torch.cat([second, first])


def _check_all_used(state: State, used: set[str]) -> None:
    left = sorted(set(state) - used)
    if left:
        raise ValueError(f"state: expected only the weights of a Flux transformer, got also {', '.join(left[:5])}")
