"""What an audit's figures mean and what to do, in plain sentences, the most important first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from fxdet.core.wording import counted
from fxdet.data.audit.results import AuditResult, Baseline, Fault, Leak, Shortcuts, Tie
from fxdet.data.audit.wording import auroc_text, part_name, percent, percent_interval

Level = Literal["bad", "look", "fine"]
"""``bad``: figures on this data mislead; ``look``: a person should look; ``fine``: nothing to do."""

STRONG_SHORTCUT, WEAK_SHORTCUT = 0.75, 0.6
"""AUROC (lower end of its interval) from which properties of the file alone are a strong, or a weak, shortcut."""

LOOK_UP_GAIN = 0.1
"""How far the no-learning look-up must lie above the majority (its interval's lower end) to be worth a warning."""

_ORDER: dict[Level, int] = {"bad": 0, "look": 1, "fine": 2}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One finding in words.

    Attributes:
        topic: ``leak``, ``conflict``, ``look-up``, ``shortcut``, ``faults``, ``duplicates``, ``classes`` or ``names``.
        level: How bad it is.
        finding: What was found, one sentence.
        advice: What it means and what to do, one sentence.
    """

    topic: str
    level: Level
    finding: str
    advice: str


def judge(result: AuditResult) -> list[Verdict]:
    """Return the verdicts on an audit, the worst first, and in the same order of topics otherwise."""
    found = [
        *_leaks(result),
        *_conflicts(result),
        *_baselines(result),
        *_shortcuts(result),
        *_faults(result),
        *_duplicates(result),
        *_classes(result),
        *_names(result),
    ]
    return sorted(found, key=lambda verdict: _ORDER[verdict.level])


def worst_leaks(result: AuditResult) -> list[Leak]:
    """Return for each contaminated part the source within its set that it shares most with, the worst part first."""
    worst: dict[str, Leak] = {}
    for leak in result.leaks:
        inside = set_of(leak.part) == set_of(leak.source)
        if inside and leak.near and (leak.part not in worst or leak.near > worst[leak.part].near):
            worst[leak.part] = leak
    return sorted(worst.values(), key=lambda leak: -leak.near / max(leak.total, 1))


def tie_counts(result: AuditResult) -> dict[Tie, tuple[int, int]]:
    """Return tie → groups of pictures that are alike at least that much, and pictures in them.

    The chain of a group holds its strongest links, so that those of equal bytes alone connect all equal files.
    """
    counts: dict[Tie, tuple[int, int]] = {}
    kept: set[str] = set()
    for tie in get_args(Tie):
        kept.add(tie)
        links = [link for group in result.groups for link in group.links if link.tie in kept]
        pictures = {index for link in links for index in (link.first, link.second)}
        # A tree of n pictures has n - 1 links.
        counts[tie] = (len(pictures) - len(links), len(pictures))
    return counts


def set_of(part: str) -> str:
    """Return the set of a ``set/part``."""
    return part.rpartition("/")[0]


def is_misleading(baseline: Baseline) -> bool:
    """Whether a look-up without learning is clearly better than the majority."""
    return bool(baseline.total) and baseline.interval[0] > baseline.majority / baseline.total + LOOK_UP_GAIN


def shortcut_level(shortcuts: Shortcuts) -> Level:
    """Return how strongly a set's file properties tell its label."""
    low = shortcuts.interval[0] if shortcuts.interval else (shortcuts.auroc or 0.5)
    return "bad" if low >= STRONG_SHORTCUT else "look" if low >= WEAK_SHORTCUT else "fine"


def label_faults(result: AuditResult) -> tuple[Fault, ...]:
    """Return the faults of files and labels; tiny classes are told with the classes."""
    return tuple(fault for fault in result.faults if fault.code != "tiny_class")


def _leaks(result: AuditResult) -> Iterator[Verdict]:
    leaks = worst_leaks(result)
    for leak in leaks:
        part, source = part_name(leak.part, result), part_name(leak.source, result)
        share = f"{percent(leak.near, leak.total)}, 95 % interval {percent_interval(leak.interval)}"
        yield Verdict(
            "leak",
            "bad",
            f"{leak.near:,} of {leak.total:,} pictures of {part} ({share}) are also in {source}.",
            f"A model trained on {source} has seen them: a score on {part} rewards memory. Split by groups with "
            "fxdet data split, or leave these pictures out.",
        )
    yield from _shared_sets(result)
    if result.leaks and not any(leak.near for leak in result.leaks):
        yield Verdict("leak", "fine", "No picture of an evaluation part is also in another part or set.", "")


def _shared_sets(result: AuditResult) -> Iterator[Verdict]:
    """Yield one verdict for each two sets that share pictures."""
    shared = {(set_of(leak.part), set_of(leak.source)): leak for leak in result.leaks if leak.part.endswith("/*")}
    for (first, second), leak in shared.items():
        back = shared.get((second, first))
        if first < second and back is not None and leak.near:
            yield Verdict(
                "leak",
                "bad",
                f"{leak.near:,} of {leak.total:,} pictures of {first} and {back.near:,} of {back.total:,} of {second} "
                "are the same radiographs.",
                "The two are not independent: leave the shared pictures out before one tests what the other taught.",
            )


def _conflicts(result: AuditResult) -> Iterator[Verdict]:
    groups = [group for group in result.groups if group.conflict]
    if groups:
        pictures = sum(len(group.members) for group in groups)
        shows = "shows" if len(groups) == 1 else "show"
        yield Verdict(
            "conflict",
            "bad",
            f"{counted(len(groups), 'group')} of {counted(pictures, 'picture')} {shows} one radiograph with "
            "opposite labels.",
            "At least one label of each is wrong: look at the pairs, correct the labels or leave the groups out.",
        )


def _baselines(result: AuditResult) -> Iterator[Verdict]:
    for line in result.baselines:
        if line.majority == line.total:
            continue  # one label only: nothing to tell apart
        part, source = part_name(line.part, result), part_name(line.source, result)
        bad = is_misleading(line)
        yield Verdict(
            "look-up",
            "bad" if bad else "fine",
            f"Copying the label of the most similar picture of {source}, with no learning, gets "
            f"{percent(line.right, line.total)} of {part} right (interval {percent_interval(line.interval)}; always "
            f"saying the more frequent label: {percent(line.majority, line.total)}).",
            f"An accuracy near this on {part} is no evidence of skill." if bad else "",
        )


def _shortcuts(result: AuditResult) -> Iterator[Verdict]:
    for found in result.shortcuts:
        if found.auroc is None:
            continue
        level = shortcut_level(found)
        top = [feature.name for feature in found.features[:3] if feature.auroc is not None]
        named = "" if len(result.sets) < 2 else f" of {found.set_name}"
        advice = (
            "" if level == "fine" else "A network can score without looking at bone: recode all files alike, and test "
            "on data from elsewhere."
        )  # fmt: skip
        yield Verdict(
            "shortcut",
            level,
            f"Properties of the files{named} alone, without looking at bone, tell fractured from normal with AUROC "
            f"{auroc_text(found.auroc, found.interval)}" + (f"; strongest: {', '.join(top)}." if top else "."),
            advice,
        )


def _faults(result: AuditResult) -> Iterator[Verdict]:
    faults = label_faults(result)
    if not faults:
        yield Verdict("faults", "fine", "No fault in files and labels.", "")
        return
    codes = Counter(fault.code for fault in faults)
    listed = ", ".join(f"{code} {number:,}" for code, number in codes.most_common(5))
    more = f" and {len(codes) - 5} more kinds" if len(codes) > 5 else ""
    yield Verdict(
        "faults",
        "look",
        f"{counted(len(faults), 'fault')} in files and labels: {listed}{more}.",
        "Each is named with its place; correct them or leave the pictures out.",
    )


def _duplicates(result: AuditResult) -> Iterator[Verdict]:
    if not result.groups:
        yield Verdict("duplicates", "fine", "No picture occurs twice.", "")
        return
    pictures = sum(len(group.members) for group in result.groups)
    yield Verdict(
        "duplicates",
        "look",
        f"{counted(pictures, 'picture')} belong to {counted(len(result.groups), 'group')} of the same radiograph: "
        f"{len(result.files) - pictures + len(result.groups):,} distinct pictures of {len(result.files):,}.",
        "Keep each group within one part, and count it once when you state n.",
    )


def _classes(result: AuditResult) -> Iterator[Verdict]:
    tiny = [count for count in result.classes if count.tiny]
    if tiny:
        nouns = {"label": ("picture", "pictures"), "box": ("box", "boxes")}
        names = ", ".join(f"{count.name} ({counted(count.total, *nouns[count.kind])})" for count in tiny[:5])
        more = f" and {len(tiny) - 5} more" if len(tiny) > 5 else ""
        yield Verdict(
            "classes",
            "look",
            f"{counted(len(tiny), 'class is', 'classes are')} too small to be learned or measured: {names}{more}.",
            "Join them with others, leave them out, or state no figure for them alone.",
        )


def _names(result: AuditResult) -> Iterator[Verdict]:
    if result.collisions:
        yield Verdict(
            "names",
            "fine",
            f"{counted(len(result.collisions), 'name')} {'is' if len(result.collisions) == 1 else 'are'} shared by "
            "different pictures of different parts or sets.",
            "These are not leaks: the pixels differ.",
        )
