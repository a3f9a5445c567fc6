"""Features of whole radiographs."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from fxdet.imaging.reading import open_radiograph
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph
from fxdet.pipeline.embedding import embed_files
from fxdet.zoo.hub import load_classifier


@pytest.fixture(scope="module")
def classifier(tiny_pipeline):
    return load_classifier(tiny_pipeline / "classifier.json")


@pytest.fixture
def paths(tmp_path):
    for seed in range(3):
        drawn = draw_radiograph(np.random.default_rng(seed), DrawingOptions(size=(96, 64)))
        Image.fromarray(drawn.pixels).save(tmp_path / f"{seed}.png")
    (tmp_path / "broken.png").write_bytes(b"no picture")
    return [tmp_path / name for name in ("0.png", "broken.png", "1.png", "2.png")]


def test_one_row_per_file_and_nan_where_there_is_no_picture(classifier, paths):
    found = embed_files(classifier, paths)
    assert found.dtype == np.float32
    assert found.shape == (4, classifier.network.heads["fracture"].in_features)
    assert np.isnan(found[1]).all()
    assert np.isfinite(found[[0, 2, 3]]).all()
    assert len(np.unique(found[[0, 2, 3]].round(4), axis=0)) == 3


def test_features_are_what_the_heads_see(classifier, paths):
    features = embed_files(classifier, paths[:1])[0]
    crops = classifier.preprocess.whole(open_radiograph(paths[0]))
    head = classifier.network.heads["fracture"]
    weight, bias = (value.detach().numpy() for value in (head.weight, head.bias))
    np.testing.assert_allclose(weight @ features + bias, classifier.classify(crops).logits["fracture"][0], atol=1e-4)


def test_batches_do_not_matter(classifier, paths, monkeypatch):
    whole = embed_files(classifier, paths)
    monkeypatch.setattr(classifier, "batch_size", 2)
    np.testing.assert_allclose(embed_files(classifier, paths), whole, atol=1e-4)


def test_a_batch_of_broken_files(classifier, paths):
    found = embed_files(classifier, [paths[1]] * 2)
    assert found.shape[0] == 2
    assert np.isnan(found).all()


def test_no_files(classifier):
    assert embed_files(classifier, []).shape[0] == 0
