"""Texts and images become unit vectors per fold, whatever stands beside them in the batch."""

import threading

import numpy as np
import pytest

from runtime.bundle import IMAGE_MODEL, Bundle
from runtime.encoder import DualEncoder, open_encoder
from runtime.errors import BundleError, InvalidInputError, ProviderError
from runtime.images import read_image

TEXTS = ["ear", "a left tympanic membrane with a central perforation", "mũi phải có dịch mủ", "open vocal cords"]


@pytest.fixture(scope="module")
def encoder(bundle_folder) -> DualEncoder:
    return open_encoder(bundle_folder, threads=2)


@pytest.fixture(scope="module")
def images(phantoms) -> list[np.ndarray]:
    return [read_image(path) for path in sorted((phantoms / "imgs").iterdir())[:5]]


def test_texts_become_unit_vectors_of_every_fold(encoder):
    vectors = encoder.encode_texts(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((4, encoder.folds, encoder.dims), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    assert np.abs(vectors[:, 0] - vectors[:, 1]).max() > 1e-2, "the folds are one and the same"


def test_images_become_unit_vectors_of_every_fold(encoder, images):
    vectors = encoder.encode_images(images)
    assert (vectors.shape, vectors.dtype) == ((5, encoder.folds, encoder.dims), np.float32)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)


def test_a_text_has_its_vector_alone_padded_and_in_any_batch(encoder):
    alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), alone, atol=1e-5)
    # more texts than a batch holds are sorted by length, and come back in the given order
    np.testing.assert_allclose(encoder.encode_texts(TEXTS * 2, batch=3), np.tile(alone, (2, 1, 1)), atol=1e-5)


def test_an_image_has_its_vector_alone_and_in_any_batch(encoder, images):
    alone = np.concatenate([encoder.encode_images([image]) for image in images])
    np.testing.assert_allclose(encoder.encode_images(images, batch=2), alone, atol=1e-5)


def test_nothing_in_nothing_out(encoder):
    assert encoder.encode_texts([]).shape == (0, encoder.folds, encoder.dims)
    assert encoder.encode_images([]).shape == (0, encoder.folds, encoder.dims)


def test_an_empty_text_is_refused(encoder):
    with pytest.raises(InvalidInputError, match="at least one word"):
        encoder.encode_texts(["ear", " "])


def test_a_text_query_opens_no_image_tower(bundle_folder):
    fresh = open_encoder(bundle_folder, threads=1)
    fresh.encode_texts(["ear"])
    assert fresh.text_tower.is_open
    assert not fresh.image_tower.is_open


def test_queries_wait_busily_for_their_second_thread_and_images_do_not(encoder, images):
    encoder.encode_images(images[:1])
    encoder.encode_texts(["ear"])
    spinning = [
        tower.session().get_session_options().get_session_config_entry("session.intra_op.allow_spinning")
        for tower in (encoder.text_tower, encoder.image_tower)
    ]
    assert spinning == ["1", "0"]


def test_one_query_is_kept_and_is_the_vector_that_a_batch_of_one_gives(bundle_folder):
    fresh = open_encoder(bundle_folder, threads=1)
    vector = fresh.encode_text("ear")
    assert (vector.shape, vector.dtype, vector.flags.writeable) == ((fresh.folds, fresh.dims), np.float32, False)
    np.testing.assert_array_equal(vector, fresh.encode_texts(["ear"])[0])
    assert fresh.encode_text("ear") is vector
    with pytest.raises(InvalidInputError, match="at least one word"):
        fresh.encode_text(" ")


def test_threads_that_need_a_graph_at_once_open_it_once(bundle_folder):
    fresh, opened = open_encoder(bundle_folder, threads=1), []
    threads = [threading.Thread(target=lambda: opened.append(fresh.text_tower.session())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(opened) == 4
    assert len({id(session) for session in opened}) == 1


def test_an_error_on_opening_is_not_kept_for_an_answer(bundle_folder):
    fresh = open_encoder(bundle_folder, provider="openvino")
    for _ in range(2):
        with pytest.raises(ProviderError, match="asked for openvino"):
            fresh.encode_text("ear")


def test_a_tower_of_another_shape_than_the_manifest_says_is_refused(bundle_folder):
    bundle = Bundle.open(bundle_folder)
    lying = type(bundle.manifest)(**{**vars(bundle.manifest), "dims": bundle.manifest.dims + 1})
    with pytest.raises(BundleError, match=f"expected \\(N, {lying.folds}, {lying.dims}\\)"):
        DualEncoder(Bundle(bundle_folder, lying), threads=1).encode_texts(["ear"])


def test_the_fingerprint_is_the_bundles(encoder, bundle_folder):
    assert encoder.fingerprint == Bundle.open(bundle_folder).manifest.fingerprint
    assert encoder.bundle.path(IMAGE_MODEL).is_file()
