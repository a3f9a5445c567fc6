"""The setting that names the hub repository; ``fetch`` and ``push`` share it."""

from __future__ import annotations

REPOSITORY_VARIABLE = "FXDET_ZOO"
"""Environment variable with the hub repository; for ``fetch`` also with a local folder of the same layout."""
