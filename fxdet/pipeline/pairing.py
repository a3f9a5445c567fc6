"""Which prediction belongs to which sample; what is missing, unknown, doubled or unreadable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from fxdet.core.errors import DataError
from fxdet.core.findings import Report
from fxdet.data.samples import Sample
from fxdet.pipeline.sample_index import SampleIndex

Pair = tuple[Report, Sample]

SHOWN = 3
"""Names that an error message lists."""


@dataclass(frozen=True, slots=True)
class PairingOptions:
    """What may be incomplete.

    Attributes:
        allow_missing: Samples without a prediction are left out and counted, instead of an error.
        allow_unknown: Predictions of pictures outside the set are left out and counted, instead of an error.
    """

    allow_missing: bool = False
    allow_unknown: bool = False


@dataclass(frozen=True, slots=True)
class Paired:
    """Predictions beside their samples.

    Attributes:
        pairs: Report and sample, in the order of the samples.
        missing: Samples that nothing was predicted for.
        failed: Samples whose file could not be read by the pipeline.
        unknown: Sources of predictions that no picture of the set fits.
        elsewhere: Predictions of pictures of the set that are not evaluated here (other parts).
    """

    pairs: tuple[Pair, ...]
    missing: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    elsewhere: int = 0


@dataclass(frozen=True, slots=True)
class Matched:
    """Predictions by the file that they are of.

    Attributes:
        index: Knows the files of the set.
        found: Key of a file → its prediction.
        unknown: Sources of predictions that no picture of the set fits.
    """

    index: SampleIndex
    found: Mapping[str, Report]
    unknown: tuple[str, ...] = ()

    def pairs_of(self, members: Sequence[Sample], allow_missing: bool = False) -> Paired:
        """Return some samples of the set beside their predictions.

        Args:
            members: The samples.
            allow_missing: Samples without a prediction are left out and counted.

        Raises:
            DataError: A sample has no prediction.
        """
        pairs, missing, failed, used = [], [], [], set()
        for sample in members:
            key = self.index.key(sample.path)
            report = self.found.get(key)
            used.add(key)
            if report is None:
                missing.append(sample.name)
            elif report.error is not None:
                failed.append(sample.name)
            else:
                pairs.append((report, sample))
        if missing and not allow_missing:
            what = f"{len(missing):,} of {len(members):,} radiographs have none"
            raise DataError(f"predictions: {what}: {_some(missing)} – predict them, or pass --allow-missing")
        return Paired(tuple(pairs), tuple(missing), tuple(failed), self.unknown, len(set(self.found) - used))


def match_predictions(reports: Sequence[Report], everything: Sequence[Sample], allow_unknown: bool = False) -> Matched:
    """Find the file that each prediction is of.

    A prediction fits by the file's resolved path; else by the end of its path, where folders that both paths have agree
    and the file holds the bytes that the report states; else by these bytes and the file name. Several samples of one
    file (a picture published under several names) share its prediction; it may be there once under each name if all
    say the same. Two spellings of one name are the same radiograph twice.

    Args:
        reports: The predictions.
        everything: All samples of the set.
        allow_unknown: Predictions of other pictures are left out and counted.

    Raises:
        DataError: Two predictions fit one picture, one prediction fits several pictures, or a prediction fits none.
    """
    index, found, unknown = SampleIndex(everything), dict[str, Report](), list[str]()
    taken: dict[str, dict[str, Report]] = {}
    for report in reports:
        key = index.find(report)
        if key is None:
            unknown.append(report.source)
        else:
            _take_name(index.names_of(key, report.source), taken.setdefault(key, {}), found.get(key), report)
            found.setdefault(key, report)
    if unknown and not allow_unknown:
        what = f"{len(unknown):,} of {len(reports):,} are of no picture of the set: {_some(unknown)}"
        near = index.nearest(unknown[0])
        raise DataError(f"predictions: {what}{near and '; '}{near} – name the set they are of, or pass --allow-unknown")
    return Matched(index, found, tuple(unknown))


def pair_predictions(
    reports: Sequence[Report], members: Sequence[Sample], everything: Sequence[Sample], options: PairingOptions
) -> Paired:
    """Pair each sample with its prediction; :func:`match_predictions` says what fits.

    Args:
        reports: The predictions.
        members: Samples that are evaluated.
        everything: All samples of the set: predictions of the others are known, and not evaluated.
        options: What may be incomplete.

    Raises:
        DataError: Predictions do not fit, or a sample has none.
    """
    return match_predictions(reports, everything, options.allow_unknown).pairs_of(members, options.allow_missing)


def _take_name(names: Sequence[str], taken: dict[str, Report], first: Report | None, report: Report) -> None:
    """Give a prediction the next free name of its file.

    Args:
        names: Names of the file that its source may spell.
        taken: Name → prediction, of the same file; the new one is added.
        first: The file's first prediction, or None.
        report: The new one.

    Raises:
        DataError: The file is predicted again under no name of its own, or otherwise.
    """
    free = next((name for name in names if name not in taken), None)
    if first is not None and (free is None or not taken or not _says_the_same(first, report)):
        rival = next((taken[name] for name in names if name in taken), first)
        both = f"{rival.source} and {report.source}" if rival.source != report.source else report.source
        raise DataError(f"predictions: {both}: the same radiograph is predicted twice – keep one of them")
    if free is not None:
        taken[free] = report


def _says_the_same(first: Report, second: Report) -> bool:
    """Return whether two predictions are of one file under two names, and differ in nothing else."""
    if first.source == second.source:
        return False
    return replace(first, source="", elapsed_ms={}) == replace(second, source="", elapsed_ms={})


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
