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


def test_candidates_below_the_thresholds_are_thin_and_hide_nothing(tmp_path: Path):
    path, box = picture(tmp_path), (10.0, 20.0, 30.0, 40.0)

    def orange(case: Case) -> int:
        drawn = cv2.imdecode(np.frombuffer(draw_case(case, 480), np.uint8), cv2.IMREAD_COLOR).astype(int)
        return int((drawn[..., 2] - drawn[..., 0] > 60).sum())

    thick, thin = Case(path, "a", found=((box, ""),)), Case(path, "a", faint=((box, ""),))
    assert 0 < orange(thin) < 0.8 * orange(thick)
    # The reference lies exactly below the finding and is still seen whole.
    assert orange(Case(path, "a", reference=(box,), found=((box, ""),))) < 0.1 * orange(thick)


def test_cases_are_numbered_and_can_be_seen_large_without_a_script(tmp_path: Path):
    cases = [Case(picture(tmp_path), "first.png"), Case(picture(tmp_path), "second.png")]
    write_cases(tmp_path / "worst.html", "Worst", [Chapter("Misses", "n", cases)], ("a set, val: <2> radiographs",))
    page = (tmp_path / "worst.html").read_text(encoding="utf-8")
    assert page.index("1. first.png") < page.index("2. second.png")
    assert page.count('<input type="checkbox"') == page.count("<label>") == 2
    assert "a set, val: &lt;2&gt; radiographs" in page
    assert "<script" not in page
