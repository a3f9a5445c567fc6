from __future__ import annotations

import base64
import re
from pathlib import Path

import cv2
import numpy as np

from fxdet.report.cases import Case, Chapter, draw_case, write_cases


def picture(folder: Path) -> Path:
    path = folder / "a.png"
    cv2.imwrite(str(path), np.full((120, 60), 90, np.uint8))
    return path


def test_boxes_are_drawn_where_they_are(tmp_path: Path):
    case = Case(picture(tmp_path), "a", reference=((10, 20, 30, 40),), found=(((40, 80, 55, 100), "0.70"),))
    drawn = cv2.imdecode(np.frombuffer(draw_case(case, 480), np.uint8), cv2.IMREAD_COLOR)
    assert drawn.shape == (480, 240, 3)
    blue = drawn[..., 0].astype(int) - drawn[..., 2]
    rows, columns = np.nonzero(blue > 60)
    assert (rows.min() // 4, columns.min() // 4) == (19, 9) or (rows.min() // 4, columns.min() // 4) == (20, 10)
    assert abs(rows.max() / 4 - 40) < 2 and abs(columns.max() / 4 - 30) < 2
    red = np.argwhere(blue < -60)
    assert red[:, 0].max() / 4 > 95 and red[:, 1].max() / 4 > 50


def test_page_holds_its_pictures_and_escapes_names(tmp_path: Path):
    good = Case(picture(tmp_path), "set/<b>&.png", ("score .5",))
    bad = Case(tmp_path / "gone.png", "gone.png")
    write_cases(tmp_path / "worst.html", "Worst", [Chapter("Misses", "n", [good, bad]), Chapter("None here", "n", [])])
    page = (tmp_path / "worst.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;&amp;.png" in page and "<b>&" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    data = re.findall(r"base64,([^\"]+)", page)
    assert len(data) == 1 and cv2.imdecode(np.frombuffer(base64.b64decode(data[0]), np.uint8), 1) is not None
    assert "gone.png" in page and 'class="unread"' in page
    assert "<p>None.</p>" in page
    assert "not a diagnosis" in page
