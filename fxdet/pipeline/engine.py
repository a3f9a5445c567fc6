"""A run over any number of files in constant memory: threads read ahead, one thread computes, threads draw.

::

    sources ──▶ readers (a window of files, in order) ──▶ batches ──▶ pipeline ──▶ text results, in order
                                                                              └──▶ sink (overlays)

At most ``2 × batch_size`` decoded radiographs wait before the pipeline and as many after it; with large pictures fewer,
as a budget of pixels allows, and a batch closes early by the same budget. So neither the length of the folder nor the
size of its pictures moves the memory by much.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from fxdet.core.errors import FxdetError
from fxdet.core.findings import Report
from fxdet.core.labels import Decision
from fxdet.core.objects import Radiograph
from fxdet.imaging.reading import open_radiograph
from fxdet.pipeline.api import Analysis, Pipeline, failed
from fxdet.pipeline.records import Records
from fxdet.pipeline.sources import Source

PIXEL_BUDGET = 48_000_000
"""Pixels that may wait at one place: sixteen pictures of 3 million, two of 24 million."""

Sink = Callable[[Analysis, Path], None]
"""Writes one picture of an analysis to a path; called in a writer thread."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is carried out; nothing here changes a result.

    Attributes:
        batch_size: Most radiographs per pass through the networks.
        readers: Threads that decode ahead.
        writers: Threads that draw and write pictures.
        overlays: Which radiographs get a picture: ``all``, ``findings``, ``none``.
    """

    batch_size: int = 16
    readers: int = 2
    writers: int = 2
    overlays: str = "all"

    def __post_init__(self) -> None:
        for name in ("batch_size", "readers", "writers"):
            if getattr(self, name) < 1:
                raise ValueError(f"RunOptions.{name}: got {getattr(self, name)}, expected at least 1")
        if self.overlays not in ("all", "findings", "none"):
            raise ValueError(f"RunOptions.overlays: got {self.overlays!r}, expected 'all', 'findings' or 'none'")


@dataclass(slots=True)
class Tally:
    """What a run has done so far.

    Attributes:
        read: Radiographs analysed.
        failed: Files that could not be read or analysed.
        fractures, doubts: Radiographs with that decision.
        findings: Findings with the decision ``fracture``.
        warned: Radiographs with a warning.
        stopped: Whether the run was stopped before its end.
        regions: Region → decision → radiographs.
    """

    read: int = 0
    failed: int = 0
    fractures: int = 0
    doubts: int = 0
    findings: int = 0
    warned: int = 0
    stopped: bool = False
    regions: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, report: Report) -> None:
        """Add one report."""
        if report.error is not None:
            self.failed += 1
            return
        self.read += 1
        self.fractures += report.decision is Decision.FRACTURE
        self.doubts += report.decision is Decision.DOUBT
        self.findings += sum(finding.decision is Decision.FRACTURE for finding in report.findings)
        self.warned += bool(report.warnings)
        self.regions.setdefault(report.region or "unknown", Counter())[report.decision.value] += 1


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """One source with what reading it gave: a radiograph, or the report of the failure."""

    source: Source
    outcome: Radiograph | Report


class Run:
    """One pass of a pipeline over sources, with its results in a folder."""

    def __init__(self, pipeline: Pipeline, folder: Path, options: RunOptions, sink: Sink | None = None) -> None:
        self.pipeline = pipeline
        self.folder = folder
        self.options = options
        self.sink = sink if options.overlays != "none" else None
        self.tally = Tally()
        self._window = options.readers
        self._names: set[int] = set()
        self._drawing: deque[Future[None]] = deque()

    def process(
        self,
        sources: Iterable[Source],
        on_report: Callable[[Report], None] = lambda report: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Tally:
        """Analyse all sources; every result is on disk, whole and in order, before the next batch begins.

        Args:
            sources: The files; taken one by one as the work goes on.
            on_report: Called after each report is written.
            should_stop: Asked between batches; True ends the run cleanly.

        Returns:
            The tally.

        Raises:
            OutputError: Results can't be written.
        """
        with ExitStack() as stack:
            records = Records.start(self.folder)
            stack.callback(records.close)
            writers = stack.enter_context(ThreadPoolExecutor(self.options.writers, "fxdet-write"))
            readers = ThreadPoolExecutor(self.options.readers, "fxdet-read")
            stack.callback(readers.shutdown, cancel_futures=True)
            for batch in self._batches(self._read_ahead(sources, readers)):
                for item, analysis in zip(batch, self._analyse(batch), strict=True):
                    self._keep(item.source, analysis, records, writers)
                    on_report(analysis.report)
                if should_stop():
                    self.tally.stopped = True
                    break
            while self._drawing:
                self._drawing.popleft().result()
        return self.tally

    def _read_ahead(self, sources: Iterable[Source], readers: ThreadPoolExecutor) -> Iterator[_Read]:
        """Yield what was read, in order, while the threads are up to two batches ahead."""
        waiting: deque[Future[_Read]] = deque()
        for source in sources:
            waiting.append(readers.submit(_read, source))
            while len(waiting) >= self._window:
                yield self._measured(waiting.popleft().result())
        while waiting:
            yield waiting.popleft().result()

    def _measured(self, item: _Read) -> _Read:
        """Set how many pictures may wait from the size of this one: neighbours in a folder are alike."""
        if isinstance(item.outcome, Radiograph):
            affordable = PIXEL_BUDGET // item.outcome.pixels.size
            self._window = max(self.options.readers, min(2 * self.options.batch_size, affordable))
        return item

    def _batches(self, items: Iterator[_Read]) -> Iterator[list[_Read]]:
        batch: list[_Read] = []
        pixels = 0
        for item in items:
            batch.append(item)
            pixels += item.outcome.pixels.size if isinstance(item.outcome, Radiograph) else 0
            if len(batch) >= self.options.batch_size or pixels >= PIXEL_BUDGET:
                yield batch
                batch, pixels = [], 0
        if batch:
            yield batch

    def _analyse(self, batch: list[_Read]) -> list[Analysis]:
        readable = [item.outcome for item in batch if isinstance(item.outcome, Radiograph)]
        analysed = iter(analyse_each(self.pipeline, readable))
        return [Analysis(item.outcome) if isinstance(item.outcome, Report) else next(analysed) for item in batch]

    def _keep(self, source: Source, analysis: Analysis, records: Records, writers: ThreadPoolExecutor) -> None:
        overlay = self._overlay_name(source, analysis)
        if overlay and self.sink is not None:
            while len(self._drawing) >= self._window:
                self._drawing.popleft().result()
            self._drawing.append(writers.submit(self.sink, analysis, self.folder / overlay))
        records.add(analysis.report, overlay)
        self.tally.count(analysis.report)

    def _overlay_name(self, source: Source, analysis: Analysis) -> str:
        report = analysis.report
        if self.sink is None or report.error is not None:
            return ""
        decisions = [report.decision, *(finding.decision for finding in report.findings)]
        if self.options.overlays == "findings" and all(decision is Decision.NONE for decision in decisions):
            return ""
        return unique_overlay_name(source.name, self._names)


def analyse_each(pipeline: Pipeline, radiographs: list[Radiograph]) -> list[Analysis]:
    """Analyse a batch; where that fails, one by one, so that one odd radiograph costs only its own result."""
    try:
        return pipeline.analyse(radiographs)
    except Exception as error:  # whatever a network or a codec throws must not end a run over a folder
        if len(radiographs) == 1:
            _log.debug("%s could not be analysed", radiographs[0].source, exc_info=True)
            return [Analysis(replace(failed(radiographs[0].source, error), sha256=radiographs[0].sha256))]
        return [analysis for radiograph in radiographs for analysis in analyse_each(pipeline, [radiograph])]


def unique_overlay_name(name: str, taken: set[int]) -> str:
    """Return where a source's overlay goes below the output folder; no two sources share one.

    Args:
        name: The source's relative name.
        taken: Hashes of the names given so far (numbers, since a run may have millions); gets the new one.

    Example:
        >>> taken = set()
        >>> unique_overlay_name("a/b.png", taken), unique_overlay_name("a/b.tif", taken)
        ('overlays/a/b.jpg', 'overlays/a/b-2.jpg')
    """
    parts = [part for part in name.split("/") if part not in ("", ".", "..")] or ["radiograph"]
    # 255 bytes is what file systems take; the rest is for the number, the suffix and the temporary file's name.
    folders = [f"{part}_" if part.lower().endswith(".jpg") else part for part in parts[:-1]]
    stem = parts[-1].rpartition(".")[0] or parts[-1]
    stem = stem.encode("utf-8", "surrogateescape")[:200].decode("utf-8", "surrogateescape")
    number = 1
    while True:
        mark = "" if number == 1 else f"-{number}"
        path = "/".join(["overlays", *folders, f"{stem}{mark}.jpg"])
        if hash(path.casefold()) not in taken:
            taken.add(hash(path.casefold()))
            return path
        number += 1


def _read(source: Source) -> _Read:
    try:
        return _Read(source, open_radiograph(source.path))
    except FxdetError as error:
        return _Read(source, failed(str(source.path), error))
    except Exception as error:  # a decoder's surprise is this file's failure, not the run's
        _log.debug("%s could not be read", source.path, exc_info=True)
        return _Read(source, failed(str(source.path), error))
