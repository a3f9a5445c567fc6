#!/usr/bin/env python
"""Draw docs/images/two_stages.png: what each step of the built-in pipeline does with one drawn radiograph."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

# A checkout that is not installed works, too.
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fxdet.classify.cam import attention_maps
from fxdet.core.files import atomic_write
from fxdet.core.objects import Crops, Radiograph
from fxdet.core.protocols import Located
from fxdet.imaging.geometry import apply_affine, invert_affine
from fxdet.imaging.reading import radiograph_from_array
from fxdet.imaging.synthetic import DrawingOptions, draw_radiograph
from fxdet.pipeline.api import Pipeline
from fxdet.pipeline.loading import load_pipeline
from fxdet.pipeline.stages import cut_crops, keep_candidates, take_crops

FIGURE = Path(__file__).resolve().parents[1] / "docs" / "images" / "two_stages.png"
RED, BLUE, INK, PAPER = "#ff5e3a", "#56b4e9", "#1d2a32", "#ffffff"


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """One radiograph on its way: candidates, the best one's crop (1, S, S) and the attention on it (S, S)."""

    radiograph: Radiograph
    located: Located
    crop: Crops
    attention: NDArray[np.float32]
    detector_score: float
    classifier_probability: float
    probability: float
    verdict: str


def follow(pipeline: Pipeline, radiograph: Radiograph) -> Steps:
    """Return what each step makes of a radiograph with at least one candidate."""
    located = keep_candidates(pipeline.localizer.locate([radiograph])[0], pipeline.card)
    crops, rows = cut_crops(radiograph, located, pipeline.preprocess)
    finding = pipeline(radiograph).findings[0]
    boxes = located.fractures.xyxy
    index = int(np.abs(boxes - np.asarray(finding.box)).sum(axis=1).argmin())
    crop = take_crops(crops, [rows.candidates.start + index])
    labels: Any = pipeline.classifier
    attention = attention_maps(labels, crop, "fracture", labels.labels["fracture"].index("fractured"))[0]
    verdict = finding.crosscheck.verdict.value if finding.crosscheck else "not checked"
    scores = (finding.detector_score, float(finding.classifier_probability or 0), finding.probability)
    return Steps(radiograph, located, crop, attention, *scores, verdict)


def draw(steps: Steps) -> plt.Figure:
    """Draw the four steps beside each other."""
    figure, places = plt.subplots(1, 4, figsize=(16, 5.6), facecolor=PAPER, gridspec_kw={"wspace": 0.06})
    for place, title in zip(places, ("1  Read", "2  Locate", "3  Classify", "4  Cross-check"), strict=True):
        place.set_title(title, fontsize=25, color=INK, loc="left", fontweight="bold", pad=12)
        place.set_axis_off()
    for place in places[:2]:
        place.imshow(steps.radiograph.pixels, cmap="gray", vmin=0, vmax=255)
    for place in places[2:]:
        place.imshow(steps.crop.pixels[0], cmap="gray", vmin=0, vmax=1)
    places[3].imshow(steps.attention, cmap="inferno", alpha=0.55 * steps.attention)
    found = steps.located
    for boxes, colour in ((found.regions.xyxy[:1], BLUE), (found.fractures.xyxy, RED)):
        for box in boxes:
            _box(places[1], box, colour)
    inside = apply_affine(invert_affine(steps.crop.to_image[0]), _best(steps).reshape(2, 2)).reshape(4)
    _box(places[3], inside, RED)
    _caption(places[0], "one grey channel,\nbone bright")
    _caption(places[1], f"bone (blue); candidate\n(red), score {steps.detector_score:.2f}")
    _caption(places[2], f"crop of the candidate,\nfractured: {steps.classifier_probability:.2f}")
    _caption(places[3], f"attention {steps.verdict};\nboth stages: {steps.probability:.2f}")
    return figure


def _best(steps: Steps) -> NDArray[np.float64]:
    x1, y1, x2, y2 = np.asarray(steps.crop.box[0], dtype=np.float64)
    centre = np.array([x1 + x2, y1 + y2]) / 2
    boxes = np.asarray(steps.located.fractures.xyxy, dtype=np.float64)
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    nearest: NDArray[np.float64] = boxes[np.abs(middles - centre).sum(axis=1).argmin()]
    return nearest


def _box(place: Axes, box: NDArray[Any], colour: str) -> None:
    x1, y1, x2, y2 = (float(value) for value in box)
    for width, ink in ((5, "black"), (3, colour)):
        place.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=ink, linewidth=width))


def _caption(place: Axes, text: str) -> None:
    place.text(0, -0.03, text, transform=place.transAxes, fontsize=19, color=INK, va="top", linespacing=1.35)


@click.command()
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0), help="Same seed, same drawing.")
@click.option("--region", default="forearm", show_default=True, help="What is drawn.")
@click.option(
    "-o", "--output", default=FIGURE, show_default="docs/images/two_stages.png", type=click.Path(path_type=Path)
)
def main(seed: int, region: str, output: Path) -> None:
    """Run the built-in pipeline on one drawn radiograph and show each step."""
    options = DrawingOptions(size=(512, 512), region=region, fractured=True, collimation_share=0, marker_share=0)
    drawn = draw_radiograph(np.random.default_rng(seed), options)
    steps = follow(load_pipeline(), radiograph_from_array(drawn.pixels))
    with atomic_write(output, "wb") as handle:
        draw(steps).savefig(handle, format="png", dpi=100, bbox_inches="tight", pad_inches=0.25)
    click.echo(f"{output}: finding {steps.probability:.2f}, attention {steps.verdict}")


if __name__ == "__main__":
    main()
