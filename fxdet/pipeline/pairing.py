"""Which prediction belongs to which sample; what is missing, unknown, doubled or unreadable."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from fxdet.core.errors import DataError
from fxdet.core.findings import Report
from fxdet.data.samples import Sample

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


def pair_predictions(
    reports: Sequence[Report], members: Sequence[Sample], everything: Sequence[Sample], options: PairingOptions
) -> Paired:
    """Pair each sample with its prediction.

    A prediction fits by the file's resolved path, else by the end of its path (the name within the set), else by file
    name, else by file name without ending. Several samples of one file (a picture published under several names) share
    its prediction; it may be there under each name if all say the same.

    Args:
        reports: The predictions.
        members: Samples that are evaluated.
        everything: All samples of the set: predictions of the others are known, and not evaluated.
        options: What may be incomplete.

    Raises:
        DataError: Two predictions fit one picture, one prediction fits several pictures, a prediction fits none, or a
            sample has none.
    """
    index = _SampleIndex(everything)
    found: dict[str, Report] = {}
    unknown = []
    for report in reports:
        key = index.find(report.source)
        if key is None:
            unknown.append(report.source)
        elif key in found and not _says_the_same(found[key], report):
            both = f"{found[key].source} and {report.source}" if found[key].source != report.source else report.source
            raise DataError(f"predictions: {both}: the same radiograph is predicted twice – keep one of them")
        else:
            found.setdefault(key, report)
    if unknown and not options.allow_unknown:
        what = f"{len(unknown):,} of {len(reports):,} are of no picture of the set"
        raise DataError(f"predictions: {what}: {_some(unknown)} – name the set they are of, or pass --allow-unknown")
    return _paired(found, members, index, tuple(unknown), options)


def _paired(
    found: Mapping[str, Report],
    members: Sequence[Sample],
    index: _SampleIndex,
    unknown: tuple[str, ...],
    options: PairingOptions,
) -> Paired:
    pairs, missing, failed, used = [], [], [], set()
    for sample in members:
        key = index.key(sample.path)
        report = found.get(key)
        used.add(key)
        if report is None:
            missing.append(sample.name)
        elif report.error is not None:
            failed.append(sample.name)
        else:
            pairs.append((report, sample))
    if missing and not options.allow_missing:
        what = f"{len(missing):,} of {len(members):,} radiographs have none"
        raise DataError(f"predictions: {what}: {_some(missing)} – predict them, or pass --allow-missing")
    return Paired(tuple(pairs), tuple(missing), tuple(failed), unknown, len(set(found) - used))


def _says_the_same(first: Report, second: Report) -> bool:
    """Return whether two predictions are of one file under two names, and differ in nothing else."""
    if first.source == second.source:
        return False
    return replace(first, source="", elapsed_ms={}) == replace(second, source="", elapsed_ms={})


class _SampleIndex:
    """Finds a sample's file by what a prediction calls it."""

    def __init__(self, samples: Iterable[Sample]) -> None:
        self.paths: set[str] = set()
        self.names: dict[str, set[str]] = {}
        self.files: dict[str, set[str]] = {}
        self.stems: dict[str, set[str]] = {}
        self._folders: dict[Path, Path] = {}
        for sample in samples:
            key = self.key(sample.path)
            self.paths.add(key)
            for name in (sample.name, sample.path.as_posix()):
                self.names.setdefault(name, set()).add(key)
                self.files.setdefault(PurePosixPath(name).name, set()).add(key)
                self.stems.setdefault(PurePosixPath(name).stem, set()).add(key)

    def key(self, path: Path) -> str:
        """Return what two spellings of one file have in common; each folder is resolved once."""
        if path.parent not in self._folders:
            self._folders[path.parent] = path.parent.resolve()
        return str(self._folders[path.parent] / path.name)

    def find(self, source: str) -> str | None:
        """Return the key of the file that a source names, or None.

        Raises:
            DataError: Several files fit.
        """
        key = self.key(Path(source))
        if key in self.paths:
            return key
        parts = PurePosixPath(source.replace("\\", "/")).parts
        tails = ["/".join(parts[start:]) for start in range(len(parts))]
        for fits in (
            *(self.names.get(tail, set()) for tail in tails),
            self.files.get(tails[-1] if tails else "", set()),
            self.stems.get(tails[-1] if tails else "", set()),
        ):
            if len(fits) > 1:
                first, second = sorted(fits)[:2]
                raise DataError(f"predictions: {source} fits both {first} and {second} – name it by path below the set")
            if fits:
                return next(iter(fits))
        return None


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
