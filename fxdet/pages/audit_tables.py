"""Tables of what the audit found in the public sets, from ``docs/results/audit.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from fxdet.core.errors import DataError
from fxdet.data.audit.wording import TIE_WORDS, percent, percent_interval
from fxdet.pages.sources import Record, joined, table

RESULT = "audit.json"

ALL_SETS = "all three"
"""Key of the result file under which all sets are compared with each other."""


def figures_table(measured: Record) -> str:
    """Return what the audit found in each set, and which sets share pictures."""
    alone = {name: found for name, found in measured.items() if name != ALL_SETS}
    rows = [
        ["pictures", *(_parts(found) for found in alone.values())],
        *(
            [f"{words} alike, groups (pictures)", *(_pair(found["duplicates"][tie]) for found in alone.values())]
            for tie, words in TIE_WORDS.items()
        ),
        ["opposite labels, groups (pictures)", *(_pair(found["opposite labels"]) for found in alone.values())],
        ["shared with another part", *(_leaks(found["leaks"]) for found in alone.values())],
        ["no learning: right (by hash; majority)", *(_look_ups(found["no learning"]) for found in alone.values())],
        ["shortcuts, AUROC (95 % interval)", *(_shortcuts(found["shortcuts"]) for found in alone.values())],
        [
            "faults",
            *(_joined(f"{code} {number}" for code, number in found["faults"].items()) for found in alone.values()),
        ],
        [
            "boxes of several classes, pictures",
            *(str(sum(found["several classes"].values())) for found in alone.values()),
        ],
        ["names of different pictures (no leaks)", *(str(found["shared names"]) for found in alone.values())],
    ]
    return "\n".join([table(("", *alone), rows), "", *_between(measured[ALL_SETS]["leaks"])])


def _parts(found: Record) -> str:
    (facts,) = found["sets"].values()
    named = ((part if part != "-" else "no part", number) for part, number in facts["parts"].items())
    return f"{facts['pictures']:,} ({', '.join(f'{part} {number:,}' for part, number in named)})"


def _pair(counts: Record) -> str:
    return f"{counts['groups']:,} ({counts['pictures']:,})"


def _short(part: str) -> str:
    return part.rpartition("/")[2].replace("-", "no part")


def _leaks(leaks: list[Record]) -> str:
    met = (leak for leak in leaks if leak["near"])
    return _joined(
        f"{leak['near']} of {leak['total']} of {_short(leak['part'])} in {_short(leak['source'])}, "
        f"{percent(leak['near'], leak['total'])} ({leak['bytes']} by bytes)"
        for leak in met
    )


def _look_ups(lines: list[Record]) -> str:
    told = [line for line in lines if line["majority"] < line["total"]]
    return _joined(
        f"{_short(line['part'])} {percent(line['right'], line['total'])}"
        f" ({percent(line['right by hash'], line['total'])}; {percent(line['majority'], line['total'])})"
        for line in told
    )


def _shortcuts(shortcuts: list[Record]) -> str:
    return _joined(
        f"{found['auroc']:.3f} ({found['interval'][0]:.3f}–{found['interval'][1]:.3f}); {', '.join(found['strongest'])}"
        for found in shortcuts
    )


def _joined(parts: Iterable[str]) -> str:
    return joined(list(parts), "none")


def _between(leaks: list[Record]) -> list[str]:
    """Return a line for each set that shares pictures with another one."""
    shared = [leak for leak in leaks if leak["part"].endswith("/*") and leak["near"]]
    lines = [
        f"- {leak['near']:,} of {leak['total']:,} pictures of {leak['part'][:-2]} are also in {leak['source'][:-2]} "
        f"({leak['bytes']} by bytes)."
        for leak in shared
    ]
    return [*lines, "- No other two of these sets share a picture."]


def codes_table(meanings: Mapping[str, str]) -> str:
    """Return codes and meanings as a Markdown table."""
    return table(("code", "what"), [(f"`{code}`", text) for code, text in meanings.items()])


def leak_table(measured: Record, name: str) -> str:
    """Return how many pictures each pair of parts of a set shares.

    Args:
        measured: The result file.
        name: Name of the set, as in the result file.

    Raises:
        DataError: The file does not know the set.
    """
    rows = [
        (
            _short(leak["part"]),
            _short(leak["source"]),
            f"{leak['near']:,} of {leak['total']:,}",
            f"{percent(leak['near'], leak['total'])} ({percent_interval(tuple(leak['interval']))})",
            f"{leak['pixels']:,}",
            f"{leak['bytes']:,}",
        )
        for leak in _of_set(measured, name)["leaks"]
    ]
    head = ("pictures of", "that are also in", "nearly alike", "share (95 % interval)", "same pixels", "same bytes")
    return table(head, rows)


def leak_sentence(measured: Record, name: str) -> str:
    """Return the README's sentence on a set whose test part is mostly training pictures.

    Raises:
        DataError: The file does not know the set.
    """
    found = _of_set(measured, name)
    leak = next(item for item in found["leaks"] if item["part"].endswith("/test") and item["source"].endswith("/train"))
    guess = next(item for item in found["no learning"] if item["part"].endswith("/test"))
    share = percent(guess["right"], guess["total"])
    return (
        f"The public fracture sets leak: of the {leak['total']:,} test pictures of one of them, {leak['near']:,} are"
        f" training pictures, and a look-up\nwithout any learning scores {share} on it."
    )


def _of_set(measured: Record, name: str) -> Record:
    if name not in measured:
        raise DataError(f"result {RESULT} – no set '{name}', only {', '.join(measured)} – audit it first")
    found: Record = measured[name]
    return found
