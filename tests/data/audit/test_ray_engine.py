from __future__ import annotations

import subprocess
import sys
import types
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from fxdet.core.errors import ConfigError, MissingExtraError
from fxdet.data.audit.fingerprints import Fingerprint, fingerprint
from fxdet.data.audit.ray_engine import fingerprint_rows, from_row, scan_with_ray, share_equal, to_row
from fxdet.data.audit.scan import ScanOptions, scan
from tests.data.audit.pictures import drawn_pictures, encoded, printed

SCRIPT = """
import sys, pickle
from pathlib import Path
from fxdet.data.audit.scan import ScanOptions, scan
options = ScanOptions("ray", workers=2, quiet=True)
pickle.dump(scan([Path(p) for p in sys.argv[2:]], options), open(sys.argv[1], "wb"))
import ray
assert not ray.is_initialized()
"""


def assert_same(one: Fingerprint, other: Fingerprint) -> None:
    for field in fields(Fingerprint):
        mine, theirs = getattr(one, field.name), getattr(other, field.name)
        assert np.array_equal(mine, theirs) and type(mine) is type(theirs), field.name


@pytest.fixture
def paths(tmp_path):
    for index, picture in enumerate(drawn_pictures(5, (96, 80))):
        (tmp_path / f"{index}.jpg").write_bytes(encoded(picture, "JPEG"))
    (tmp_path / "copy é.jpg").write_bytes((tmp_path / "0.jpg").read_bytes())
    (tmp_path / "text.jpg").write_bytes(b"text")
    return [*sorted(tmp_path.iterdir()), tmp_path / "missing.png"]


@pytest.mark.parametrize("found", [printed(drawn_pictures(1)[0], "JPEG"), Fingerprint("", error="gone \udcff")])
def test_rows_keep_everything(found):
    assert_same(from_row(to_row(found)), found)


def test_a_batch_on_a_node(paths):
    columns = fingerprint_rows({"place": np.arange(3), "path": np.array([bytes(path) for path in paths[:3]], object)})
    for place in range(3):
        assert_same(from_row({name: column[place] for name, column in columns.items()}), fingerprint(paths[place]))


def test_equal_bytes_share_the_first_fingerprint():
    one, other, gone, lost = Fingerprint("a"), Fingerprint("a", error="b"), Fingerprint(""), Fingerprint("")
    assert [id(each) for each in share_equal([one, other, gone, lost])] == [id(one), id(one), id(gone), id(lost)]


def test_without_ray_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"fxdet\[ray\]"):
        scan([Path("a.png")], ScanOptions("ray", quiet=True))


def test_a_ray_that_does_not_start_is_told(monkeypatch):
    def fail(**options):
        raise Exception("The current node timed out during startup. This could happen because of this and that.")

    ended = []
    ray = types.SimpleNamespace(is_initialized=lambda: False, init=fail, shutdown=lambda: ended.append(True))
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", types.SimpleNamespace())
    with pytest.raises(ConfigError, match="can't start Ray: The current node timed out during startup – free"):
        scan_with_ray([Path("a.png")])
    assert ended


def test_a_ray_whose_workers_are_lost_is_told(monkeypatch):
    class RayError(Exception):
        """As in ray.exceptions."""

    def fail(*arguments, **options):
        raise RayError("System error: Failed to startup worker after retrying 5 times. This is most often …\nMore.")

    ended = []
    ray = types.SimpleNamespace(
        is_initialized=lambda: False, init=lambda **options: None, shutdown=lambda: ended.append(True)
    )
    context = types.SimpleNamespace(enable_progress_bars=True)
    data = types.SimpleNamespace(
        from_items=fail, DataContext=types.SimpleNamespace(get_current=lambda: context), TaskPoolStrategy=None
    )
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.data", data)
    monkeypatch.setitem(sys.modules, "ray.exceptions", types.SimpleNamespace(RayError=RayError))
    expected = r"^Ray can't go on: RayError: System error: Failed to startup worker after retrying 5 times – free"
    with pytest.raises(ConfigError, match=expected):
        scan_with_ray([Path("a.png")])
    assert ended and context.enable_progress_bars


@pytest.mark.slow
def test_local_ray_finds_the_same_and_ends(paths, tmp_path_factory):
    pytest.importorskip("ray")
    import pickle

    result = tmp_path_factory.mktemp("ray") / "found.pickle"
    # In a process of its own: Ray changes signal handlers and logging, and its end can be seen.
    subprocess.run([sys.executable, "-c", SCRIPT, str(result), *map(str, paths)], check=True, timeout=300)
    found = pickle.loads(result.read_bytes())
    for one, other in zip(found, scan(paths, ScanOptions(workers=1)), strict=True):
        assert_same(one, other)
    assert found[0] is found[5]
    processes = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(result) not in processes


@pytest.mark.slow
def test_no_files_start_no_ray():
    pytest.importorskip("ray")
    assert scan_with_ray([]) == []
