"""``fxdet data split``: a list that says which picture is in which part, with groups kept together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fxdet.core.text_table import aligned_lines

if TYPE_CHECKING:
    from fxdet.data.samples import SampleSet
    from fxdet.data.split_groups import Duplicates
    from fxdet.data.splits import SplitRow
    from fxdet.data.splitting import SplitPlan

PUBLISHED = "published"


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Split list to write, a CSV file.")
@click.option(
    "--parts", metavar="NAME=SHARE,…", help="As train=.7,val=.1,test=.2; or: published, the parts as they are."
)
@click.option("--mend", metavar="LIST", help="Take a list's parts; leave out what they share, test and val stay.")
@click.option("--folds", type=int, default=0, help="Folds for cross-validation, e.g. 5.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the draw.")
@click.option("--stratify", default="label,region", show_default=True, help="What is spread evenly, or none.")
@click.option("--keep", multiple=True, metavar="PART=NAME,…", help="Published parts that go to a part: test=val,test.")
@click.option(
    "--groups",
    type=click.Choice(["auto", "set", "audit", "both", "none"]),
    default="auto",
    show_default=True,
    help="What belongs together: the set's own patients and studies, the audit's near-duplicates, or both. auto: the "
    "set's own where it states them, else near-duplicates.",
)
@click.option("--audit", type=click.Path(path_type=Path), help="JSON file of an audit: its groups, no new search.")
@click.option(
    "--against", multiple=True, type=click.Path(path_type=Path), help="Other set; pictures found there get same_as."
)
@click.option("--layout", help="Layout of the set, where it is not recognised.")
@click.option("--meanings", type=click.Path(path_type=Path), help="YAML file: class name → kind, regions, …")
def split(
    path: Path,
    output: Path,
    parts: str | None,
    mend: str | None,
    folds: int,
    seed: int,
    stratify: str,
    keep: tuple[str, ...],
    groups: str,
    audit: Path | None,
    against: tuple[Path, ...],
    layout: str | None,
    meanings: Path | None,
) -> None:
    """Split the set PATH into parts or folds.

    Pictures that belong together stay together, labels and regions are spread evenly, and groups with opposite labels
    are left out. The list is a CSV file that --split takes.
    """
    from fxdet.cli.opening import Opening
    from fxdet.data.split_groups import group_samples
    from fxdet.data.split_mending import mended_split
    from fxdet.data.split_writing import picture_checksums, write_split
    from fxdet.data.splits import named_split
    from fxdet.data.splitting import SplitOptions, make_split, published_split

    # Wrong options show before a search of minutes.
    options, listed = None, named_split(mend) if mend else None
    if (mend or parts == PUBLISHED) and (folds or keep or (mend and parts)):
        raise click.UsageError("--mend and --parts published take the parts as they are: no --folds, --keep or shares")
    if not mend and parts != PUBLISHED:
        strata = () if stratify == "none" else tuple(_words(stratify))
        options = SplitOptions(_shares(parts or ""), folds, seed, strata, _kept(keep))
    samples = Opening(path, layout, None, meanings).open()
    duplicates = _duplicates(samples, groups, audit, against)
    grouping = group_samples(samples, duplicates, own=groups not in ("audit", "none"))
    if listed is not None:
        plan = mended_split(samples, grouping, listed)
    elif options is not None:
        plan = make_split(samples, grouping, options)
    else:
        plan = published_split(samples, grouping)
    known = [found.sha256 for found in duplicates.fingerprints[: len(samples)]] if duplicates else []
    digest = write_split(output, plan, picture_checksums(samples, known or None))
    click.echo("\n".join([*_summary(plan), f"{output}  sha256 {digest}"]))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _shares(text: str) -> dict[str, float]:
    shares = {}
    for word in _words(text):
        name, _, share = word.partition("=")
        try:
            shares[name.strip()] = float(share)
        except ValueError as error:
            raise click.UsageError(f"--parts: got '{word}', expected NAME=SHARE, as train=.7") from error
    return shares


def _kept(texts: Sequence[str]) -> dict[str, tuple[str, ...]]:
    kept = {}
    for text in texts:
        part, _, names = text.partition("=")
        if not _words(names):
            raise click.UsageError(f"--keep: got '{text}', expected PART=NAME,…, as test=val,test")
        kept[part.strip()] = tuple(_words(names))
    return kept


def _duplicates(samples: SampleSet, groups: str, audit: Path | None, against: tuple[Path, ...]) -> Duplicates | None:
    from fxdet.data.formats import open_samples
    from fxdet.data.split_groups import find_duplicates, has_groups, read_duplicates

    if groups in ("set", "none") and (audit or against):
        raise click.UsageError(f"--groups {groups} looks at no near-duplicates: leave out --audit and --against")
    if audit:
        if against:
            raise click.UsageError("--audit brings its own sets: leave out --against, or audit with --against")
        return read_duplicates(audit)
    if groups in ("audit", "both") or against or (groups == "auto" and not has_groups(samples)):
        return find_duplicates([samples, *(open_samples(other) for other in against)])
    return None


def _summary(plan: SplitPlan) -> list[str]:
    """Return parts, folds, what is left out and what is shared, in aligned lines."""
    from fxdet.data.splits import groups_in_several

    rows = [row for row in plan.rows if row.part is not None]
    lines = [f"{plan.set_name}: {plan.rule}", *_table("part", rows, [str(row.part) for row in rows])]
    if any(row.fold is not None for row in rows) and not all(row.part == f"fold{row.fold}" for row in rows):
        lines += _table("fold", rows, [str(row.fold) for row in rows])
    lines += [f"left out: {number:,} – {reason}" for reason, number in plan.left_out().items()]
    shared = groups_in_several((row.group, row.part) for row in rows)
    if shared:
        lines.append(
            f"LEAKY: {len(shared):,} groups lie in more than one part, the first is {shared[0]}; training and "
            "evaluation take this list with --allow-leak only"
        )
    return lines


def _table(kind: str, rows: Sequence[SplitRow], names: Sequence[str]) -> list[str]:
    heads = [kind, "pictures", "share", "groups", "fractured", "normal"]
    cells = [heads]
    for name in dict.fromkeys(sorted(names)):
        own = [row for row, part in zip(rows, names, strict=True) if part == name]
        labels = [row.columns.get("fractured") for row in own]
        share = f"{len(own) / len(rows):.1%}"
        groups = len({row.group for row in own})
        cells.append([name, f"{len(own):,}", share, f"{groups:,}", f"{labels.count('1'):,}", f"{labels.count('0'):,}"])
    return aligned_lines(cells, numbers=range(1, len(heads)))
