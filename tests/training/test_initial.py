from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from fxdet.classify.model import build_network
from fxdet.core.errors import ModelError
from fxdet.training.initial import first_weights, initial_network, load_initial

HEADS = {"fracture": ("normal", "fractured")}


@pytest.fixture
def network():
    return build_network("test_resnet", {"fracture": 2})


def backbone(network) -> dict[str, torch.Tensor]:
    state = network.backbone.state_dict()
    return {name: torch.randn_like(value) if value.is_floating_point() else value for name, value in state.items()}


def test_timms_own_keys_in_half_precision(network, tmp_path: Path):
    state = backbone(network)
    save_file({name: v.half() if v.is_floating_point() else v for name, v in state.items()}, tmp_path / "w.safetensors")
    report = load_initial(network, tmp_path / "w.safetensors", HEADS)
    assert len(report.matched) == len(state) and report.missing == () == report.unexpected
    for name, value in network.backbone.state_dict().items():
        assert value.dtype == state[name].dtype
        assert torch.allclose(value.float(), state[name].float(), rtol=2e-3, atol=1e-3)


def test_missing_and_unexpected_keys_are_reported(network, tmp_path: Path, caplog):
    state = backbone(network)
    state["classifier.weight"] = torch.zeros(3)
    gone = next(iter(state))
    del state[gone]
    save_file(state, tmp_path / "w.safetensors")
    report = load_initial(network, tmp_path / "w.safetensors", HEADS)
    assert report.missing == (f"backbone.{gone}",) and report.unexpected == ("backbone.classifier.weight",)
    assert "1 keys missing" in caplog.text and "1 keys unexpected" in caplog.text


def test_another_networks_file_is_refused(network, tmp_path: Path):
    save_file(build_network("test_convnext", {"x": 2}).backbone.state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"expected 90 % or more; missing e\.g\. backbone"):
        load_initial(network, tmp_path / "w.safetensors", HEADS)


def test_earlier_weights_bring_their_heads_and_must_name_the_same_classes(network, tmp_path: Path):
    path = tmp_path / "best.safetensors"
    save_file(network.state_dict(), path, {"heads": json.dumps({"fracture": ["normal", "fractured"]})})
    other = initial_network("test_resnet", HEADS, 0.0, str(path))
    assert torch.equal(other.heads["fracture"].weight, network.heads["fracture"].weight)
    with pytest.raises(ModelError, match=r"was trained as \['normal', 'fractured'\], the config says \['frac"):
        initial_network("test_resnet", {"fracture": ("fractured", "normal")}, 0.0, str(path))


def test_a_file_that_is_no_safetensors(network, tmp_path: Path):
    (tmp_path / "w.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="no valid safetensors file"):
        load_initial(network, tmp_path / "w.safetensors", HEADS)


@pytest.mark.data
def test_the_weights_at_hand_fit_completely():
    path = Path(__file__).parents[3] / "shared" / "weights" / "mobilenetv2_100.imagenet.safetensors"
    if not path.exists():
        pytest.skip("no ../shared/weights")
    report = load_initial(build_network("mobilenetv2_100", {"fracture": 2}), path, HEADS)
    assert report.missing == () == report.unexpected and len(report.matched) == 312


def test_a_card_names_the_first_weights_without_their_folder(tmp_path: Path, monkeypatch):
    path = tmp_path / "start.safetensors"
    path.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    assert first_weights(str(path)) == {"initial_weights": "start.safetensors", "initial_weights_sha256": digest}
    monkeypatch.setenv("PLACE", str(tmp_path))
    assert first_weights("${PLACE}/start.safetensors")["initial_weights_sha256"] == digest
    path.unlink()
    assert first_weights(str(path)) == {"initial_weights": "start.safetensors"}
