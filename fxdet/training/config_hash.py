"""A hash over everything of a classifier's training that changes its result."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from fxdet.training.classifier_config import ClassifierConfig
from fxdet.training.config import config_to_plain

_WITHOUT_EFFECT = {"run", "audit", "licence", "description", "name", "tag"}


def config_hash(config: ClassifierConfig) -> str:
    """Return a hash over everything of a training that changes its result, but not over places and names."""
    text = json.dumps(decisive(config), sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def decisive(config: ClassifierConfig) -> dict[str, Any]:
    """Return what :func:`config_hash` hashes, as plain data without paths of this machine."""
    data = {key: value for key, value in config_to_plain(config).items() if key not in _WITHOUT_EFFECT}
    data["loop"] = {key: value for key, value in data["loop"].items() if key not in ("workers", "threads")}
    data["sources"] = [{**source, "path": Path(source["path"]).name} for source in data["sources"]]
    for source in data["sources"]:
        source["split"] = Path(source["split"]).name if ".csv" in str(source["split"]) else source["split"]
    data["initial_weights"] = Path(data["initial_weights"]).name
    return data
