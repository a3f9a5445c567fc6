from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from fxdet.data.audit import scan as scan_module
from fxdet.data.audit.fingerprints import Fingerprint, fingerprint
from fxdet.data.audit.scan import ScanOptions, scan
from tests.data.audit.pictures import drawn_pictures, encoded


def assert_same(one: Fingerprint, other: Fingerprint) -> None:
    for field in fields(Fingerprint):
        assert np.array_equal(getattr(one, field.name), getattr(other, field.name)), field.name


@pytest.fixture
def paths(tmp_path):
    """Six files: two of equal bytes, a text, a file that is missing, and a truncated one."""
    first, second = (encoded(picture, "JPEG") for picture in drawn_pictures(2, (96, 80)))
    for name, data in (("a", first), ("b", second), ("c", first), ("d", b"text"), ("f", second[:900])):
        (tmp_path / f"{name}.jpg").write_bytes(data)
    return [tmp_path / f"{name}.jpg" for name in "abcdef"]


def test_order_errors_and_shared_fingerprints(paths):
    found = scan(paths, ScanOptions(workers=1))
    assert len(found) == 6
    for path, each in zip(paths, found, strict=True):
        assert_same(each, fingerprint(path))
    assert found[0] is found[2]
    assert [each.error is None for each in found] == [True, True, True, False, False, True]


def test_identical_bytes_are_decoded_once(paths, monkeypatch):
    decoded = []

    def count(data, path):
        decoded.append(path.name)
        return fingerprint(path)

    monkeypatch.setattr(scan_module, "fingerprint_bytes", count)
    scan(paths * 3, ScanOptions(workers=1))
    assert decoded == ["a.jpg", "b.jpg", "d.jpg", "f.jpg"]


def test_two_processes_find_the_same(paths, monkeypatch):
    monkeypatch.setattr(scan_module, "_BATCH_FILES", 1)
    for one, other in zip(scan(paths, ScanOptions(workers=2)), scan(paths, ScanOptions(workers=1)), strict=True):
        assert_same(one, other)


def test_dead_processes_are_replaced_by_this_one(paths, monkeypatch, caplog):
    class Dying:
        def __init__(self, *arguments, **options) -> None:
            pass

        def submit(self, task, batch):
            future = scan_module.Future()
            future.set_exception(scan_module.BrokenProcessPool("gone"))
            return future

        def shutdown(self, **options) -> None:
            pass

    monkeypatch.setattr(scan_module, "ProcessPoolExecutor", Dying)
    monkeypatch.setattr(scan_module, "_BATCH_FILES", 1)
    found = scan(paths, ScanOptions(workers=2))
    assert [each.error is None for each in found] == [True, True, True, False, False, True]
    assert "going on in one process" in caplog.text


def test_few_files_start_no_process(paths, monkeypatch):
    monkeypatch.setattr(scan_module, "_in_processes", None)
    assert len(scan(paths)) == 6
    assert scan([]) == []


@pytest.mark.parametrize("options", [{"engine": "spark"}, {"workers": 0}])
def test_wrong_options(options):
    with pytest.raises(ValueError, match=r"ScanOptions\."):
        ScanOptions(**options)
