"""Small models and tokenizers that the tests share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tutelage.device import seeded
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.text.tokenizer import Tokenizer

torch.set_num_threads(2)


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train(["count the lines of notes.txt", "wc -l < notes.txt"] * 5, 300)


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For networks so small that threads mostly wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def tiny_gpt(vocabulary: int = 300, seed: int = 0, dtype: torch.dtype = torch.float32) -> GPT:
    """Two layers, width 16, no weight zero, so that every part matters."""
    gpt = GPT(GPTConfig(vocabulary=vocabulary, context=64, layers=2, heads=2, width=16))
    gpt.initialise(seeded("test", seed))
    generator = seeded("test", seed, "rest")
    for parameter in gpt.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return gpt.to(dtype)
