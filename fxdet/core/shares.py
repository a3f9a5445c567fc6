"""The interval of a share, which the audit and the evaluation both state."""

from __future__ import annotations

from math import sqrt

Z95 = 1.959963984540054
"""Quantile of the normal distribution that leaves 2.5 % above."""


def wilson_interval(successes: float, total: float, z: float = Z95) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927).

    Args:
        successes: How many; a fraction is allowed for an effective number.
        total: Of how many; 0 gives (0, 1).
        z: Quantile of the normal distribution; the default is 95 %.

    Example:
        >>> [round(limit, 3) for limit in wilson_interval(9, 10)]
        [0.596, 0.982]
    """
    if not 0 <= successes <= total:
        raise ValueError(f"wilson_interval: got {successes} of {total}, expected 0 <= successes <= total")
    if total == 0:
        return 0.0, 1.0
    share, scale = successes / total, 1 + z * z / total
    middle = (share + z * z / (2 * total)) / scale
    half = z * sqrt(share * (1 - share) / total + z * z / (4 * total * total)) / scale
    # At 0 and n of n the limit is exactly 0 or 1; rounding would miss it.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    high = 1.0 if successes == total else min(1.0, middle + half)
    return low, high
