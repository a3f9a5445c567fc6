from __future__ import annotations

import numpy as np
import pytest
import torch

from fxdet.classify.model import DEFAULT_HEADS, TimmClassifier, build_network
from fxdet.core.errors import ModelError
from fxdet.core.labels import FRACTURE, LabelMap
from fxdet.core.objects import Crops
from fxdet.core.protocols import Classifier
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import radiograph_from_array


@pytest.fixture(scope="module")
def classifier() -> TimmClassifier:
    torch.manual_seed(0)
    network = build_network("test_resnet", DEFAULT_HEADS)
    return TimmClassifier(network, Preprocess(64), temperature={"fracture": 2.0}, name="test.one", batch_size=3)


def crops(count: int) -> Crops:
    pixels = np.random.default_rng(0).random((count, 64, 64), dtype=np.float32)
    eye = np.tile(np.array([[1.0, 0, 0], [0, 1, 0]]), (count, 1, 1))
    return Crops(pixels, np.tile([0, 0, 64, 64], (count, 1)).reshape(count, 4), np.arange(count), eye)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit", "test_convnext", "mobilenetv3_small_050", "resnet10t"])
def test_any_timm_network_gets_its_heads(name: str):
    network = build_network(name, {"fracture": FRACTURE, "view": 3}).eval()
    with torch.inference_mode():
        logits = network(torch.zeros(2, 3, 160, 160))
    assert {head: tuple(values.shape) for head, values in logits.items()} == {"fracture": (2, 2), "view": (2, 3)}


def test_it_is_a_classifier_in_any_batch_size(classifier: TimmClassifier):
    assert isinstance(classifier, Classifier)
    scores = classifier.classify(crops(7))
    assert scores.logits["fracture"].shape == (7, 2) and scores.logits["region"].shape == (7, 8)
    for index in range(7):
        whole = crops(7)
        one = Crops(whole.pixels[index : index + 1], whole.box[:1], whole.parent[:1], whole.to_image[:1])
        got = classifier.classify(one).logits["region"][0]
        assert np.allclose(got, scores.logits["region"][index], atol=1e-5)


def test_no_crops_give_empty_scores(classifier: TimmClassifier):
    scores = classifier.classify(crops(0))
    assert scores.logits["fracture"].shape == (0, 2)
    assert scores.probability("region").shape == (0, 8)


def test_temperature_divides_the_logits(classifier: TimmClassifier):
    scores = classifier.classify(crops(2))
    logits = scores.logits["fracture"].astype(np.float64)
    want = 1 / (1 + np.exp(-(logits[:, 1] - logits[:, 0]) / 2))
    assert np.allclose(scores.probability("fracture")[:, 1], want)


def test_three_equal_normalised_planes_go_in(classifier: TimmClassifier):
    radiograph = radiograph_from_array(np.random.default_rng(1).integers(0, 256, (90, 70), dtype=np.uint8))
    whole = classifier.preprocess.whole(radiograph)
    tensor = classifier.tensor(whole.pixels)
    assert tensor.shape == (1, 3, 64, 64)
    assert torch.equal(tensor[:, 0], tensor[:, 2])
    assert np.allclose(tensor[0, 1].numpy(), (whole.pixels[0] - 0.449) / 0.226, atol=1e-6)


def test_dropout_acts_in_training_alone():
    network = build_network("test_resnet", DEFAULT_HEADS, dropout=0.5)
    x = torch.randn(1, 3, 64, 64)
    network.backbone.eval()
    assert not torch.equal(network(x)["region"], network(x)["region"])
    network.eval()
    assert torch.equal(network(x)["region"], network(x)["region"])


def test_features_are_the_last_map():
    network = build_network("test_resnet", DEFAULT_HEADS).eval()
    features = network.features(torch.zeros(1, 3, 64, 64))
    assert features.ndim == 4 and features.shape[1] == network.heads["region"].in_features


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mobilenetv5_400m", "got 'mobilenetv5_400m' – did you mean 'mobilenet"),
        ("§§", "expected a name of timm.list_models()"),
    ],
)
def test_unknown_names(name: str, message: str):
    with pytest.raises(ModelError) as caught:
        build_network(name, DEFAULT_HEADS)
    assert message in str(caught.value) and len(str(caught.value)) < 200


def test_labels_must_fit_the_heads():
    network = build_network("test_resnet", {"fracture": 2})
    with pytest.raises(ModelError, match=r"head 'region' – got no such head"):
        TimmClassifier(network, Preprocess(64))
    with pytest.raises(ModelError, match=r"head 'fracture' – got 2, expected the card's 3"):
        TimmClassifier(network, Preprocess(64), {"fracture": LabelMap(("a", "b", "c"))})
