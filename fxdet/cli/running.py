"""What ``predict`` and ``demo`` share: a run with progress bar, clean Ctrl-C, and the summary at its end."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import click

from fxdet.core.errors import OutputError
from fxdet.core.files import atomic_write
from fxdet.core.text_table import aligned_lines
from fxdet.core.wording import counted

if TYPE_CHECKING:
    from fxdet.core.findings import Report
    from fxdet.pipeline.api import Analysis, Pipeline
    from fxdet.pipeline.engine import RunOptions, Tally
    from fxdet.pipeline.sources import SourceList


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run: its tally, its seconds, and where the results are."""

    tally: Tally
    seconds: float
    folder: Path

    @property
    def exit_code(self) -> int:
        """0 all read, 1 some failed, 130 stopped by Ctrl-C."""
        if self.tally.stopped:
            return 130
        return 1 if self.tally.failed else 0


def check_output(folder: Path) -> None:
    """Make sure that results can be written, before any time is spent.

    Raises:
        OutputError: The folder can't be made or written.
    """
    probe = folder / ".fxdet-write-test"
    try:
        with atomic_write(probe, durable=False) as handle:
            handle.write("")
        probe.unlink()
    except OutputError as error:
        reason = error.__cause__.strerror if isinstance(error.__cause__, OSError) else error
        raise OutputError(f"can't write to output folder {folder}: {reason} – choose another folder") from error


def run_pipeline(pipeline: Pipeline, sources: SourceList, folder: Path, options: RunOptions) -> Outcome:
    """Run a pipeline over sources with a progress bar on stderr; the first Ctrl-C ends it cleanly."""
    from tqdm import tqdm

    from fxdet.pipeline.engine import Run

    for note in pipeline.notes:
        click.echo(f"fxdet: warning: {note}", err=True)
    start = time.monotonic()
    with stop_on_interrupt() as stopped, tqdm(unit="img", disable=None, smoothing=0.1, dynamic_ncols=True) as bar:
        if not bar.disable:
            threading.Thread(target=_count, args=(sources, bar), daemon=True).start()

        lines = ProgressLines(time.monotonic) if bar.disable else None

        def advance(report: Report) -> None:
            bar.update()
            if lines is not None and (line := lines.step()):
                click.echo(line, err=True)

        tally = Run(pipeline, folder, options, draw).process(sources, advance, stopped)
    return Outcome(tally, time.monotonic() - start, folder)


@dataclass(slots=True)
class ProgressLines:
    """What a log gets instead of a progress bar: a line a minute.

    Attributes:
        clock: Tells seconds.
        every: Seconds between two lines.
        done: Radiographs so far.
        start: When the run began.
        last: When the last line was written.

    Example:
        >>> lines = ProgressLines(iter([0.0, 59.0, 61.0, 62.0]).__next__)
        >>> lines.step(), lines.step(), lines.step()
        (None, 'fxdet: 2 radiographs in 1:01, 30.5 s each', None)
    """

    clock: Callable[[], float]
    every: float = 60.0
    done: int = 0
    start: float = field(init=False)
    last: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.last = self.clock()

    def step(self) -> str | None:
        """Count one more; return a line if it is time for one."""
        self.done += 1
        now = self.clock()
        if now - self.last < self.every:
            return None
        self.last, seconds = now, now - self.start
        minutes = f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
        return f"fxdet: {counted(self.done, 'radiograph')} in {minutes}, {pace(self.done, seconds)}"


def pace(count: int, seconds: float) -> str:
    """Return how fast a run was, in the unit that a person would use.

    Example:
        >>> pace(30, 10.0), pace(8, 272.0), pace(0, 1.0)
        ('3.0 per second', '34.0 s each', 'none yet')
    """
    if not count:
        return "none yet"
    return f"{count / seconds:.1f} per second" if count >= seconds > 0 else f"{seconds / count:.1f} s each"


def draw(analysis: Analysis, path: Path) -> None:
    """Write the overlay of one analysis; the sink of a run."""
    from fxdet.report.overlay import Heat, draw_overlay, write_overlay

    if analysis.radiograph is None:
        return
    heat = None if analysis.heatmap is None else Heat(analysis.heatmap.pixels, analysis.heatmap.to_image)
    write_overlay(path, draw_overlay(analysis.radiograph, analysis.report, heat))


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Give a function that turns true after Ctrl-C; a second Ctrl-C interrupts at once."""
    asked = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        click.echo("\nfxdet: stopping after this batch; press Ctrl-C again to stop at once", err=True)

    if threading.current_thread() is not threading.main_thread():  # only the main thread may set handlers
        yield asked.is_set
        return
    before = signal.signal(signal.SIGINT, on_signal)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def summary_data(outcome: Outcome) -> dict[str, Any]:
    """Return the summary as plain JSON values."""
    tally = outcome.tally
    return {
        "read": tally.read,
        "failed": tally.failed,
        "fracture": tally.fractures,
        "doubt": tally.doubts,
        "none": tally.read - tally.fractures - tally.doubts,
        "findings": tally.findings,
        "with_warnings": tally.warned,
        "stopped": tally.stopped,
        "seconds": round(outcome.seconds, 1),
        "regions": {region: dict(counts) for region, counts in sorted(tally.regions.items())},
        "output": str(outcome.folder),
    }


def summary_table(outcome: Outcome) -> str:
    """Return the summary as an aligned table, radiographs by region and decision."""
    tally = outcome.tally
    names = ("fracture", "doubt", "none")
    rows: list[tuple[str, ...]] = [("region", "radiographs", *names)]
    for region, counts in sorted(tally.regions.items()):
        rows.append((region, str(counts.total()), *(str(counts[name]) for name in names)))
    none = tally.read - tally.fractures - tally.doubts
    rows.append(("all", *(str(value) for value in (tally.read, tally.fractures, tally.doubts, none))))
    lines = aligned_lines(rows, numbers=range(1, 5))
    speed = pace(tally.read + tally.failed, outcome.seconds)
    lines.append(
        f"{counted(tally.findings, 'suspected fracture')} marked on {counted(tally.read, 'radiograph')};"
        f" {counted(tally.failed, 'file')} failed; {outcome.seconds:.1f} s ({speed})"
    )
    return "\n".join(lines)


def report_outcome(outcome: Outcome, as_json: bool) -> None:
    """Print the summary to stdout and what the user should know to stderr."""
    from fxdet.core.findings import DISCLAIMER
    from fxdet.pipeline.records import FAILURES_NAME
    from fxdet.pipeline.sources import printable

    place = printable(outcome.folder)
    if as_json:
        text = json.dumps(summary_data(outcome), ensure_ascii=False)
        click.echo(text.encode("utf-8", "backslashreplace").decode("utf-8"))
    else:
        click.echo(f"{summary_table(outcome)}\nresults in {place} – {DISCLAIMER}")
    if outcome.tally.failed:
        click.echo(f"fxdet: {counted(outcome.tally.failed, 'file')} failed – see {place}/{FAILURES_NAME}", err=True)
    if outcome.tally.stopped:
        finished = counted(outcome.tally.read, "finished result")
        click.echo(f"fxdet: interrupted – {finished} in {place}", err=True)


def _count(sources: SourceList, bar: Any) -> None:
    """Set the bar's total once all sources are counted, beside the work, for the time left."""
    total = sum(1 for _ in sources)
    bar.total = total
