"""Which prediction belongs to which picture: by path, by the end of a path, by bytes; and never by a name alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from fxdet.core.errors import DataError
from fxdet.core.files import sha256_bytes
from fxdet.core.findings import Report
from fxdet.data.samples import Sample
from fxdet.pipeline.pairing import Paired, PairingOptions, pair_predictions


def write_set(root: Path, *names: str) -> list[Sample]:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(name.encode())
    return [Sample(root / name, name) for name in names]


def pair(source: str, samples: list[Sample], sha256: str = "") -> Paired:
    return pair_predictions([Report(source, sha256=sha256)], samples, samples, PairingOptions(allow_missing=True))


def names_of(paired: Paired) -> list[str]:
    return [sample.name for _, sample in paired.pairs]


@pytest.mark.parametrize("source", ["train/0.png", "/home/a/set/train/0.png", "C:\\set\\train\\0.png", "train/0"])
def test_a_contradicting_folder_is_another_picture(tmp_path: Path, source: str):
    samples = write_set(tmp_path, "val/0.png")
    with pytest.raises(
        DataError, match=r"are of no picture of the set: .*train.*val/0.png of the set has the same file name and"
    ):
        pair(source, samples)
    loose = PairingOptions(allow_missing=True, allow_unknown=True)
    assert pair_predictions([Report(source)], samples, samples, loose).unknown == (source,)


@pytest.mark.parametrize(
    "source",
    [
        "0.png",
        "0",
        "val/0.png",
        "val/0",
        "set/val/0.png",
        "/home/a/elsewhere/images/val/0.png",
        "D:\\x\\val\\0.png",
        "../other/val/0.png",
        "../val/0.png",
    ],
)
def test_another_root_is_the_same_picture(tmp_path: Path, source: str):
    assert names_of(pair(source, write_set(tmp_path / "set", "val/0.png"))) == ["val/0.png"]


def test_a_folder_decides_between_equal_file_names(tmp_path: Path):
    samples = write_set(tmp_path, "a/x/0.png", "a/y/0.png")
    assert names_of(pair("y/0.png", samples)) == ["a/y/0.png"]
    with pytest.raises(DataError, match=r"fits both .*a/x/0.png and .*a/y/0.png"):
        pair("0.png", samples)


def test_parts_above_the_set_are_compared(tmp_path: Path):
    write_set(tmp_path, "val/0.png", "train/0.png")
    opened = [Sample(tmp_path / "val/0.png", "0.png")]
    assert names_of(pair(str(tmp_path / "val/0.png"), opened)) == ["0.png"]
    assert names_of(pair("/elsewhere/valid/0.png", opened)) == ["0.png"]
    with pytest.raises(DataError, match="are of no picture of the set"):
        pair(str(tmp_path / "train/0.png"), opened)


def test_both_parts_are_not_the_same_radiograph(tmp_path: Path):
    samples = write_set(tmp_path, "val/0.png")
    both = [Report("train/0.png"), Report("val/0.png")]
    with pytest.raises(DataError, match=r"1 of 2 are of no picture of the set: train/0.png"):
        pair_predictions(both, samples, samples, PairingOptions())
    loose = pair_predictions(both, samples, samples, PairingOptions(allow_unknown=True))
    assert [report.source for report, _ in loose.pairs] == ["val/0.png"] and loose.unknown == ("train/0.png",)


def test_a_moved_copy_is_known_by_its_bytes(tmp_path: Path):
    samples = write_set(tmp_path, "val/0.png", "test/0.png")
    assert names_of(pair("flat/0.png", samples, sha256_bytes(b"test/0.png"))) == ["test/0.png"]


def test_other_bytes_are_another_picture(tmp_path: Path):
    samples = write_set(tmp_path, "val/0.png")
    assert names_of(pair("elsewhere/val/0.png", samples, sha256_bytes(b"val/0.png"))) == ["val/0.png"]
    for source in ("elsewhere/val/0.png", "0.png"):
        with pytest.raises(DataError, match=r"val/0.png of the set holds other bytes"):
            pair(source, samples, sha256_bytes(b"another picture"))
    # Its own path is enough; a file of the set that is gone can't be compared.
    assert names_of(pair(str(tmp_path / "val/0.png"), samples, sha256_bytes(b"older"))) == ["val/0.png"]
    gone = [Sample(tmp_path / "gone/1.png", "gone/1.png")]
    assert names_of(pair("elsewhere/gone/1.png", gone, sha256_bytes(b"x"))) == ["gone/1.png"]


def test_two_spellings_of_one_name_are_the_same_radiograph_twice(tmp_path: Path):
    samples = write_set(tmp_path, "test/fractured/x.png", "test/normal/y.png")
    spellings = [Report("test/fractured/x.png"), Report("x.png")]  # equal in all else
    message = r"test/fractured/x.png and x.png: the same radiograph is predicted twice – keep one of them"
    for reports in (spellings, [Report(str(samples[0].path)), *spellings[:1]]):
        with pytest.raises(DataError, match="the same radiograph is predicted twice"):
            pair_predictions(reports, samples, samples, PairingOptions(True, True))
    with pytest.raises(DataError, match=message):
        # The set and its split name it alike: still one name.
        pair_predictions(spellings, samples, [*samples, *samples], PairingOptions(True, True))


def test_a_picture_of_several_names_is_predicted_once_under_each_at_most(tmp_path: Path):
    path = write_set(tmp_path, "a.png")[0].path
    named = [Sample(path, name) for name in ("first.png", "second.png")]
    for sources in (["first.png"], ["second.png", "first.png"], ["elsewhere/first.png", "second.png"]):
        paired = pair_predictions([Report(source) for source in sources], named, named, PairingOptions())
        assert names_of(paired) == ["first.png", "second.png"]
    for sources in (["first.png", "old/first.png"], ["first.png", "second.png", str(path)]):
        with pytest.raises(DataError, match=r"first.png.*: the same radiograph is predicted twice"):
            pair_predictions([Report(source) for source in sources], named, named, PairingOptions())
