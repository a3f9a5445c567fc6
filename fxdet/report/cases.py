"""A page of single radiographs with reference boxes and findings: the worst misses and false alarms."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fxdet.core.errors import FxdetError
from fxdet.core.files import write_text
from fxdet.core.findings import DISCLAIMER, Box
from fxdet.imaging.preprocess import Preprocess
from fxdet.imaging.reading import open_radiograph

REFERENCE_COLOUR = (86, 180, 233)
FINDING_COLOUR = (255, 94, 58)
SIDE = 640
"""Longest side of a picture on the page, px."""


@dataclass(frozen=True, slots=True)
class Case:
    """One radiograph of the page.

    Attributes:
        path: The file.
        title: Its name.
        lines: What is said of it, line by line.
        reference: Reference boxes, px.
        found: Findings' boxes with what stands at them, px.
        faint: Findings that say nothing by themselves, being below the thresholds; drawn thin.
    """

    path: Path
    title: str
    lines: tuple[str, ...] = ()
    reference: tuple[Box, ...] = ()
    found: tuple[tuple[Box, str], ...] = ()
    faint: tuple[tuple[Box, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Chapter:
    """Cases under one heading, the worst first."""

    title: str
    note: str
    cases: Sequence[Case]


def write_cases(path: Path, title: str, chapters: Sequence[Chapter], notes: Sequence[str] = ()) -> None:
    """Write one HTML file that holds its pictures; it needs no network.

    Args:
        path: The file.
        title: Heading of the page.
        chapters: Cases, in their order.
        notes: Lines below the heading: what was evaluated on what.

    Raises:
        OutputError: The folder can't be written.
    """
    body = "".join(_chapter(chapter) for chapter in chapters)
    said = "".join(f"<p>{html.escape(note)}</p>" for note in (*notes, DISCLAIMER))
    head = f"<h1>{html.escape(title)}</h1>{said}{_LEGEND}"
    write_text(path, f"{_HEAD.format(title=html.escape(title))}{head}{body}</body></html>\n")


def _chapter(chapter: Chapter) -> str:
    figures = "".join(_figure(case, place) for place, case in enumerate(chapter.cases, start=1))
    empty = "" if chapter.cases else "<p>None.</p>"
    title, note = html.escape(chapter.title), html.escape(chapter.note)
    return f'<h2>{title}</h2><p>{note}</p>{empty}<div class="cases">{figures}</div>'


def _figure(case: Case, place: int) -> str:
    lines = "".join(f"<br>{html.escape(line)}" for line in case.lines)
    try:
        picture = base64.b64encode(draw_case(case)).decode()
        image = f'<img alt="{html.escape(case.title)}" src="data:image/jpeg;base64,{picture}">'
        shown = f'<label><input type="checkbox" aria-label="show large">{image}</label>'
    except FxdetError as error:
        shown = f'<p class="unread">{html.escape(str(error))}</p>'
    name = f'<b title="{html.escape(case.title)}">{place}. {html.escape(case.title.rpartition("/")[2])}</b>'
    return f"<figure>{shown}<figcaption>{name}{lines}</figcaption></figure>"


def draw_case(case: Case, side: int = SIDE) -> bytes:
    """Return the radiograph with its boxes as JPEG.

    Raises:
        ReadError: The file is no readable radiograph.
    """
    radiograph = open_radiograph(case.path)
    low, high = Preprocess(size=32).window(radiograph)
    unit = (radiograph.pixels.astype(np.float32) - np.float32(low)) / np.float32(max(high - low, 1e-6))
    grey = np.asarray(np.round(np.clip(unit, 0, 1) * 255), dtype=np.uint8)
    scale = side / max(grey.shape)
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    canvas = np.ascontiguousarray(np.repeat(np.asarray(small, dtype=np.uint8)[..., None], 3, axis=2))
    # The strongest finding and the reference come last, so that nothing hides them.
    for box, text in case.faint[::-1]:
        _box(canvas, box, scale, _Pen(FINDING_COLOUR, 1, 0.5), text)
    for box, text in case.found[::-1]:
        _box(canvas, box, scale, _Pen(FINDING_COLOUR), text)
    for box in case.reference:
        _box(canvas, box, scale, _Pen(REFERENCE_COLOUR))
    _, data = cv2.imencode(".jpg", canvas[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])
    return bytes(data.tobytes())


@dataclass(frozen=True, slots=True)
class _Pen:
    """Colour, width of lines (px) and size of letters."""

    colour: tuple[int, int, int]
    width: int = 2
    letters: float = 0.7


def _box(canvas: NDArray[np.uint8], box: Box, scale: float, pen: _Pen, text: str = "") -> None:
    x1, y1, x2, y2 = (round(edge * scale) for edge in box)
    if pen.width > 1:
        cv2.rectangle(canvas, (x1 - 1, y1 - 1), (x2 + 1, y2 + 1), (0, 0, 0), 1)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), pen.colour, pen.width)
    if text:
        y = y1 - 6 if y1 > 24 else min(y2 + 22, canvas.shape[0] - 4)
        for ink, width in (((0, 0, 0), pen.width + 3), (pen.colour, pen.width)):
            cv2.putText(canvas, text, (max(0, x1), y), cv2.FONT_HERSHEY_SIMPLEX, pen.letters, ink, width, cv2.LINE_AA)


_LEGEND = (
    '<p class="legend"><span class="ref"></span> reference box <span class="found"></span> finding '
    '<span class="faint"></span> candidate below the thresholds. Click on a picture to see it large, '
    "and again to go back.</p>"
)

_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title><style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 1.5rem auto; max-width: 1180px; padding: 0 1rem; color: #222;
  background: #fff }}
h1 {{ font-size: 1.4rem }} h2 {{ font-size: 1.15rem; margin-top: 2rem }}
.cases {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(270px, 1fr)); gap: 1rem }}
figure {{ margin: 0; background: #f4f5f6; border-radius: 6px; overflow: hidden }}
img {{ display: block; width: 100%; height: 330px; object-fit: contain; background: #111 }}
figcaption {{ padding: .5rem .7rem; font-size: .85rem; overflow-wrap: anywhere }}
.legend span {{ display: inline-block; width: 1.1em; height: .8em; border: 2px solid; margin: 0 .3em 0 .8em }}
.legend .ref {{ border-color: #56b4e9; margin-left: 0 }} .legend .found {{ border-color: #ff5e3a }}
.legend .faint {{ border: 1px solid #ff5e3a }}
label input {{ position: absolute; opacity: 0 }} label img {{ cursor: zoom-in }}
label input:focus-visible + img {{ outline: 3px solid #56b4e9; outline-offset: -3px }}
label input:checked + img {{ position: fixed; inset: 0; z-index: 1; width: 100vw; height: 100vh; cursor: zoom-out }}
.unread {{ padding: 1rem }}
</style></head><body>"""
