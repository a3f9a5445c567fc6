"""Classifiers side by side, against scikit-learn and a count by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from fxdet.core.labels import PAPER_REGIONS
from fxdet.data.samples import Sample
from fxdet.imaging.reading import open_radiograph
from fxdet.pipeline.classifier_comparison import compare_classifiers
from fxdet.pipeline.measuring import MeasureOptions
from fxdet.zoo.hub import load_classifier


@pytest.fixture
def samples(tmp_path: Path) -> list[Sample]:
    generator, found = np.random.default_rng(5), []
    for index in range(20):
        path = tmp_path / f"{index}.png"
        cv2.imwrite(str(path), generator.integers(0, 40 + 10 * index, (50, 70), dtype=np.uint8))
        # One region, several, none, and one that is none of the six.
        regions = ({PAPER_REGIONS[index % 6]}, {"wrist", "fingers"}, set(), {"hip"})[index % 4]
        found.append(Sample(path, str(index), fractured=(True, False, None)[index % 3], regions=frozenset(regions)))
    return found


def test_figures_by_another_way(tiny_pipeline: Path, samples: list[Sample]) -> None:
    classifier = load_classifier(tiny_pipeline / "classifier.json")
    found = compare_classifiers({"tiny": classifier}, samples, MeasureOptions(samples=20))["tiny"]
    scores = [classifier.classify(classifier.preprocess.whole(open_radiograph(sample.path))) for sample in samples]
    fracture = np.array([score.probability("fracture")[0, 1] for score in scores])
    known = [row for row, sample in enumerate(samples) if sample.fractured is not None]
    area = roc_auc_score([samples[row].fractured for row in known], fracture[known])
    assert found["auroc"]["value"] == pytest.approx(area, abs=5e-5)
    assert found["auroc"]["n"] == len(known)
    labels = scores[0].labels["region"]
    right = [
        max(PAPER_REGIONS, key=lambda name, row=row: scores[row].probability("region")[0, labels.index(name)])
        in samples[row].regions
        for row in range(0, 20, 4)
    ]
    assert (found["region_top1_of_6"]["value"], found["region_top1_of_6"]["n"]) == (sum(right) / 5, 5)


def test_a_figure_without_labels_is_left_out(tiny_pipeline: Path, samples: list[Sample]) -> None:
    classifier = load_classifier(tiny_pipeline / "classifier.json")
    fractured = [sample for sample in samples if sample.fractured and len(sample.regions) != 1]
    assert compare_classifiers({"tiny": classifier}, fractured, MeasureOptions(samples=20)) == {"tiny": {}}
