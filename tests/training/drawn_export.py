"""A small drawn data set with boxes, and a config of a YOLO that trains on it in seconds."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

CONFIG = """\
name: yolov8n
tag: drawn
architecture: yolov8n
run: {run}
initial_weights: none
audit: false
sources:
  - path: {data}
    normals: null
    val_normals: null
input_size: 96
epochs: {epochs}
batch_size: 8
learning_rate: 2.0e-3
precision: fp32
threads: 1
workers: 0
augment: {{mosaic: 0.5, close_mosaic: 1}}
"""


def write_config(folder: Path, data: Path, run: str, epochs: int) -> Path:
    path = folder / f"{run}.yaml"
    path.write_text(CONFIG.format(run=folder / run, data=data, epochs=epochs), encoding="utf-8")
    return path


def write_drawn_export(root: Path) -> Path:
    """Write a YOLO export of drawn radiographs, bright bars with a dark gap as fracture, and return its folder."""
    generator = np.random.default_rng(0)
    for part, count in (("train", 24), ("valid", 12)):
        for kind in ("images", "labels"):
            (root / part / kind).mkdir(parents=True)
        for index in range(count):
            pixels = generator.normal(30, 5, (96, 96))
            left = int(generator.integers(20, 50))
            pixels[4:92, left : left + 22] = 180
            rows = ""
            if index % 2:
                top = int(generator.integers(20, 60))
                pixels[top + 4 : top + 9, left - 2 : left + 24] = 30
                rows = f"0 {(left + 11) / 96} {(top + 6.5) / 96} {30 / 96} {18 / 96}\n"
            cv2.imwrite(str(root / part / "images" / f"{index}.png"), np.clip(pixels, 0, 255).astype(np.uint8))
            (root / part / "labels" / f"{index}.txt").write_text(rows, encoding="utf-8")
    (root / "data.yaml").write_text("train: train/images\nval: valid/images\nnames: ['fracture']\n", encoding="utf-8")
    return root
