"""Whether a published figure is reproduced: inside our interval or below it, under the paper's own protocol."""

from __future__ import annotations

from fxdet.evaluation.estimate import Estimate
from fxdet.evaluation.paper_checks import place_of
from fxdet.pages.paper_results import RELEASED_PARTS, PaperTable, Seeds, published_of
from fxdet.pages.sources import NOT_MEASURED
from fxdet.training.paper_config import PaperRow


def verdict(found: PaperTable, row: PaperRow, name: str) -> str:
    """Return the verdict on a published figure.

    Where the paper's own protocol was not run, the text says so and tells where the figure lies on the released parts.

    Args:
        found: The paper's results.
        row: The row.
        name: Name of the figure.
    """
    own = found.of(row, found.published_protocol)
    if own.results or found.published_protocol == RELEASED_PARTS:
        return _judged(row, name, own)
    told = _judged(row, name, found.of(row, RELEASED_PARTS))
    if told == NOT_MEASURED:
        return NOT_MEASURED
    return f"k-fold not run; released parts: {told}"


def _judged(row: PaperRow, name: str, seeds: Seeds) -> str:
    known, ours = published_of(row), seeds.figure(name)
    if known is None or name not in known.figures or ours is None:
        return NOT_MEASURED
    place = place_of(known.figures[name], ours)
    if place == "undefined":
        return NOT_MEASURED
    if place == "above":
        said = ["**not reproduced**: published lies above", *_reasons(row, seeds)]
    else:
        said = ["reproduced" if place == "inside" else "reproduced, ours lies above", *_stamps(seeds)]
    return "; ".join([*said, *_earlier(seeds, name)])


def _reasons(row: PaperRow, seeds: Seeds) -> list[str]:
    """Return what may explain a figure below the published one."""
    fault = row.fault != "none"
    told = row.description or ("shows a published fault on purpose" if fault else "")
    scratch = row.initial_weights != "none" and any(item["initial_weights"] == "none" for item in seeds.results)
    return [*([told[0].lower() + told[1:]] if told else []), *(["from scratch"] if scratch else []), *_stamps(seeds)]


def _stamps(seeds: Seeds) -> list[str]:
    return ["reduced"] if seeds.reduced else []


def _earlier(seeds: Seeds, name: str) -> list[str]:
    """Return what results said that these replace: the verdict is then not that of the first look."""
    before = [item for result in seeds.results for item in result.get("earlier", ())]
    if name != "accuracy" or not before:
        return []
    told = (
        f"{Estimate.from_json(item['accuracy']).short}{' from scratch' if item['initial_weights'] == 'none' else ''}"
        for item in before
    )
    return [f"an earlier run had {', then '.join(told)}"]
