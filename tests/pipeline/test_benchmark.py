"""Costs of networks: operations by hand, the record of a model, and what is kept of earlier measurements."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fxdet.core.protocols import FakeClassifier, FakeLocalizer
from fxdet.imaging.synthetic import draw_set
from fxdet.pipeline.api import Pipeline, as_radiograph
from fxdet.pipeline.benchmark import (
    Network,
    SpeedOptions,
    count_flops,
    measure_pipeline_speed,
    measure_speed,
    model_record,
)
from fxdet.zoo.parameters import parameter_count

ENVIRONMENT = {"processor": "a processor", "packages": {"torch": "2"}}


def test_operations_of_a_convolution_by_hand():
    convolution = torch.nn.Conv2d(3, 8, 3, padding=1, bias=False)
    network = Network(convolution, lambda count: torch.zeros(count, 3, 10, 12))
    # Each of 8 × 10 × 12 outputs takes 3 × 3 × 3 multiplications and as many additions.
    assert count_flops(network) == 8 * 10 * 12 * 27 * 2


def test_speed_is_pictures_by_median_time():
    network = Network(torch.nn.Identity(), lambda count: torch.zeros(count, 3, 4, 4))
    found = measure_speed(network, SpeedOptions(batches=(1, 8), runs=5), "a processor")
    assert [(item.batch, item.runs, item.device, item.processor) for item in found] == [
        (1, 5, "cpu", "a processor"),
        (8, 5, "cpu", "a processor"),
    ]
    for item in found:
        assert item.quartiles[0] <= item.seconds <= item.quartiles[1]
        assert item.threads == torch.get_num_threads()
        assert item.images_per_second == pytest.approx(item.batch / item.seconds, rel=0.5)  # seconds are rounded


@pytest.mark.parametrize("name", ["localizer", "classifier"])
def test_the_record_of_a_model(tiny_pipeline, name):
    record = model_record(tiny_pipeline / f"{name}.json", SpeedOptions(batches=(2,), runs=1), ENVIRONMENT, speed=True)
    assert record["kind"] == name
    assert record["parameters"] == parameter_count(tiny_pipeline / f"{name}.safetensors")
    assert record["bytes"] == (tiny_pipeline / f"{name}.safetensors").stat().st_size
    assert record["input_size"] == {"localizer": 128, "classifier": 64}[name]
    assert 1e6 < record["flops"] < 1e9
    assert [item["batch"] for item in record["speed"]] == [2]


def test_the_speed_of_a_pipeline_counts_radiographs():
    drawn = [as_radiograph(item.pixels) for item in draw_set(np.random.default_rng(0), 3)]
    pipeline = Pipeline(FakeLocalizer(), FakeClassifier())
    (found,) = measure_pipeline_speed(pipeline, drawn, SpeedOptions(batches=(2,), runs=2), "a processor")
    assert (found.batch, found.runs) == (2, 2)
    assert found.images_per_second == pytest.approx(2 / found.seconds, rel=0.01)


@pytest.mark.parametrize("options", [{"runs": 0}, {"batches": ()}, {"batches": (0,)}])
def test_options_must_measure_something(options):
    with pytest.raises(ValueError, match="at least 1"):
        SpeedOptions(**options)
