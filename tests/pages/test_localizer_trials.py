"""The table of trials marks what is shipped."""

from __future__ import annotations

from fxdet.pages.localizer_trials import trials_table

PIPELINE = "fxdet/zoo/builtin/pipeline.json"


def test_the_shipped_trial_is_the_pipelines(checkout, change):
    part = checkout.record("localizer_trials.json")["parts"]["fracatlas/grouped val"]
    name = "yolov8n.both + yolov8n.fracatlas, mirrored, 4:1"
    value = part["trials"][name]["ap50"]["value"]
    (line,) = (line for line in trials_table(checkout).splitlines() if "(shipped)" in line)
    assert line.startswith(f"| **{name}** (shipped) | {value:.3f}".replace("0.", "."))
    change(PIPELINE, lambda data: data.update(localizer_weights=[]))
    (line,) = (line for line in trials_table(checkout).splitlines() if "(shipped)" in line)
    assert line.startswith("| **yolov8n.both + yolov8n.fracatlas, mirrored** (shipped)")


def test_what_was_not_tried_on_a_part_is_a_dash(checkout, change):
    def forget(data):
        del data["parts"]["BoneFractureYolo8 val, fractured"]["trials"]["yolo26n.fracatlas"]

    change("docs/results/localizer_trials.json", forget)
    (line,) = (line for line in trials_table(checkout).splitlines() if line.startswith("| yolo26n.fracatlas |"))
    assert line.endswith("| – | – |")
