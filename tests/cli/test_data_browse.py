"""``fxdet data browse`` as a user types it: series, orders, weak regions, scores and groups."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from PIL import Image

from fxdet.cli.main import main
from fxdet.core.findings import Report
from fxdet.data.audit.results import AuditedFile, AuditResult, DuplicateGroup, Link
from fxdet.imaging.synthetic import DrawingOptions, draw_set


@pytest.fixture
def table(tmp_path, generator):
    lines = ["path,part,region,label,x1,y1,x2,y2"]
    for index, drawn in enumerate(draw_set(generator, 6, DrawingOptions(size=(96, 80)))):
        path = tmp_path / "set" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(drawn.pixels).save(path)
        box = f"a/b,1,1,{10 + index},30" if index % 2 else "a_b,2,2,70,60"
        lines.append(f"{index}.png,train,{'wrist' if index < 3 else 'hip'},{box}")
    (tmp_path / "set/list.csv").write_text("\n".join(lines) + "\n")
    return tmp_path / "set/list.csv"


def run(*arguments):
    return CliRunner().invoke(main, ["data", "browse", *(str(argument) for argument in arguments)])


def written(folder):
    return sorted(path.name for path in folder.iterdir())


def test_one_series_per_region(table, tmp_path):
    result = run(table, "-o", tmp_path / "out", "--by", "region", "--grid", 1, 2, "--tile", 64)
    assert result.stdout == f"6 pictures on 4 pages in {tmp_path / 'out'}\n"
    assert written(tmp_path / "out") == [
        f"list-{name}.jpg" for name in ("hip-001", "hip-002", "wrist-001", "wrist-002")
    ]


def test_classes_whose_file_names_would_be_equal(table, tmp_path):
    run(table, "-o", tmp_path / "out", "--by", "class", "--sort", "box", "--reverse", "--tile", 64)
    assert written(tmp_path / "out") == ["list-a_b-001.jpg", "list-a_b-2-001.jpg"]


def test_limit_is_per_series(table, tmp_path):
    result = run(table, "-o", tmp_path / "out", "--by", "region", "--limit", 1, "--seed", 3, "--tile", 64)
    assert result.stdout.startswith("2 pictures on 2 pages")


def test_weak_regions_are_drawn(table, tmp_path):
    for name, options in (("without", ()), ("with", ("--weak-regions",))):
        assert run(table, "-o", tmp_path / name, "--limit", 1, "--format", "png", *options).exit_code == 0
    with Image.open(tmp_path / "without/list-001.png") as without, Image.open(tmp_path / "with/list-001.png") as drawn:
        violet = {colour for _, colour in drawn.crop((0, 20, 240, 280)).getcolors(1 << 20)}
        plain = {colour for _, colour in without.crop((0, 20, 240, 280)).getcolors(1 << 20)}
    assert (190, 120, 255) in violet - plain


def test_sorted_by_score(table, tmp_path):
    reports = [Report(f"{index}.png", image_probability=index / 10) for index in range(4)]
    (tmp_path / "r.jsonl").write_text("".join(json.dumps(report.to_json()) + "\n" for report in reports))
    result = run(table, "-o", tmp_path / "out", "--sort", "score", "--scores", tmp_path / "r.jsonl", "--tile", 64)
    assert (result.exit_code, written(tmp_path / "out")) == (0, ["list-001.jpg"])


def test_groups(table, tmp_path):
    files = tuple(AuditedFile("s", f"{index}.png", str(table.parent / f"{index}.png")) for index in range(3))
    groups = (DuplicateGroup((0, 2), "near", (Link(0, 2, "near", 0.97),), ("s/-",), False),)
    (tmp_path / "audit.json").write_text(json.dumps(AuditResult((), files, groups).to_json()))
    result = run(table, "-o", tmp_path / "out", "--groups", tmp_path / "audit.json", "--tile", 64)
    assert result.stdout == f"1 group on 1 page in {tmp_path / 'out'}\n"
    assert written(tmp_path / "out") == ["list-groups-001.jpg"]
    (tmp_path / "audit.json").write_text(json.dumps(AuditResult((), ()).to_json()))
    result = run(table, "-o", tmp_path / "out", "--groups", tmp_path / "audit.json")
    assert (result.exit_code, "no group holds a picture of" in result.stderr) == (2, True)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        (("--sort", "score"), "--sort score needs scores – pass --scores reports.jsonl"),
        (("--groups", "a.json", "--by", "part"), "leave out --by and --sort"),
        (("--groups", "gone.json"), "can't read audit gone.json"),
        (("--scores", "gone.jsonl"), "can't read scores gone.jsonl"),
        (("--part", "nowhere"), "loosen --part"),
    ],
)
def test_bad_input(table, tmp_path, options, what):
    result = run(table, "-o", tmp_path / "out", *options)
    assert (result.exit_code, what in result.stderr) == (2, True)
