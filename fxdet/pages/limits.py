"""Tables of the page of limits: operating points and subgroups, kinds of failure, where labelled boxes lie."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fxdet.core.errors import DataError
from fxdet.data.csv_rows import numbered_rows
from fxdet.evaluation.estimate import UNDEFINED, plain_number
from fxdet.evaluation.shares import share_estimate
from fxdet.evaluation.strata import LEAST
from fxdet.pages.sources import Record, Repository, estimate_of, table

SUBGROUPS = "builtin_subgroups.json"
"""Operating points and subgroups of the shipped pipeline, from ``tools/subgroup_results.py``."""

FAILURES = "builtin_failures.csv"
REGION_REVIEW = "bonefracture_region_review.csv"
ODD = "builtin_odd.csv"
MARK = " \\*"
"""Behind what too few radiographs or boxes tell: fewer than :data:`~fxdet.evaluation.strata.LEAST`."""

_POINTS = ("doubt", "definite")
_BOXES = {"box area": "area", "box share": "share of the radiograph"}
_BOX_WORDS = {
    ("box area", "small"): "up to 32² px",
    ("box area", "medium"): "32² to 96² px",
    ("box area", "large"): "over 96² px",
    ("box share", "small"): "up to 1/300 of the radiograph",
    ("box share", "medium"): "1/300 to 3/100 of it",
    ("box share", "large"): "over 3/100 of it",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of failure.

    Attributes:
        name: As in the result file, and with underscores the name of its drawing.
        words: What the page says of it.
    """

    name: str
    words: str

    @property
    def drawing(self) -> str:
        """File of its drawing, below ``docs``."""
        return f"images/limits/{self.name.replace(' ', '_').replace(chr(39), '')}.svg"


MISSES = (
    Kind("growing elbow", "a child's elbow: many small bones and growth plates, the broken one among them"),
    Kind("fine line at a bone end", "a fine line near the wrist or ankle, nothing displaced"),
    Kind("elbow chip or line", "a chip or fine line at the elbow of an adolescent or adult"),
    Kind("small bone", "a small bone of hand or foot on a picture of the whole limb"),
    Kind("plain but unusual", "broken right through and plain to see, in a pose that the sets hardly have"),
)
ALARMS = (
    Kind("wrist from the front", "a sound wrist, from the front or slanting: the dense band at the end of the radius"),
    Kind("wrist from the side", "a sound wrist from the side: radius and ulna lie over each other"),
    Kind("growing bone", "a growth plate, or a bone of a child that has not joined yet"),
    Kind("helper's hand", "another person's hand holds the limb: strange bones cross those of the patient"),
    Kind("plaster", "a cast or splint, with or without a fracture below it"),
    Kind("metal", "wires, screws or plates in a bone that is called sound"),
    Kind("ankle", "a sound ankle: the ends of tibia and fibula lie over each other"),
    Kind("worn joint", "a joint worn by age or illness"),
)
CASES = {"misses": (("miss", "elsewhere"), MISSES), "alarms": (("alarm",), ALARMS)}
"""Block → cases of the result file, and their kinds, which the page shows by how many there are."""


def points_table(repository: Repository) -> str:
    """Return sensitivity and specificity of each measured part at both operating points."""
    rows = []
    for part in repository.record(SUBGROUPS)["parts"]:
        counts = part["counts"]
        figures = [part["points"][point][name] for point in _POINTS for name in ("sensitivity", "specificity")]
        cells = [estimate_of(part["auroc"]).short, *(_cell(figure) for figure in figures)]
        rows.append((_part_name(part), f"{counts['fractured']:,} / {counts['normal']:,}", *cells))
    return table(("part", *_HEAD), rows)


_HEAD = (
    "fractured / normal",
    "AUROC",
    "doubt: sensitivity",
    "doubt: specificity",
    "definite: sensitivity",
    "definite: specificity",
)


def subgroups_table(repository: Repository, name: str, part: str) -> str:
    """Return the subgroups of one part; what too few radiographs tell carries an asterisk.

    Args:
        repository: The checkout.
        name: Set, e.g. ``fracatlas``.
        part: Part of it.
    """
    groups = [group for group in part_record(repository, name, part)["subgroups"] if group["kind"] not in _BOXES]
    rows = [
        (f"{group['kind']}: {group['name']}", f"{group['positives']:,} / {group['n'] - group['positives']:,}",
         *_group_cells(group))
        for group in groups
    ]  # fmt: skip
    return table(("subgroup", *_HEAD), rows)


def _group_cells(group: Record) -> Iterator[str]:
    auroc = group["figures"]["auroc"]
    yield _marked(auroc) if group["too_small"] else estimate_of(auroc).short
    for point in _POINTS:
        yield from (_cell(group["figures"][f"{name}_{point}"]) for name in ("sensitivity", "specificity"))


def boxes_table(repository: Repository) -> str:
    """Return how many reference boxes of each size were found, on every part."""
    parts = repository.record(SUBGROUPS)["parts"]
    rows = []
    for (kind, size), words in _BOX_WORDS.items():
        cells = []
        for part in parts:
            found = next((g for g in part["subgroups"] if (g["kind"], g["name"]) == (kind, size)), None)
            cells.append(UNDEFINED if found is None else _with_n(next(iter(found["figures"].values()))))
        rows.append((words, *cells))
    return table(("reference box", *(_part_name(part) for part in parts)), rows)


def failures_table(repository: Repository, block: str) -> str:
    """Return the kinds of misses or false alarms, the most frequent first.

    Args:
        repository: The checkout.
        block: Key of :data:`CASES`.

    Raises:
        DataError: The file has a kind that the page does not know, or the page one that does not occur.
    """
    cases, kinds = CASES[block]
    found = [row for row in _csv(repository, FAILURES) if row["case"] in cases]
    known = {kind.name for kind in kinds}
    if odd := sorted({row["kind"] for row in found} ^ known):
        raise DataError(f"result {FAILURES} – kind '{odd[0]}' of {block} – not in the file, or not in {__name__}")
    counted = [(kind, [row for row in found if row["kind"] == kind.name]) for kind in kinds]
    counted.sort(key=lambda item: -len(item[1]))
    rows = [
        (f"![Drawing: {kind.words}]({kind.drawing})", kind.words, str(len(rows)), str(_doubted(rows)))
        for kind, rows in counted
    ]
    rows.append(("", "all", str(len(found)), str(_doubted(found))))
    return table(("", "what is seen", "radiographs", "label in doubt"), rows)


def _doubted(rows: Sequence[Record]) -> int:
    return sum(row["doubted"] == "yes" for row in rows)


def odd_table(repository: Repository) -> str:
    """Return what the pipeline says of pictures that it is not meant for."""
    rows = [
        (
            row["shows"],
            row["probability"].removeprefix("0") or UNDEFINED,
            row["decision"],
            _named(row),
            row["told"] or "nothing",
        )
        for row in _csv(repository, ODD)
    ]
    return table(("picture", "probability", "decision", "region", "what fxdet tells"), rows)


def _named(row: Record) -> str:
    return f"{row['region']}, {row['region_probability'].removeprefix('0')}" if row["region"] else UNDEFINED


def region_review_table(repository: Repository) -> str:
    """Return where the labelled boxes of the reviewed pictures lie, with Wilson intervals over their sources."""
    rows = _csv(repository, REGION_REVIEW)
    verdicts = list(dict.fromkeys(row["verdict"] for row in sorted(rows, key=lambda row: row["verdict"])))
    cells = []
    for label in dict.fromkeys(row["label"] for row in rows):
        of_label = [row for row in rows if row["label"] == label]
        sources = [row["source"] for row in of_label]
        shares = [share_estimate([row["verdict"] == verdict for row in of_label], sources) for verdict in verdicts]
        counts = [
            f"{sum(row['verdict'] == verdict for row in of_label)}: {share.short}"
            for verdict, share in zip(verdicts, shares, strict=True)
        ]
        cells.append((f"{label} positive", f"{len(of_label)} ({len(set(sources))})", *counts))
    return table(("label", "pictures (sources)", *(f"at the {verdict}" for verdict in verdicts)), cells)


def ceiling_sentence(repository: Repository, part: str = "test") -> str:
    """Return what top-1 of six a reader would reach who names the place of the fracture.

    Args:
        repository: The checkout.
        part: Part of BoneFractureYolo8.
    """
    groups = [g for g in part_record(repository, "BoneFractureYolo8", part)["subgroups"] if g["kind"] == "region"]
    labelled = sum(group["positives"] for group in groups)
    fingers = next(group["positives"] for group in groups if group["name"] == "fingers")
    rows = [row for row in _csv(repository, REGION_REVIEW) if row["label"] == "fingers"]
    share = share_estimate([row["verdict"] == "wrist" for row in rows], [row["source"] for row in rows])
    lost = [fingers / labelled * (value or 0.0) for value in (share.value, share.low, share.high)]
    value, high, low = (plain_number(1 - loss) for loss in lost)
    return (
        f"{fingers} of the {labelled} labelled pictures of the {part} part are called *fingers*. If as many of them"
        " show a wrist as of those that were looked at, a reader who names the place of every fracture rightly has a"
        f" top-1 of about {value} ({low}–{high})."
    )


def part_record(repository: Repository, name: str = "fracatlas", part: str = "test") -> Record:
    """Return what the shipped pipeline reaches on a part.

    Raises:
        DataError: The result file has no such part.
    """
    parts: list[Record] = repository.record(SUBGROUPS)["parts"]
    found = next((item for item in parts if (item["set"], item["part"]) == (name, part)), None)
    if found is None:
        raise DataError(f"result {SUBGROUPS} – {name} {part} is missing – run tools/subgroup_results.py with it")
    return found


def _part_name(part: Record) -> str:
    looks = f", look {part['looks']}" if part["looks"] else ""
    return f"{part['set']} {part['part']}{looks}"


def _cell(figure: Record) -> str:
    """Return a share with its interval, or, of few rows, how many of how many."""
    count = figure["n"]
    return f"{round(figure['value'] * count)} of {count}{MARK}" if 0 < count < LEAST else estimate_of(figure).short


def _marked(figure: Record) -> str:
    return estimate_of(figure).short + (MARK if figure["value"] is not None else "")


def _with_n(figure: Record) -> str:
    if figure["value"] is None or figure["n"] < LEAST:
        return _cell(figure)
    return f"{_cell(figure)}, n = {figure['n']:,}"


def _csv(repository: Repository, name: str) -> list[dict[str, str]]:
    path = repository.results / name
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"can't read result {path} – {error.strerror} – restore it") from error
    return [row for _, row in numbered_rows(text, str(path))]
