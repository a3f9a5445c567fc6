"""Mending a list whose parts share groups: evaluation parts keep their pictures, training loses what they know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fxdet.data.samples import Sample, SampleSet
from fxdet.data.split_groups import Grouping
from fxdet.data.split_matching import match_names
from fxdet.data.splits import SplitList, SplitRow, split_samples
from fxdet.data.splitting import SEVERAL, SplitPlan, conflicting_groups

EVALUATION = ("test", "val")
"""Parts that keep what they share with another, the first one first."""


def mended_split(samples: SampleSet, grouping: Grouping, split: SplitList) -> SplitPlan:
    """Return a list with the same parts in which no group is shared.

    A group that lies in several parts stays in the first of test, val, and the others in the order of their names; its
    pictures elsewhere are left out. Groups with opposite labels stay in test alone, whose pictures never change.

    Args:
        samples: The set, as published.
        grouping: Which pictures belong together.
        split: The list to be mended; its folds follow the first picture of a group.

    Raises:
        DataError: The list is of another set.
    """
    placed, _ = split_samples(samples, split, allow_leak=True)
    by_group: dict[str, list[Sample]] = {}
    for sample in placed:
        by_group.setdefault(grouping.group[sample.name], []).append(sample)
    conflicts = conflicting_groups(samples, grouping)
    home = {group: _home(members) for group, members in by_group.items()}
    folds = {group: _fold(members) for group, members in by_group.items()}
    rows = []
    for row, sample in zip(_listed(split, placed), placed, strict=True):
        group = grouping.group[sample.name]
        reason = _reason(sample, home[group], group in conflicts)
        columns = {**row.columns, **({"reason": reason} if reason else {})}
        rows.append(SplitRow(row.name, group, None if reason else sample.part, folds[group], columns, row.file))
    rows += _left_out_before(split, grouping, samples)
    rule = f"{split.source} ({split.sha256[:12]}) without what its parts share; {grouping.rule}"
    return SplitPlan(split.set_name or samples.name, split.seed, rule, tuple(sorted(rows, key=lambda row: row.name)))


def _listed(split: SplitList, placed: SampleSet) -> list[SplitRow]:
    """Return the row of each sample: those in a part, in the samples' order."""
    rows = {row.name: row for row in split.rows}
    found = match_names([sample.name for sample in placed], list(rows), split.source)
    by_sample = {name: rows[listed] for listed, name in found.items()}
    return [by_sample[sample.name] for sample in placed]


def _left_out_before(split: SplitList, grouping: Grouping, samples: SampleSet) -> list[SplitRow]:
    found = match_names([sample.name for sample in samples], [row.name for row in split.rows], split.source)
    reason = {"reason": f"not in {split.source}"}
    return [
        SplitRow(row.name, grouping.group[found[row.name]], None, None, {**row.columns, **reason})
        for row in split.rows
        if row.part is None and row.name in found
    ]


def _home(members: Sequence[Sample]) -> str:
    parts = {sample.part or "" for sample in members}
    return next((part for part in EVALUATION if part in parts), min(parts))


def _fold(members: Sequence[Sample]) -> int | None:
    folds: Mapping[str, str] = members[0].attributes
    return int(folds["fold"]) if "fold" in folds else None


def _reason(sample: Sample, home: str, conflict: bool) -> str:
    if sample.part == EVALUATION[0]:
        return ""
    if sample.part != home:
        return f"its like is in {home}"
    return SEVERAL if conflict else ""
