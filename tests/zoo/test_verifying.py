"""Weights against cards: hash, names and shapes; and what a card says, as rows."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file, save_file

from fxdet.core.errors import ModelError
from fxdet.zoo import verifying
from fxdet.zoo.cards import read_card, seal_card, write_card
from fxdet.zoo.catalogue import find_row
from fxdet.zoo.verifying import differs_from_catalogue, verify_model, verify_place, verify_row
from fxdet.zoo.weights import write_half


@pytest.fixture
def folder(tiny_pipeline, tmp_path):
    """A copy of the tiny pipeline that a test may spoil."""
    return shutil.copytree(tiny_pipeline, tmp_path / "pipeline")


def test_a_sound_pipeline_fits(folder):
    found = verify_place(folder)
    assert [(item.name, item.problem) for item in found] == [
        ("random", ""), ("yolov8n.random", ""), ("mobilenetv3_small_050.random", ""),
    ]  # fmt: skip
    assert found[1].tensors == len(load_file(folder / "localizer.safetensors"))
    assert found[1].size == (folder / "localizer.safetensors").stat().st_size


def test_one_changed_byte_is_found_and_the_expected_hash_named(folder):
    card = read_card(folder / "classifier.json")
    data = bytearray((folder / card.weights).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / card.weights).write_bytes(data)
    pipeline, localizer, classifier = verify_place(folder)
    assert (pipeline.problem, localizer.problem) == ("", "")
    assert f"expected {card.sha256[:12]}…" in classifier.problem


@pytest.mark.parametrize("what", ["missing", "foreign", "other shape"])
def test_tensors_that_do_not_fit_are_named_although_the_hash_fits(folder, what):
    path = folder / "classifier.safetensors"
    state = load_file(path)
    first = sorted(state)[0]
    if what == "missing":
        del state[first]
    elif what == "foreign":
        state["not.ours"] = state[first].clone()
    else:
        state[first] = state[first].repeat(2, *[1] * (state[first].dim() - 1))
    save_file(state, path)
    write_card(folder / "classifier.json", seal_card(read_card(folder / "classifier.json"), folder))
    found = verify_model(folder / "classifier.json")
    assert (
        f"1 tensors do not fit mobilenetv3_small_050, the first is '{first if what != 'foreign' else 'not.ours'}'"
        in (found.problem)
    )


def test_missing_weights_and_wrong_cards_are_findings(folder):
    (folder / "localizer.safetensors").unlink()
    (folder / "classifier.json").write_text("{", "utf-8")
    _, localizer, classifier = verify_place(folder)
    assert "No such file" in localizer.problem
    assert "no valid JSON" in classifier.problem


def test_what_is_no_model_is_an_error(tmp_path):
    with pytest.raises(ModelError, match=r"expected card.json or pipeline.json"):
        verify_place(tmp_path)
    with pytest.raises(ModelError, match="not trained yet, so no weights are here"):
        verify_row(find_row("resnet10t.drawn"))


def test_a_shipped_row_is_held_against_its_hash():
    row = find_row("mobilenetv2_100.builtin")
    assert [item.problem for item in verify_row(row)] == [""]
    assert "expected 0000" in verify_row(replace(row, sha256="0" * 64))[0].problem
    assert "expected 0000" in verify_row(replace(find_row("fast"), sha256="0" * 64))[0].problem


def test_another_training_of_a_known_name_is_noticed(folder, monkeypatch):
    found = verify_model(folder / "classifier.json")
    assert not differs_from_catalogue(found)
    row = replace(find_row("mobilenetv2_100.builtin"), name=found.name)
    monkeypatch.setattr(verifying, "known_row", lambda name: row)
    assert differs_from_catalogue(found)


def test_half_width(folder, tmp_path):
    import torch

    path = folder / "classifier.safetensors"
    write_half(path, tmp_path / "half.safetensors", "a.b")
    before, after = load_file(path), load_file(tmp_path / "half.safetensors")
    assert before.keys() == after.keys()
    for name, value in before.items():
        expected = value.half() if value.is_floating_point() else value
        assert after[name].dtype == expected.dtype
        assert torch.equal(after[name], expected)
    header = (tmp_path / "half.safetensors").read_bytes()
    assert json.loads(header[8 : 8 + int.from_bytes(header[:8], "little")])["__metadata__"] == {"name": "a.b"}


def test_numbers_too_large_for_half_width_are_refused(tmp_path):
    import torch

    save_file({"fine": torch.ones(2), "large": torch.tensor([1.0, -70000.0])}, tmp_path / "x.safetensors")
    with pytest.raises(ModelError, match=r"tensor 'large' – got 70000, expected at most 65504"):
        write_half(tmp_path / "x.safetensors", tmp_path / "y.safetensors", "a.b")
    assert not (tmp_path / "y.safetensors").exists()
