"""From two run folders to a pipeline folder that can be shipped: cards, half-width weights, fitted pipeline card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from fxdet.core.files import sha256_file, write_json_lines
from fxdet.core.findings import Report
from fxdet.data.samples import Sample
from fxdet.pipeline.api import Pipeline, PipelineOptions
from fxdet.pipeline.fitting import FitOptions, fit_pipeline, pair_reports
from fxdet.pipeline.loading import load_pipeline
from fxdet.zoo.cards import PIPELINE_NAME, ModelCard, PipelineCard, read_card, write_card
from fxdet.zoo.weights import write_half

REGION_HEAD = "region"
"""The only head of a region classifier that is used."""


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """What a pipeline is made of.

    Attributes:
        name: Name of the pipeline.
        localizer, classifier: Run folders or cards.
        folder: Where it is written.
        candidate_floor: Localizer score below which candidates are left out, 0–1.
        localizer_size: Longest side of the localizer's input, px, where another one than in training does better on
            validation; None keeps the card's.
        description: One line on what it is for.
        ensemble: Run folders or cards of further localizers.
        region_classifier: Run folder or card of a classifier that names the region of whole radiographs.
        mirrored: Whether localizers also look at the mirrored radiograph.
        localizer_weights: How much each localizer counts where boxes are fused, the first's and then the further ones';
            empty counts all alike.
        region_of_candidates: See :class:`~fxdet.zoo.cards.PipelineCard`.
        batch_size: Radiographs at a time.
    """

    name: str
    localizer: Path
    classifier: Path
    folder: Path
    candidate_floor: float = 0.05
    localizer_size: int | None = None
    description: str = ""
    ensemble: tuple[Path, ...] = ()
    region_classifier: Path | None = None
    mirrored: bool = False
    localizer_weights: tuple[float, ...] = ()
    region_of_candidates: float = 0.0
    batch_size: int = 16


def build_pipeline(
    options: BuildOptions,
    samples: Sequence[Sample],
    fit: FitOptions | None = None,
    more: Sequence[Sample] = (),
) -> PipelineCard:
    """Pack both models, run them over a validation part, and fit fusion and operating points on the reports.

    Args:
        options: What the pipeline is made of.
        samples: The validation part.
        fit: Overlaps, targets and penalty.
        more: Validation parts of other sets. The fusion fits all of them; the operating points are chosen on
            ``samples`` alone.

    The reports stay in ``validation.jsonl`` of the folder's parent, so that the fit can be looked into.

    Raises:
        DataError, ModelError, ReadError, OutputError: See the message.
    """
    size = options.localizer_size
    card = PipelineCard(
        options.name,
        localizer=pack_model(options.localizer, options.folder, size),
        classifier=pack_model(options.classifier, options.folder),
        ensemble=tuple(pack_model(place, options.folder, size) for place in options.ensemble),
        region_classifier=pack_model(options.region_classifier, options.folder) if options.region_classifier else "",
        mirrored=options.mirrored,
        localizer_weights=options.localizer_weights,
        candidate_floor=options.candidate_floor,
        region_of_candidates=options.region_of_candidates,
        description=options.description,
    )
    write_card(options.folder / PIPELINE_NAME, card)
    _mark_unused_heads(options, card)
    pipeline = load_pipeline(options.folder, options=PipelineOptions(crosscheck=False))
    reports = list(run_over(pipeline, [*samples, *more], options.batch_size))
    write_json_lines(options.folder.parent / f"{options.name}_validation.jsonl", (item.to_json() for item in reports))
    own, others = reports[: len(samples)], reports[len(samples) :]
    pairs = pair_reports(own, samples)
    fitted = fit_pipeline(card, [*pairs, *pair_reports(others, more)], fit, chosen_on=pairs)
    write_card(options.folder / PIPELINE_NAME, fitted)
    return fitted


def _mark_unused_heads(options: BuildOptions, card: PipelineCard) -> None:
    """Say on the region classifier's card that no other head of it is used, unless it is the classifier, too."""
    if not card.region_classifier or card.region_classifier == card.classifier:
        return
    path = options.folder / card.region_classifier
    regions = read_card(path)
    write_card(path, replace(regions, unused_heads=tuple(head for head in regions.heads if head != REGION_HEAD)))


def run_over(pipeline: Pipeline, samples: Sequence[Sample], batch_size: int) -> Iterator[Report]:
    """Yield a report per sample, in order."""
    for start in range(0, len(samples), batch_size):
        yield from pipeline.batch([sample.path for sample in samples[start : start + batch_size]])


def pack_model(place: Path, folder: Path, input_size: int | None = None) -> str:
    """Copy a model into a folder with weights of half width, and another input size if given; return the card's name.

    Scores move by less than 1e-3; the figures of the shipped pipeline are measured with these weights.
    """
    card = _at_size(read_card(place), input_size)
    source = (place if place.is_dir() else place.parent) / card.weights
    packed = replace(card, weights=f"{card.full_name}.safetensors")
    write_half(source, folder / packed.weights, card.full_name)
    file_name = f"{card.full_name}.json"
    write_card(folder / file_name, replace(packed, sha256=sha256_file(folder / packed.weights)))
    return file_name


def _at_size(card: ModelCard, input_size: int | None) -> ModelCard:
    """Return the card with another input size; its validation figures then say at which one they were measured."""
    if input_size in (None, card.input_size):
        return card
    figures = dict(card.figures)
    if "validation" in figures:
        figures["validation"] = {"input_size": card.input_size, **figures["validation"]}
    return replace(card, input_size=input_size, figures=figures)
