"""Numbers as people write them."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str | None = None) -> str:
    """Return a number with its noun.

    Example:
        >>> counted(1, "picture"), counted(1200, "picture"), counted(2, "class", "classes")
        ('1 picture', '1,200 pictures', '2 classes')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
