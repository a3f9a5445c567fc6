"""Find suspected fractures on radiographs: localize, crop, classify, cross-check, report.

>>> import fxdet
>>> pipeline = fxdet.load_pipeline()  # doctest: +SKIP
>>> report = pipeline("elbow.png")  # doctest: +SKIP

Public names load on first use, so that ``import fxdet`` itself takes no torch and no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fxdet._version import __version__

if TYPE_CHECKING:
    from fxdet.core.errors import ConfigError, DataError, FxdetError, ModelError, OutputError, ReadError
    from fxdet.core.findings import CrossCheck, Finding, RegionBox, Report
    from fxdet.core.labels import Decision, LabelMap, Verdict
    from fxdet.core.objects import ClassScores, Crops, Detections, Radiograph
    from fxdet.data.formats import open_samples
    from fxdet.imaging.reading import open_radiograph, radiograph_from_array
    from fxdet.pipeline.api import Pipeline, PipelineOptions
    from fxdet.pipeline.loading import load_pipeline

__all__ = [
    "ClassScores",
    "ConfigError",
    "Crops",
    "CrossCheck",
    "DataError",
    "Decision",
    "Detections",
    "Finding",
    "FxdetError",
    "LabelMap",
    "ModelError",
    "OutputError",
    "Pipeline",
    "PipelineOptions",
    "Radiograph",
    "ReadError",
    "RegionBox",
    "Report",
    "Verdict",
    "__version__",
    "load_pipeline",
    "open_radiograph",
    "open_samples",
    "radiograph_from_array",
]

_PLACES = {
    "fxdet.core.errors": ("ConfigError", "DataError", "FxdetError", "ModelError", "OutputError", "ReadError"),
    "fxdet.core.findings": ("CrossCheck", "Finding", "RegionBox", "Report"),
    "fxdet.core.labels": ("Decision", "LabelMap", "Verdict"),
    "fxdet.core.objects": ("ClassScores", "Crops", "Detections", "Radiograph"),
    "fxdet.data.formats": ("open_samples",),
    "fxdet.imaging.reading": ("open_radiograph", "radiograph_from_array"),
    "fxdet.pipeline.api": ("Pipeline", "PipelineOptions"),
    "fxdet.pipeline.loading": ("load_pipeline",),
}


def __getattr__(name: str) -> Any:
    """Import a public name on first use."""
    for place, names in _PLACES.items():
        if name in names:
            value = getattr(import_module(place), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'fxdet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
