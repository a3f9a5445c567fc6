"""Trials of views and localizers: the same figures as a fused localizer gives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from fxdet.core.errors import ConfigError
from fxdet.core.objects import Radiograph
from fxdet.core.protocols import FakeLocalizer, Located
from fxdet.data.samples import BoxLabel, Sample
from fxdet.localize.views import FusedLocalizer, FusionOptions
from fxdet.pipeline.measuring import MeasureOptions, measure_localizer
from fxdet.pipeline.view_trials import ViewTrial, run_trials

OPTIONS = MeasureOptions(samples=20)


class Uneven:
    """Finds a box on the side of the picture that is brighter, with a score that depends on the picture."""

    def __init__(self, name: str, share: float) -> None:
        self.name, self.share, self.seen = name, share, 0

    def locate(self, radiographs: Sequence[Radiograph]) -> list[Located]:
        found = []
        for radiograph in radiographs:
            self.seen += 1
            left, right = (float(half.mean()) for half in np.array_split(radiograph.pixels, 2, axis=1))
            box = (0.1, 0.1, 0.4, 0.5) if left > right else (0.6, 0.1, 0.9, 0.5 + 0.1 * self.share)
            fake = FakeLocalizer(fracture=box, region=None, score=0.2 + self.share * left / 255)
            found += fake.locate([radiograph])
        return found


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    generator, found = np.random.default_rng(3), []
    for index in range(12):
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), generator.integers(0, 255, (60, 80), dtype=np.uint8))
        boxes = (BoxLabel((8, 6, 32, 30), "fracture"),) if index % 2 else ()
        found.append(Sample(path, str(index), f"g{index}", fractured=bool(boxes), boxes=boxes))
    return found


def test_a_trial_measures_what_the_fused_localizer_gives(samples: list[Sample]) -> None:
    networks = {name: Uneven(name, share) for name, share in (("a", 0.3), ("b", 0.7))}
    texts = ("a", "b, mirrored", "a + b", "b + a, mirrored, 3:1")
    found = run_trials(networks, samples, map(ViewTrial.parse, texts), OPTIONS)
    assert tuple(found) == texts
    assert all(network.seen == 2 * len(samples) for network in networks.values())  # both views, once
    for text, figures in found.items():
        trial = ViewTrial.parse(text)
        chosen = [networks[name] for name in trial.localizers]
        whole = FusedLocalizer(chosen, FusionOptions(trial.mirrored, weights=trial.weights))
        expected = measure_localizer(chosen[0] if text == "a" else whole, samples, OPTIONS)
        assert {f"detector_{name}": figures[name] for name in ("ap50", "ap50_95")} == expected
        assert 0 <= figures["auroc_best_score"]["value"] <= 1
    fractured = run_trials(networks, samples[1::2], [ViewTrial(("a",))], OPTIONS)["a"]
    assert "auroc_best_score" not in fractured


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a + a", "each once"),
        ("a, 1:2", "one above 0 for each of 1"),
        ("a + b, 0:1", "one above 0"),
        ("a, sideways", "expected 'mirrored' or weights"),
        ("c", "got localizer 'c'"),
    ],
)
def test_a_wrong_trial_is_one_clear_line(samples: list[Sample], text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        run_trials({"a": Uneven("a", 0.3), "b": Uneven("b", 0.7)}, samples, [ViewTrial.parse(text)], OPTIONS)
