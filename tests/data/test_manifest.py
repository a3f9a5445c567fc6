"""Manifests: what is written comes back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fxdet.core.errors import DataError
from fxdet.core.labels import REGIONS
from fxdet.data.formats import open_samples
from fxdet.data.manifest import read_manifest, write_manifest
from fxdet.data.samples import BoxLabel, Problem, Sample, SampleSet

NUMBER = st.floats(0, 1e5)
TEXT = st.text(max_size=12)
# Any name that a file system can hand out, undecodable bytes (surrogates) included.
FILE = st.text(st.characters(blacklist_characters="/\x00", blacklist_categories=()), min_size=1, max_size=8)
BOX = st.builds(
    BoxLabel,
    st.tuples(NUMBER, NUMBER, NUMBER, NUMBER),
    TEXT,
    st.sampled_from(["fracture", "region", "other"]),
    st.none() | st.lists(st.tuples(NUMBER, NUMBER), max_size=4).map(tuple),
)
SAMPLE = st.builds(
    Sample,
    path=st.lists(FILE, min_size=1, max_size=3).map(lambda parts: Path("root").joinpath(*parts)),
    name=TEXT,
    part=st.none() | TEXT,
    label=st.none() | TEXT,
    fractured=st.none() | st.booleans(),
    regions=st.frozensets(st.sampled_from(REGIONS.names)),
    boxes=st.none() | st.lists(BOX, max_size=3).map(tuple),
    image_size=st.none() | st.tuples(st.integers(1, 9999), st.integers(1, 9999)),
    group=TEXT,
    attributes=st.dictionaries(TEXT, TEXT, max_size=2),
)
SET = st.builds(
    SampleSet,
    TEXT,
    TEXT,
    st.just(Path("root")),
    st.lists(SAMPLE, max_size=3).map(tuple),
    st.lists(st.builds(Problem, TEXT, TEXT), max_size=2).map(tuple),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=80, deadline=None)
@given(SET)
def test_round_trip(tmp_path, samples):
    write_manifest(tmp_path / "m.jsonl", samples)
    assert read_manifest(tmp_path / "m.jsonl") == samples


@pytest.fixture
def manifest(tmp_path):
    inside = Sample(tmp_path / "set/a.png", "a.png", boxes=(BoxLabel((1, 2, 3, 4), "x"),))
    outside = Sample(Path("/elsewhere/b.png"), "b.png")
    write_manifest(tmp_path / "m.jsonl", SampleSet("s", "yolo", tmp_path / "set", (inside, outside)))
    return tmp_path / "m.jsonl"


def test_moved_root(manifest):
    moved = read_manifest(manifest, root=Path("/new"))
    assert [str(sample.path) for sample in moved] == ["/new/a.png", "/elsewhere/b.png"]


def test_open_samples_reads_it(manifest):
    assert open_samples(manifest) == read_manifest(manifest)


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda text: text.rsplit("\n", 2)[0] + "\n", "got 1 samples, expected 2"),
        (lambda text: "", "expected a manifest"),
        (lambda text: "{}\n", "expected a manifest"),
        (lambda text: "nonsense\n", ":1: .* expected JSON lines"),
        (lambda text: text.replace('"fxdet_manifest": 1', '"fxdet_manifest": 99'), "schema 1"),
        (lambda text: text.replace('"kind": ', '"kin": '), ":2: field 'kind' is missing"),
        (lambda text: text.replace('"regions": []', '"regions": ["knee"]'), ":2: .*knee"),
        (lambda text: text[:-30] + "\n", ":3: "),
    ],
)
def test_damaged_manifest(manifest, change, what):
    manifest.write_text(change(manifest.read_text()))
    with pytest.raises(DataError, match=what):
        read_manifest(manifest)


def test_missing_manifest(tmp_path):
    with pytest.raises(DataError, match="can't read manifest"):
        read_manifest(tmp_path / "gone.jsonl")
