"""A tiny set on disk with the reports of an imaginary pipeline, for the tests of evaluation."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from fxdet.core.findings import AttentionGrid, CrossCheck, Finding, Report
from fxdet.core.labels import Decision, Verdict

BOX, FAR = (10.0, 10.0, 30.0, 30.0), (50.0, 50.0, 70.0, 70.0)
COUNT = 40


def probability(index: int) -> float:
    """A score that ranks most fractured ones (even indices) above the normals."""
    return round(float(np.clip(0.35 * (index % 2 == 0) + 0.1 + 0.5 * ((index * 37) % COUNT) / COUNT, 0, 1)), 6)


def write_set(folder: Path) -> Path:
    """Write 40 pictures and their table: even ones fractured; parts train, val, test by thirds; wrist or leg."""
    rows = ["path,fractured,region,part,x1,y1,x2,y2,label"]
    for index in range(COUNT):
        name, part = f"pictures/{index:02d}.png", ("val", "test", "train")[index % 3]
        (folder / "pictures").mkdir(parents=True, exist_ok=True)
        grey = np.full((90, 80), 40 + index, dtype=np.uint8)
        grey[int(index) + 10, 10:70] = 200  # each picture is another one
        cv2.imwrite(str(folder / name), grey)
        boxes = "10,10,30,30,fracture" if index % 2 == 0 else ",,,,"
        rows.append(f"{name},{int(index % 2 == 0)},{'wrist' if index % 4 < 2 else 'leg'},{part},{boxes}")
    (folder / "samples.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return folder / "samples.csv"


def report_of(source: str, index: int, shift: float = 0.0) -> Report:
    p = round(min(1.0, max(0.0, probability(index) + shift * (index % 3 - 1))), 6)
    decision = Decision.FRACTURE if p >= 0.55 else Decision.DOUBT if p >= 0.4 else Decision.NONE
    check = CrossCheck(0.4, (20.0, 20.0), True, Verdict.AGREES if index % 4 else Verdict.DISAGREES)
    box = BOX if index % 2 == 0 and index % 5 else FAR
    region = {"wrist": 0.6, "leg": 0.4} if index % 4 < 2 or index % 7 == 0 else {"wrist": 0.2, "leg": 0.8}
    rest = dict.fromkeys(("elbow", "fingers", "forearm", "humerus", "shoulder", "hip"), 0.0)
    return Report(
        source,
        image_size=(90, 80),
        image_probability=p,
        decision=decision,
        region=max(region, key=lambda name: region[name]),
        class_probability={"fracture": {"normal": 1 - p / 2, "fractured": p / 2}, "region": {**rest, **region}},
        findings=(Finding(box, p / 3, p, 0.55, decision, "wrist", 0.5, p, crosscheck=check),),
        attention=AttentionGrid(((0.75, 0.05), (0.1, 0.1)), (20.0, 20.0)),
        config_hash="abc",
        version="0",
    )


def write_reports(folder: Path, data: Path, shift: float = 0.0) -> Path:
    """Write reports.jsonl of all pictures; another shift is another imaginary pipeline."""
    reports = [report_of(str(data / f"pictures/{index:02d}.png"), index, shift) for index in range(COUNT)]
    return write_lines(folder / "reports.jsonl", [report.to_json() for report in reports])


def write_lines(path: Path, rows: list[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_scores(path: Path, data: Path, columns: list[str] | None = None) -> Path:
    """Write the same probabilities of the whole radiograph as a CSV, classes in any order."""
    columns = columns or ["leg", "wrist"]
    lines = [",".join(["name", *columns, "fractured"])]
    for index in range(COUNT):
        report = report_of("", index)
        cells = [f"{report.class_probability['region'][name]:.6f}" for name in columns]
        lines.append(",".join([f"pictures/{index:02d}.png", *cells, f"{probability(index) / 2:.6f}"]))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path
