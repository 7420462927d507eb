"""The other side: GPT-2 of the same shape in transformers, trained by TRL, in every setting."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ |= {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1", "TRL_TELEMETRY": "0"}

import datasets
import torch
import transformers
from common import fastest_setting
from transformers import PrinterCallback, TrainerCallback
from workloads import CONTEXT, HEADS, LAYERS, VOCABULARY, WIDTH

from tutelage.text.tokenizer import END, PAD, Tokenizer

transformers.logging.set_verbosity_error()
datasets.disable_progress_bars()

# What a trainer is told besides its task: nothing but the steps themselves.
QUIET = {
    "report_to": "none",
    "logging_strategy": "no",
    "save_strategy": "no",
    "eval_strategy": "no",
    "disable_tqdm": True,
    "dataloader_num_workers": 0,
    "gradient_checkpointing": False,
    "use_cpu": True,
}


def by_length(parts: int, size: int) -> dict[str, Any]:
    """A step in `parts` of `size` examples of like length (their column `length`)."""
    return {
        "per_device_train_batch_size": size,
        "gradient_accumulation_steps": parts,
        "train_sampling_strategy": "group_by_length",
        "length_column_name": "length",
        "remove_unused_columns": False,  # or the lengths are gone before they are read
    }


def padding_free(parts: int, size: int) -> dict[str, Any]:
    """A step in `parts`, each of `size` examples one after the other in a single row."""
    return {
        "per_device_train_batch_size": size,
        "gradient_accumulation_steps": parts,
        "padding_free": True,
        "max_length": None,
    }


NUMBERS = ("float32", "bfloat16 autocast", "bfloat16 weights")


@dataclass
class Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds from the end of step `warm_up` to the end of the last step."""

    warm_up: int
    began: float = 0.0
    ended: float = 0.0
    steps: int = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step == self.warm_up:
            self.began = time.perf_counter()
        self.ended = time.perf_counter()
        self.steps = state.global_step - self.warm_up


def seconds_a_step(
    build: Callable[[dict[str, Any]], Any], numbers: str, warm_up: int, steps: int
) -> float:
    """Seconds a step of the trainer that `build` makes of the common arguments."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = {
            **QUIET,
            "output_dir": folder,
            "max_steps": warm_up + steps,
            "bf16": numbers == "bfloat16 autocast",
        }
        trainer = build(arguments)
        clock = Clock(warm_up)
        trainer.add_callback(clock)
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    return (clock.ended - clock.began) / clock.steps


def best_choice(
    settings: Sequence[str], seconds: Callable[[str, str, int, int], float]
) -> tuple[str, str, dict[str, float | str]]:
    """(number format, setting, seconds a step by choice) that is fastest here.

    The number format is chosen first, in the plainest setting, which is the first: where the
    processor emulates bfloat16 a step takes ten times as long, in every setting.
    """
    plain = settings[0]
    numbers, tried = fastest_setting(
        {n: lambda n=n: seconds(n, plain, 0, 1) for n in NUMBERS}  # type: ignore[misc]
    )
    best, again = fastest_setting(
        {s: lambda s=s: seconds(numbers, s, 0, 4) for s in settings}  # type: ignore[misc]
    )
    return numbers, best, tried | again


def gpt2_config(
    width: int = WIDTH,
    layers: int = LAYERS,
    heads: int = HEADS,
    context: int = CONTEXT,
    **more: Any,
) -> transformers.GPT2Config:
    return transformers.GPT2Config(
        vocab_size=VOCABULARY,
        n_positions=context,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        resid_pdrop=0.0,
        **more,
    )


def in_numbers(model: torch.nn.Module, numbers: str) -> torch.nn.Module:
    return model.to(torch.bfloat16) if numbers == "bfloat16 weights" else model


def saved_model(folder: Path, numbers: str, **config: Any) -> str:
    """A model on disk: TRL loads the reference policy from where the policy came from."""
    model = in_numbers(transformers.GPT2LMHeadModel(gpt2_config(**config)), numbers)
    model.save_pretrained(folder)
    return str(folder)


def peer_tokenizer(tokenizer: Tokenizer) -> transformers.PreTrainedTokenizerFast:
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.inner, eos_token=END, pad_token=PAD, unk_token=PAD
    )
