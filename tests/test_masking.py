"Masks, patches and the decoder of masked autoencoders: properties for all grids and ratios."
import pytest
import torch
from hypothesis import given, settings, strategies as st

from sslkit.core.errors import InputError
from sslkit.core.random import Draw, row_keys
from sslkit.parts.decoder import Decoder, fill_in
from sslkit.parts.masking import block_mask, count_hidden, grid_mask, patchify, random_mask, rectangles, unpatchify, visible

GRIDS = st.tuples(st.integers(1, 9), st.integers(1, 9))


def draw(n, seed=0): return Draw(row_keys(seed, 0, torch.arange(n)))


@settings(max_examples=30, deadline=None)
@given(grid=GRIDS, p=st.integers(1, 4), channels=st.integers(1, 4))
def test_patches_and_back(grid, p, channels):
    x = torch.arange(2 * channels * grid[0] * grid[1] * p * p).view(2, channels, grid[0] * p, grid[1] * p)
    patches = patchify(x, p)
    assert patches.shape == (2, grid[0] * grid[1], p * p * channels) and torch.equal(unpatchify(patches, p, grid), x)


@settings(max_examples=40, deadline=None)
@given(grid=GRIDS, ratio=st.floats(0, 0.99), make=st.sampled_from([random_mask, block_mask]))
def test_masks_hide_as_many_as_asked_for(grid, ratio, make):
    mask = make(draw(5), grid, ratio)
    assert mask.shape == (5, grid[0] * grid[1]) and (mask.sum(1) == count_hidden(ratio, mask.shape[1])).all() and not mask.all(1).any()
    assert torch.equal(make(Draw(row_keys(0, 0, torch.tensor([3]))), grid, ratio)[0], mask[3])              # whoever its neighbours are
    keep = visible(mask)
    assert torch.equal(torch.ones_like(mask).scatter(1, keep, False), mask) and (keep.diff(dim=1) > 0).all()


@settings(max_examples=30, deadline=None)
@given(grid=GRIDS, stride=st.integers(1, 4))
def test_grids_are_regular(grid, stride):
    shown = ~grid_mask(draw(2), grid, stride).view(2, *grid)
    assert shown[:, ::stride, ::stride].all() and shown.sum() == 2 * shown[0, ::stride, ::stride].numel()


def test_every_patch_is_hidden_equally_often():
    assert (random_mask(draw(4000), (4, 4), 0.75).float().mean(0) - 0.75).abs().max() < 0.03


def test_pixels_can_be_masked_with_a_ratio_for_each_image():
    ratio = torch.linspace(0.1, 0.75, 6)
    mask = block_mask(draw(6), (32, 32), ratio, area=(0.01, 0.09), n=64)
    assert torch.equal(mask.sum(1), count_hidden(ratio, 1024))
    with pytest.raises(InputError, match="one ratio"): visible(mask)


@pytest.mark.parametrize("wrong", [dict(area=(0, 0.5)), dict(area=(0.5, 0.2)), dict(aspect=(0, 1)), dict(aspect=(2, 1))])
def test_rectangles_that_cannot_be(wrong):
    with pytest.raises(InputError, match="give"): rectangles(draw(2), (4, 4), 3, **wrong)


def test_the_decoder_in_half_precision_and_its_places():
    torch.manual_seed(0); decoder = Decoder(16, 12, dim=16, depth=1)
    mask = random_mask(draw(3), (4, 4), 0.75); keep = visible(mask)
    with torch.autocast("cpu", torch.bfloat16): said = decoder(torch.randn(3, 5, 16), keep, (4, 4))
    assert said.shape == (3, 16, 12) and said.isfinite().all()
    tokens = torch.randn(3, 4, 16); full = fill_in(tokens, keep, decoder.mask_token, 16)
    assert torch.equal(full[mask], decoder.mask_token.expand(36, -1)) and torch.equal(full[~mask], tokens.flatten(0, 1))
