"""The counts of an audit, without files and pictures: small enough to be kept beside the documentation."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fxdet.data.audit.results import AuditResult
from fxdet.data.audit.verdicts import tie_counts


def figures(result: AuditResult) -> dict[str, Any]:
    """Return the counts of an audit as JSON data; they depend on the data alone, not on time or place.

    AUROCs and limits are rounded to three digits.
    """
    conflicts = [group for group in result.groups if group.conflict]
    return {
        "version": result.version,
        "threshold": result.settings.get("threshold"),
        "sets": {facts.name: {"pictures": facts.files, "parts": dict(facts.parts)} for facts in result.sets},
        "duplicates": {
            tie: {"groups": groups, "pictures": pictures} for tie, (groups, pictures) in tie_counts(result).items()
        },
        "opposite labels": {"groups": len(conflicts), "pictures": sum(len(group.members) for group in conflicts)},
        "leaks": [
            {
                "part": leak.part,
                "source": leak.source,
                "total": leak.total,
                "bytes": leak.bytes,
                "pixels": leak.pixels,
                "near": leak.near,
                "interval": [round(limit, 3) for limit in leak.interval],
            }
            for leak in result.leaks
        ],
        "no learning": [
            {"part": line.part, "source": line.source, "total": line.total, "right": line.right,
             "right by hash": line.right_by_hash, "majority": line.majority}
            for line in result.baselines
        ],
        "shortcuts": [
            {
                "set": found.set_name,
                "auroc": None if found.auroc is None else round(found.auroc, 3),
                "interval": found.interval and [round(limit, 3) for limit in found.interval],
                "strongest": [feature.name for feature in found.features[:3]],
            }
            for found in result.shortcuts
        ],
        "faults": dict(sorted(Counter(fault.code for fault in result.faults).items())),
        "several classes": {facts.name: facts.several_classes for facts in result.sets if facts.several_classes},
        "tiny classes": [f"{count.name} ({count.kind}): {count.total}" for count in result.classes if count.tiny],
        "shared names": len(result.collisions),
    }  # fmt: skip
