import pytest
import torch
from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel
from sweetspot.engines.flux_keys import to_diffusers, to_original


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    model = FluxTransformer2DModel(
        in_channels=64,
        num_layers=2,
        num_single_layers=1,
        attention_head_dim=128,
        num_attention_heads=1,
        joint_attention_dim=24,
        pooled_projection_dim=16,
        guidance_embeds=False,
    )
    return model.state_dict()


def test_there_and_back_gives_the_same_weights(state: dict[str, torch.Tensor]):
    back = to_diffusers(to_original(state))
    assert back.keys() == state.keys()
    assert all(torch.equal(back[name], value) for name, value in state.items())


def test_the_original_layout_fuses_and_swaps(state: dict[str, torch.Tensor]):
    original = to_original(state)
    assert original["double_blocks.1.img_attn.qkv.weight"].shape == (3 * 128, 128)
    assert original["single_blocks.0.linear1.weight"].shape == (3 * 128 + 4 * 128, 128)
    assert "double_blocks.0.txt_attn.norm.key_norm.scale" in original
    scale, shift = state["norm_out.linear.weight"].chunk(2)
    assert torch.equal(original["final_layer.adaLN_modulation.1.weight"], torch.cat([shift, scale]))


def test_weights_without_a_place_are_named(state: dict[str, torch.Tensor]):
    with pytest.raises(ValueError, match=r"got also lora\.up"):
        to_original(state | {"lora.up": torch.zeros(1)})
    with pytest.raises(ValueError, match=r"got also guidance_in\.in_layer\.weight"):
        to_diffusers(to_original(state) | {"guidance_in.in_layer.weight": torch.zeros(1)})
