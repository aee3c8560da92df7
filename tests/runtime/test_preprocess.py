"""The one resize against two independent filters, Pillow's and torch's, on drawn and real pictures."""

from pathlib import Path

import numpy as np
import pytest

from runtime.circle_crop import circle_crop
from runtime.errors import BundleError
from runtime.images import read_image
from runtime.preprocess import Preprocessing, filter_bands, resize_bicubic

TUXPAINT = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "tuxpaint" / "img"
# down, up, to the same size, one axis each way, and the smallest pictures there are
SHAPES = [(480, 640), (900, 700), (100, 90), (224, 224), (37, 501), (223, 225), (2, 3), (1, 1)]
SIZES = [224, 260]


def noise(height: int, width: int) -> np.ndarray:
    """White noise from 0 to 255: the hardest picture for a filter."""
    return np.random.default_rng([height, width]).integers(0, 256, (height, width, 3), dtype=np.uint8)


def pillow(image: np.ndarray, size: int) -> np.ndarray:
    """Pillow's bicubic filter in float32, (size, size, 3); its 8-bit form rounds and clips between the passes."""
    Image = pytest.importorskip("PIL.Image")
    planes = [Image.fromarray(image[:, :, c].astype(np.float32)) for c in range(3)]
    return np.dstack([np.asarray(p.resize((size, size), Image.Resampling.BICUBIC)) for p in planes])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_resize_is_pillows(shape, size):
    ours = resize_bicubic(noise(*shape), size)
    assert (ours.shape, ours.dtype) == ((size, size, 3), np.float32)
    np.testing.assert_allclose(ours, pillow(noise(*shape), size), atol=1e-3)


@pytest.mark.torch
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_resize_is_torchs_antialiased_bicubic(shape, size):
    torch = pytest.importorskip("torch")
    pixels = torch.from_numpy(noise(*shape)).permute(2, 0, 1)[None].double()
    theirs = torch.nn.functional.interpolate(pixels, size=(size, size), mode="bicubic", antialias=True)[0]
    np.testing.assert_allclose(resize_bicubic(noise(*shape), size), theirs.permute(1, 2, 0), atol=1e-3)


@pytest.mark.parametrize("size", [112, 224, 600])
def test_real_pictures_are_resized_as_pillow_does(size):
    Image = pytest.importorskip("PIL.Image")
    if not TUXPAINT.is_dir():
        pytest.skip("the tuxpaint pictures are not beside the checkout")
    for path in sorted(TUXPAINT.iterdir())[::100]:
        image = read_image(path)
        np.testing.assert_allclose(resize_bicubic(image, size), pillow(image, size), atol=1e-3)
        # Pillow's 8-bit form clips between its two passes, which sharp edges between black and white feel
        eight_bit = np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC)).astype(int)
        ours = np.rint(np.clip(resize_bicubic(image, size), 0, 255))
        assert np.mean(np.abs(ours - eight_bit) <= 1) > 0.99


@pytest.mark.parametrize("old", [1, 2, 37, 224, 640])
def test_every_row_of_weights_sums_to_one_and_a_flat_picture_stays_flat(old):
    bands = filter_bands(old, 224)
    np.testing.assert_allclose(np.concatenate([band.weights.sum(1) for band in bands]), np.ones(224), atol=1e-6)
    np.testing.assert_allclose(resize_bicubic(np.full((old, 5, 3), 200, np.uint8), 224), 200, atol=1e-3)


def test_pixels_are_clipped_scaled_and_normalised_channel_by_channel():
    image = noise(60, 80)
    preprocess = Preprocessing(32, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    pixels = np.clip(pillow(image, 32), 0, 255) / 255
    expected = [(pixels[:, :, c] - preprocess.mean[c]) / preprocess.std[c] for c in range(3)]
    batch = preprocess([image, image[:, ::-1]])
    assert (batch.shape, batch.dtype) == ((2, 3, 32, 32), np.float32)
    assert batch.flags.c_contiguous
    np.testing.assert_allclose(batch[0], np.stack(expected), atol=1e-4)
    np.testing.assert_allclose(batch[1], batch[0][:, :, ::-1], atol=1e-4)


def test_the_circle_crop_comes_before_the_resize(phantoms):
    image = read_image(next((phantoms / "imgs").glob("*.png")))
    plain, cropped = (Preprocessing(64, (0.5,) * 3, (0.5,) * 3, crop) for crop in ("none", "circle"))
    cut = circle_crop(image).image
    assert cut.shape != image.shape
    np.testing.assert_array_equal(cropped.one(image), plain.one(cut))


def test_no_images_give_an_empty_batch():
    assert Preprocessing(8, (0.5,) * 3, (0.5,) * 3)([]).shape == (0, 3, 8, 8)


def test_the_settings_survive_json_and_nonsense_is_refused():
    settings = Preprocessing(260, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6), "circle")
    assert Preprocessing.from_json(settings.to_json()) == settings
    with pytest.raises(BundleError, match="crop 'none' or 'circle'"):
        Preprocessing(224, (0.5,) * 3, (0.5,) * 3, "square")
    with pytest.raises(BundleError, match="size must be positive"):
        Preprocessing(0, (0.5,) * 3, (0.5,) * 3)


def test_a_jpeg_may_be_decoded_smaller_but_keeps_twice_the_size_and_never_under_a_circle_crop():
    assert Preprocessing(260, (0.5,) * 3, (0.5,) * 3).decode_at_least == 520
    assert Preprocessing(260, (0.5,) * 3, (0.5,) * 3, "circle").decode_at_least is None
