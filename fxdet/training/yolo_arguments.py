"""What a config means in ultralytics' terms."""

from __future__ import annotations

from typing import Any

from fxdet.training.detection_config import DetectionConfig
from fxdet.training.run_folder import SCRATCH_NAME


def trainer_arguments(config: DetectionConfig) -> dict[str, Any]:
    """Return ultralytics' settings for a config."""
    augment = config.augment
    on_gpu = config.device != "cpu"
    return {
        "model": f"{config.architecture}.yaml",
        "data": str(config.run / "config.yaml"),
        "epochs": config.epochs,
        "imgsz": config.input_size,
        "batch": config.batch_size,
        "nbs": config.batch_size,
        "device": config.device,
        "workers": config.workers,
        "optimizer": config.optimizer,
        "lr0": config.learning_rate,
        "lrf": config.final_learning_rate,
        "cos_lr": True,
        "warmup_epochs": config.warmup_epochs,
        "warmup_bias_lr": 0.0,
        "weight_decay": config.weight_decay,
        "patience": config.patience,
        "amp": "bf16" if on_gpu and config.precision != "fp32" else False,
        "channels_last": True if on_gpu else None,
        "seed": config.seed,
        "deterministic": True,
        "mosaic": augment.mosaic,
        "close_mosaic": augment.close_mosaic,
        "mixup": augment.mixup,
        "degrees": augment.degrees,
        "translate": augment.translate,
        "scale": augment.scale,
        "fliplr": augment.flip_horizontal,
        "flipud": augment.flip_vertical,
        "hsv_h": 0.0,
        "hsv_s": 0.0,
        "hsv_v": 0.0,
        "erasing": 0.0,
        "auto_augment": None,
        "augmentations": [],
        "plots": False,
        "verbose": True,
        "project": str(config.run.resolve()),
        "name": SCRATCH_NAME,
        "exist_ok": True,
    }
