"""Pretraining: the share of this processor's matrix-product rate that the stage keeps up.

Operations are counted: six a weight and the causal half of
attention, nothing for the optimiser, norms or softmax. The peer is a bare product of two square
matrices in bfloat16; rates in both number formats are given, because a processor without bfloat16
instructions emulates them.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median

import torch
import tyro
from common import in_turn, print_result, scratch_run, seconds_a_call, seconds_a_step
from workloads import VOCABULARY, our_gpt, word_tokenizer

from tutelage.device import pick_dtype, seeded
from tutelage.stages.pretrain import PretrainConfig, pretrain

SIZES = (1024, 2048)  # sides of the square products; the better rate counts
FORMATS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


@dataclass(frozen=True, kw_only=True)
class Settings:
    repeats: int = 5
    steps: int = 2  # timed steps of each repeat
    warm_up: int = 1
    width: int = 512
    layers: int = 8
    heads: int = 8
    rows: int = 16
    row_length: int = 128
    seed: int = 0


def product_rate(name: str) -> float:
    """GFLOP/s of a matrix product, the best size and of several tries."""
    rates = []
    for size in SIZES:
        left, right = (torch.randn(size, size).to(FORMATS[name]) for _ in range(2))
        for _ in range(3):
            seconds = seconds_a_call(lambda a=left, b=right: a @ b, warm_up=0, calls=1)  # type: ignore[misc]
            rates.append(2 * size**3 / seconds / 1e9)
    return max(rates)


def pretraining_rate(settings: Settings, name: str, rows: int, steps: int, warm_up: int) -> float:
    """GFLOP/s of the stage itself."""
    gpt = our_gpt(settings.seed, settings.width, settings.layers, settings.heads)
    stream = torch.randint(
        VOCABULARY, (200_000,), generator=seeded(settings.seed), dtype=torch.int32
    )
    config = PretrainConfig(
        steps=10_000, rows=rows, row_length=settings.row_length, evaluate_every=1_000_000
    )
    with scratch_run() as run:
        stage = pretrain(
            run, gpt, word_tokenizer(), stream, stream, config, settings.seed, FORMATS[name]
        )
        seconds = seconds_a_step(stage, warm_up, steps)
    tokens = rows * settings.row_length
    matrices = gpt.parameter_count() - 2 * gpt.embedding.weight.numel()
    operations = 6 * (matrices + settings.layers * settings.width * settings.row_length)
    return tokens * operations / seconds / 1e9


def main(settings: Settings) -> None:
    device = torch.device("cpu")
    chosen = "float32" if pick_dtype(device) == torch.float32 else "bfloat16"
    other = "bfloat16" if chosen == "float32" else "float32"
    few = max(1, settings.rows // 4)  # the slower format needs only be known roughly
    products: dict[str, list[float]] = {"float32": [], "bfloat16": []}

    def peer() -> float:
        for name, rates in products.items():
            rates.append(product_rate(name))
        return products["bfloat16"][-1]

    ours, theirs = in_turn(
        lambda: pretraining_rate(settings, chosen, settings.rows, settings.steps, settings.warm_up),
        peer,
        settings.repeats,
    )
    slower = pretraining_rate(settings, other, few, 1, 1)
    rate = {name: median(rates) for name, rates in products.items()}
    print_result(
        "Pretraining utilisation",
        "GFLOP/s of pretraining, over those of a bfloat16 matrix product",
        ours,
        theirs,
        f"torch {torch.__version__}",
        target=0.5,
        seed=settings.seed,
        trained_in=chosen,
        product_gflops={name: round(value, 1) for name, value in rate.items()},
        pretraining_gflops={chosen: round(median(ours), 1), other: round(slower, 1)},
        share_of_faster_format=round(median(ours) / max(rate.values()), 3),
        share_of_same_format=round(median(ours) / rate[chosen], 3),
        shape={name: getattr(settings, name) for name in ("width", "layers", "heads", "rows")},
    )


if __name__ == "__main__":
    main(tyro.cli(Settings, description=__doc__))
