from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fxdet.core.errors import ConfigError
from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import config_to_yaml, load_config


@dataclass(frozen=True)
class Inner:
    rate: float = 0.1
    kind: Literal["adam", "sgd"] = "adam"

    def __post_init__(self) -> None:
        if self.rate <= 0:
            raise ValueError(f"rate: got {self.rate}, expected > 0")


@dataclass(frozen=True)
class Schema:
    name: str
    count: int = 1
    folder: Path = Path()
    inner: Inner = field(default_factory=Inner)
    items: tuple[Inner, ...] = ()
    pair: tuple[int, int] = (1, 2)
    shares: Mapping[str, float] = field(default_factory=dict)
    maybe: int | None = None
    flag: bool = False


@pytest.fixture
def write(tmp_path: Path):
    def write_file(text: str, name: str = "c.yaml") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_all_kinds_of_values(write):
    path = write(
        "name: a\ncount: 3\ninner: {rate: 1e-3, kind: sgd}\nitems: [{rate: 2}, {}]\n"
        "pair: [3, 4]\nshares: {x: 1}\nmaybe: null\nflag: true\nfolder: a/b\n"
    )
    assert load_config(path, (), Schema) == Schema(
        "a", 3, Path("a/b"), Inner(0.001, "sgd"), (Inner(2.0), Inner()), (3, 4), {"x": 1.0}, None, True
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\ncuont: 3\n", "c.yaml:2: unknown key 'cuont' – did you mean 'count'?"),
        ("name: a\ninner:\n  rat: 3\n", "c.yaml:3: unknown key 'inner.rat' – did you mean 'rate'?"),
        ("count: 3\n", "c.yaml:1: key 'name' is missing"),
        ("name: a\ncount: many\n", "c.yaml:2: count – got 'many', expected a whole number"),
        ("name: a\ncount: true\n", "c.yaml:2: count – got True, expected a whole number"),
        ("name: a\ncount: 1.5\n", "c.yaml:2: count – got 1.5"),
        ("name: a\nflag: 1\n", "c.yaml:2: flag – got 1, expected true or false"),
        ("name: a\ninner:\n  kind: adma\n", "c.yaml:3: inner.kind – got 'adma' – did you mean 'adam'?"),
        ("name: a\ninner:\n  kind: sgd\n  rate: -1\n", "c.yaml:4: inner.rate: got -1.0, expected > 0"),
        ("name: a\nitems:\n- rate: 1\n- rate: x\n", "c.yaml:4: items[1].rate – got 'x', expected a number"),
        ("name: a\npair: [1]\n", "c.yaml:2: pair – got [1], expected a list of 2"),
        ("name: a\nname: b\n", "c.yaml:2: key 'name' stands twice"),
        ("name: a\nshares: 3\n", "c.yaml:2: shares – got 3, expected keys and values"),
        ("name: [\n", "no valid YAML"),
        ("- 1\n", "expected keys and values"),
        ("name: a\nfolder: ${FXDET_NOT_SET}/x\n", "c.yaml:2: the environment variable FXDET_NOT_SET is not set"),
    ],
)
def test_errors_name_the_line(write, text: str, message: str):
    with pytest.raises(ConfigError) as caught:
        load_config(write(text), (), Schema)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"can't read config .*none\.yaml"):
        load_config(tmp_path / "none.yaml", (), Schema)


def test_overrides_change_keys_and_list_items(write):
    path = write("name: a\nitems: [{rate: 1}, {rate: 2}]\n")
    config = load_config(path, ["items.1.rate=5", "inner.kind=sgd", "maybe=4", "shares.x=0.5"], Schema)
    assert config.items == (Inner(1.0), Inner(5.0))
    assert (config.inner.kind, config.maybe, config.shares) == ("sgd", 4, {"x": 0.5})


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("innner.kind=sgd", "--set innner.kind=sgd: unknown key 'innner' – did you mean 'inner'?"),
        ("inner.kind", "got no 'key=value'"),
        ("count=x", "--set count=x: count – got 'x'"),
        ("items.7.rate=1", "got item '7', expected 0 to 0"),
        ("name.x=1", "lies below a plain value 'a'"),
    ],
)
def test_wrong_overrides_are_named(write, override: str, message: str):
    with pytest.raises(ConfigError) as caught:
        load_config(write("name: a\nitems: [{}]\n"), [override], Schema)
    assert message in str(caught.value)


def test_base_is_merged_and_errors_name_the_base_file(write):
    write("count: 5\ninner: {rate: 2, kind: sgd}\nitems: [{rate: 1}]\n", "base.yaml")
    path = write("base: base.yaml\nname: a\ninner: {rate: 3}\nitems: []\n")
    assert load_config(path, (), Schema) == Schema("a", 5, inner=Inner(3.0, "sgd"))
    write("count: no\n", "base.yaml")
    with pytest.raises(ConfigError, match=r"base\.yaml:1: count"):
        load_config(path, (), Schema)


def test_base_circle_is_an_error(write):
    path = write("base: c.yaml\nname: a\n")
    with pytest.raises(ConfigError, match="leads back"):
        load_config(path, (), Schema)


def test_environment_variables_in_paths(write, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FXDET_TEST_ROOT", "/somewhere")
    path = write("name: a\nfolder: ${FXDET_TEST_ROOT}/x/${FXDET_NOT_SET:-y}\n")
    assert load_config(path, (), Schema).folder == Path("/somewhere/x/y")


@given(
    st.builds(
        Schema,
        name=st.text(st.characters(codec="utf-8", exclude_characters="$", exclude_categories=("C",)), max_size=20),
        count=st.integers(),
        inner=st.builds(Inner, rate=st.floats(min_value=1e-9, max_value=1e9)),
        shares=st.dictionaries(st.text("abc", min_size=1), st.floats(-1e9, 1e9), max_size=3),
        maybe=st.none() | st.integers(),
        flag=st.booleans(),
    )
)
def test_resolved_config_reads_back_equal(tmp_path_factory: pytest.TempPathFactory, config: Schema):
    path = tmp_path_factory.mktemp("config") / "c.yaml"
    path.write_text(config_to_yaml(config), encoding="utf-8")
    assert load_config(path, (), Schema) == config


CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "cls").glob("*.yaml"))


@pytest.mark.parametrize("path", [path for path in CONFIGS if path.name != "base.yaml"], ids=lambda path: path.name)
def test_shipped_configs_are_valid(path: Path, tmp_path: Path):
    config = load_config(path, (), ClassifierConfig)
    resolved = tmp_path / "resolved.yaml"
    resolved.write_text(config_to_yaml(config), encoding="utf-8")
    assert load_config(resolved, (), ClassifierConfig) == config


def test_a_part_can_not_be_trained_and_validated_on(write):
    text = "name: a\ntag: b\narchitecture: c\nrun: r\npreprocess: {size: 64}\nsources:\n- path: x\n  val: [train]\n"
    with pytest.raises(ConfigError, match=r"c\.yaml:8: sources\[0\]\.val: got part 'train'"):
        load_config(write(text), (), ClassifierConfig)
