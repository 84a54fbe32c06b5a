"""The bytes by which weights are known: every change shows, wherever the weights are."""

import pytest
import torch
from sweetspot.nodes.comparing.tensors import content_of, host_bytes, sketch_of
from sweetspot.nodes.comparing.unidentified import UnidentifiedError


def known(*weights: torch.Tensor) -> bytes:
    return b"".join(bytes(part) for part in host_bytes([part for each in weights for part in sketch_of(each)]))


def weights(dtype: torch.dtype = torch.bfloat16, *shape: int) -> torch.Tensor:
    return torch.randn(shape or (640, 1280), generator=torch.Generator().manual_seed(1)).to(dtype)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float32, torch.float8_e4m3fn])
@pytest.mark.parametrize("shape", [(640, 1280), (3072, 3072), (320,), (7, 1021), (1,)])
def test_equal_weights_are_known_and_any_changed_one_shows(dtype: torch.dtype, shape: tuple[int, ...]):
    one, other = weights(dtype, *shape), weights(dtype, *shape)
    assert known(one) == known(other)
    for place in {0, one.numel() // 2, one.numel() - 1}:
        changed = other.clone()
        changed.view(-1).view(torch.uint8)[place * one.element_size()] ^= 1
        assert known(changed) != known(one)


@pytest.mark.parametrize("shape", [(640, 1280), (3072, 3072), (1024, 4096), (2560, 320, 3, 3)])
def test_what_moved_shows(shape: tuple[int, ...]):
    one = weights(torch.float32, *shape)
    for move in (lambda x: x.roll(1, 0), lambda x: x.roll(shape[0] // 2, 0), lambda x: x.flip(0), lambda x: x.flip(1)):
        assert known(move(one).contiguous()) != known(one)
    swapped = one.clone()
    swapped[[3, 64]] = swapped[[64, 3]]
    assert known(swapped) != known(one)


def test_they_are_small_and_in_order():
    assert len(known(weights(torch.float32, 4096, 4096))) < 10_000
    one, other = weights(torch.float32, 8), weights(torch.float32, 9)
    assert known(one, other) == known(one) + known(other)


def test_parts_of_larger_tensors_are_known_by_their_content():
    whole = weights(torch.bfloat16, 641, 1281)
    for part in (whole[1:], whole[:, 1:], whole.t()):
        assert known(part) == known(part.clone(memory_format=torch.contiguous_format))


def test_what_has_no_content_is_refused():
    for read in (content_of, sketch_of):
        with pytest.raises(UnidentifiedError, match="meta"):
            read(torch.ones(3, device="meta"))
