"""What ``--fail-on`` can ask for, and whether an audit found it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from fxdet.core.errors import ConfigError, did_you_mean
from fxdet.data.audit.faults import FAULTS
from fxdet.data.audit.results import AuditResult
from fxdet.data.audit.verdicts import is_misleading, label_faults, shortcut_level

FINDINGS = {
    "leak": "a picture of an evaluation part is also in another part or set",
    "conflict": "one radiograph with opposite labels",
    "duplicate": "a picture occurs twice, in any part",
    "look-up": "a look-up without learning is clearly better than the majority",
    "shortcut": "properties of the files alone tell the label (AUROC's lower limit at least 0.75)",
    "fault": "any fault of files or labels (tiny classes apart)",
}
"""Code → what it stands for; the codes of :data:`fxdet.data.audit.faults.FAULTS` can be asked for as well."""


def fail_codes(text: str) -> tuple[str, ...]:
    """Return the codes of a comma-separated list.

    Raises:
        ConfigError: A code is unknown.

    Example:
        >>> fail_codes("leak, conflict,leak")
        ('leak', 'conflict')
    """
    codes = dict.fromkeys(code.strip().lower() for code in text.split(",") if code.strip())
    for code in codes:
        if code not in FINDINGS and code not in FAULTS:
            raise ConfigError(f"--fail-on: got '{code}'{did_you_mean(code, [*FINDINGS, *FAULTS])}")
    return tuple(codes)


def found_codes(result: AuditResult, codes: Iterable[str]) -> dict[str, int]:
    """Return those of the codes that the audit found, with how often.

    Args:
        result: The audit.
        codes: From :func:`fail_codes`.
    """
    numbers = Counter(fault.code for fault in result.faults)
    numbers.update(
        {
            "leak": sum(leak.near > 0 for leak in result.leaks),
            "conflict": sum(group.conflict for group in result.groups),
            "duplicate": len(result.groups),
            "look-up": sum(is_misleading(baseline) for baseline in result.baselines),
            "shortcut": sum(shortcut_level(found) == "bad" for found in result.shortcuts),
            "fault": len(label_faults(result)),
        }
    )
    return {code: numbers[code] for code in codes if numbers[code]}
