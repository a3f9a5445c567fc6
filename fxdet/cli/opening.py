"""What the commands about data sets share: how a set is opened, and the progress bar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from fxdet.data.samples import SampleSet

_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Opening:
    """How a set is opened: path and the options that ``info`` and ``browse`` share."""

    path: Path
    layout: str | None
    split: str | None
    meanings: Path | None

    def open(self) -> SampleSet:
        """Read the set, and set its parts by the split list if there is one."""
        from fxdet.data.formats import open_samples
        from fxdet.data.formats.meanings import read_meanings
        from fxdet.data.splits import apply_split, named_split

        own = read_meanings(self.meanings) if self.meanings else None
        samples = open_samples(self.path, self.layout, own)
        # Looking at a leaky split is how one learns of the leak; training and evaluation refuse it.
        return samples if self.split is None else apply_split(samples, named_split(self.split), allow_leak=True)


def opening_options(command: Any) -> Any:
    """Add the options of :class:`Opening` to a command."""
    for option in (
        click.option("--meanings", type=click.Path(path_type=Path), help="YAML file: class name → kind, regions, …"),
        click.option("--split", help="Split list: a CSV file, or a built-in one, as fracatlas/grouped."),
        click.option("--layout", help="Layout of the set, where it is not recognised."),
        click.argument("path", type=click.Path(path_type=Path)),
    ):
        command = option(command)
    return command


def progress(items: Iterable[_Item], length: int, unit: str) -> Iterable[_Item]:
    """Return the items with a progress bar on stderr; there is none where stderr is no terminal."""
    from tqdm import tqdm

    bar: Iterable[_Item] = tqdm(items, total=length, unit=f" {unit}", disable=None, leave=False)
    return bar
