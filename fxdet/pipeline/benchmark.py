"""What a network costs: operations of one pass, and pictures per second at its input size, the network alone."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from fxdet.classify.model import build_network
from fxdet.core.objects import Radiograph
from fxdet.localize.faster_rcnn import FasterRcnnLocalizer
from fxdet.localize.yolo import YoloLocalizer
from fxdet.pipeline.api import Pipeline
from fxdet.pipeline.device import autocast
from fxdet.zoo.cards import ModelCard, read_card
from fxdet.zoo.hub import load_classifier, load_localizer
from fxdet.zoo.parameters import parameter_count

SCHEMA = 1

FLOPS_BY = "torch.utils.flop_counter: convolutions and matrix products, a multiplication and an addition count two"
"""How operations are counted."""

WARM_UP = 3
"""Passes before the clock starts."""


@dataclass(frozen=True, slots=True)
class SpeedOptions:
    """How speed is measured.

    Attributes:
        device: ``cpu``, ``cuda``, ``cuda:1``.
        precision: ``fp32`` or ``bf16``.
        batches: Pictures per pass, one measurement each.
        runs: Passes that are timed; the median counts.
        seed: Seed of the pictures, which are noise.
    """

    device: str = "cpu"
    precision: str = "fp32"
    batches: tuple[int, ...] = (1, 8)
    runs: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        if self.runs < 1 or not self.batches or min(self.batches) < 1:
            raise ValueError(f"SpeedOptions: got runs {self.runs}, batches {self.batches}, expected at least 1 of each")


@dataclass(frozen=True, slots=True)
class Speed:
    """One measurement.

    Attributes:
        device: ``cpu`` or the GPU's name.
        processor: Name of the processor that computed, or fed the GPU.
        threads: Threads of the processor.
        precision: ``fp32`` or ``bf16``.
        batch: Pictures per pass.
        runs: Timed passes.
        seconds: Median time of a pass.
        quartiles: First and third quartile of it, seconds.
        images_per_second: Pictures by the median.
    """

    device: str
    processor: str
    threads: int
    precision: str
    batch: int
    runs: int
    seconds: float
    quartiles: tuple[float, float]
    images_per_second: float


@dataclass(frozen=True, slots=True)
class Network:
    """A network with a function that makes its input: number of pictures → what one pass takes."""

    module: nn.Module
    pictures: Callable[[int], Any]


def open_network(card: ModelCard, path: Path, device: str, generator: np.random.Generator) -> Network:
    """Build the network of a card, with a source of pictures of its input size.

    Raises:
        ModelError: Card, weights and network do not fit.
    """
    side = card.input_size

    def planes(count: int) -> Tensor:
        return torch.from_numpy(generator.random((count, 1, side, side), dtype=np.float32)).to(device)

    if card.kind == "classifier":
        classifier: Any = load_classifier(path, device)
        return Network(classifier.network, lambda count: planes(count).expand(-1, 3, -1, -1))
    localizer = load_localizer(path, device)
    if isinstance(localizer, FasterRcnnLocalizer):
        return Network(localizer.network, lambda count: list(planes(count).expand(-1, 3, -1, -1)))
    if not isinstance(localizer, YoloLocalizer):
        raise TypeError(f"{card.full_name}: got {type(localizer).__name__}, expected a localizer with one network")
    return Network(localizer.network, lambda count: planes(count).contiguous(memory_format=torch.channels_last))


def untrained_network(architecture: str, classes: int, side: int, options: SpeedOptions) -> Network:
    """Build a classifier with one head and random weights: what it costs doesn't depend on them.

    Args:
        architecture: timm's name, or that of a paper's network.
        classes: Classes of the head.
        side: Width and height of its pictures, px.
        options: Device, and seed of the pictures.

    Raises:
        ModelError: Nobody knows the network.
    """
    generator = np.random.default_rng(options.seed)
    network = build_network(architecture, {"head": classes}).to(options.device).eval()
    network.to(memory_format=torch.channels_last)

    def pictures(count: int) -> Tensor:
        planes = torch.from_numpy(generator.random((count, 1, side, side), dtype=np.float32)).to(options.device)
        return planes.expand(-1, 3, -1, -1)

    return Network(network, pictures)


def count_flops(network: Network) -> int:
    """Return the floating-point operations of one picture; a multiplication and an addition count two.

    For Faster R-CNN the second stage counts as it comes with a picture of noise.

    Example:
        >>> count_flops(Network(nn.Linear(4, 3), lambda count: torch.zeros(count, 4)))
        24
    """
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network.module(network.pictures(1))
    return int(counter.get_total_flops())


def measure_speed(network: Network, options: SpeedOptions, processor: str) -> tuple[Speed, ...]:
    """Return one measurement per batch size: the network alone, on pictures that are already there.

    Args:
        network: The network, on the device.
        options: How it is measured.
        processor: Name of the processor, for the record.
    """
    found = []
    for batch in options.batches:
        pictures = network.pictures(batch)

        def one_pass(given: Any = pictures) -> None:
            with torch.inference_mode(), autocast(options.precision, options.device):
                network.module(given)
            _wait(options.device)

        found.append(_speed(_clocked(one_pass, options.runs), batch, options, processor))
    return tuple(found)


def measure_pipeline_speed(
    pipeline: Pipeline, radiographs: Sequence[Radiograph], options: SpeedOptions, processor: str
) -> tuple[Speed, ...]:
    """Return the speed of a whole pipeline on open radiographs, cross-check included, one measurement per batch size.

    A run goes once over all radiographs; ``seconds`` is the time of a batch, on the average of a run.
    """
    found = []
    for batch in options.batches:
        parts = [radiographs[start : start + batch] for start in range(0, len(radiographs), batch)]

        def one_run(given: Sequence[Sequence[Radiograph]] = parts) -> None:
            for part in given:
                pipeline.batch(part)
            _wait(options.device)

        share = batch / len(radiographs)
        times = [seconds * share for seconds in _clocked(one_run, options.runs, warm_up=1)]
        found.append(_speed(times, batch, options, processor))
    return tuple(found)


def model_record(card_path: Path, options: SpeedOptions, environment: dict[str, Any], speed: bool) -> dict[str, Any]:
    """Return the content of a model's file in ``docs/results/zoo``.

    Args:
        card_path: The model's card.
        options: How speed is measured.
        environment: ``describe_environment``'s record of versions and machine.
        speed: Whether speed is measured; operations and parameters always are.

    Raises:
        ModelError: Card, weights and network do not fit.
    """
    card = read_card(card_path)
    network = open_network(card, card_path, options.device, np.random.default_rng(options.seed))
    weights = card_path.parent / card.weights
    measured = measure_speed(network, options, environment["processor"]) if speed else ()
    return {
        "schema": SCHEMA,
        "model": card.full_name,
        "kind": card.kind,
        "sha256": card.sha256,
        "input_size": card.input_size,
        "parameters": parameter_count(weights),
        "flops": count_flops(network),
        "flops_by": FLOPS_BY,
        "bytes": weights.stat().st_size,
        "speed": [asdict(item) for item in measured],
        "torch": environment["packages"]["torch"],
    }


def with_speeds(record: dict[str, Any], earlier: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return a record that keeps earlier measurements of other devices, precisions and batch sizes.

    Example:
        >>> cpu = {"device": "cpu", "precision": "fp32", "batch": 1, "seconds": 2.0}
        >>> gpu = {**cpu, "device": "some GPU"}
        >>> [item["device"] for item in with_speeds({"speed": [cpu]}, [gpu, cpu])["speed"]]
        ['cpu', 'some GPU']
    """
    own = {_same(item) for item in record["speed"]}
    return {**record, "speed": [*record["speed"], *(item for item in earlier if _same(item) not in own)]}


def _same(speed: dict[str, Any]) -> tuple[Any, ...]:
    return speed["device"], speed["precision"], speed["batch"]


def _clocked(call: Callable[[], None], runs: int, warm_up: int = WARM_UP) -> list[float]:
    for _ in range(warm_up):
        call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return times


def _speed(times: Sequence[float], batch: int, options: SpeedOptions, processor: str) -> Speed:
    middle = statistics.median(times)
    low, high = np.percentile(times, (25, 75))
    device = torch.cuda.get_device_name(options.device) if options.device.startswith("cuda") else options.device
    return Speed(
        device, processor, torch.get_num_threads(), options.precision, batch, len(times),
        round(middle, 6), (round(float(low), 6), round(float(high), 6)), round(batch / middle, 2),
    )  # fmt: skip


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)
