"""Both engines on each whole public set, through the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

pytestmark = [pytest.mark.data, pytest.mark.slow]


def audited(path: str, engine: str) -> dict[str, Any]:
    # In a process of its own: Ray changes signal handlers and logging.
    command = [sys.executable, "-m", "fxdet", "data", "audit", path, "--json", "--engine", engine, "--workers", "2"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
    return json.loads(done.stdout)


@pytest.mark.parametrize(
    ("folder", "pictures"), [("FracAtlas", 4083), ("BoneFractureYolo8", 4148), ("multiregion", 3869)]
)
def test_a_local_ray_with_two_workers_gives_the_same_audit(data_root, folder, pictures):
    pytest.importorskip("ray")
    local, ray = (audited(str(data_root / folder), engine) for engine in ("local", "ray"))
    assert [found["settings"].pop("engine") for found in (local, ray)] == ["local", "ray"]
    for found in (local, ray):
        assert found.pop("seconds") > 0
    assert len(local["files"]) == pictures and local["groups"]
    assert local == ray
