"""Words and numbers that the terminal summary and the page write alike."""

from __future__ import annotations

from fxdet.data.audit.results import AuditResult

NOTICE = "For research only; nothing here is a diagnosis."

TIE_WORDS = {"bytes": "byte for byte", "pixels": "pixel for pixel", "near": "nearly"}
"""Tie → how two pictures are the same."""


def percent(part: float, whole: float) -> str:
    """Return a share in per cent.

    Example:
        >>> percent(16, 82), percent(1, 0)
        ('19.5 %', '–')
    """
    return f"{100 * part / whole:.1f} %" if whole else "–"


def percent_interval(interval: tuple[float, float]) -> str:
    """Return an interval of shares in per cent.

    Example:
        >>> percent_interval((0.124, 0.294))
        '12.4–29.4 %'
    """
    return f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f} %"


def auroc_text(auroc: float | None, interval: tuple[float, float] | None = None) -> str:
    """Return an AUROC with its interval.

    Example:
        >>> auroc_text(0.7123, (0.69, 0.734)), auroc_text(None)
        ('0.712 (0.690–0.734)', '–')
    """
    if auroc is None:
        return "–"
    return f"{auroc:.3f}" + (f" ({interval[0]:.3f}–{interval[1]:.3f})" if interval else "")


def part_name(part: str, result: AuditResult) -> str:
    """Return ``set/part`` as a reader needs it: without the only set's name, ``-`` in words, ``set/*`` as the set.

    Example:
        >>> part_name("a/val", AuditResult((), ()))
        'val'
    """
    name, _, short = part.rpartition("/")
    if short == "*":
        return name
    short = "no part" if short == "-" else short
    return short if len(result.sets) < 2 else f"{name}/{short}"


def label_text(fractured: bool | None, label: str | None) -> str:
    """Return what a picture is labelled as; the set's own word where it says more.

    Example:
        >>> label_text(True, "Fractured"), label_text(False, "wrist"), label_text(None, None)
        ('fractured', 'normal (wrist)', 'no label')
    """
    known = {True: "fractured", False: "normal", None: ""}[fractured]
    own = label or ""
    if own.lower().replace("_", " ") in {"", known, "non fractured", "not fractured"}:
        return known or own or "no label"
    return f"{known} ({own})" if known else own


def printable(text: str) -> str:
    r"""Return text that every terminal and page can show; bytes of a name that are no UTF-8 become ``\udcff``.

    Example:
        >>> printable("a\udcff.png")
        'a\\udcff.png'
    """
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
