"""A tiny run on disk: a tokenizer, a model that speaks and one that grades."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tutelage import cli
from tutelage.model.checkpoint import save_model
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.heads import RewardModel
from tutelage.text.tokenizer import Tokenizer

TEXT = "count the lines of plum.txt with wc -l plum.txt and say how many there are " * 20


def build_gpt(tokenizer: Tokenizer, seed: int = 0) -> GPT:
    """One layer in which no weight is zero, so that replies and scores differ."""
    config = GPTConfig(vocabulary=len(tokenizer), context=96, layers=1, heads=2, width=32)
    generator = torch.Generator().manual_seed(seed)
    gpt = GPT(config).initialise(generator)
    for parameter in gpt.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return gpt.eval()


@pytest.fixture(scope="session")
def tokenizer() -> Tokenizer:
    return Tokenizer.train([TEXT], 300)


@pytest.fixture
def run_folder(tmp_path: Path, tokenizer: Tokenizer) -> Path:
    """A run with the stages pretrain, sft, reward_1 and ppo_1."""
    folder = tmp_path / "run"
    for seed, stage in enumerate(("pretrain", "sft", "reward_1", "ppo_1")):
        path = folder / "checkpoints" / stage
        path.mkdir(parents=True)
        gpt = build_gpt(tokenizer, seed)
        model: GPT | RewardModel = gpt
        if stage == "reward_1":
            model = RewardModel(gpt)
            torch.nn.init.normal_(model.head.weight, generator=torch.Generator().manual_seed(9))
        save_model(path, model, tokenizer)
    return folder


@pytest.fixture
def tutelage(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run a command line; gives exit code, what it said and what it complained of."""
    monkeypatch.setenv("COLUMNS", "80")
    threads = torch.get_num_threads()

    def call(*words: object) -> tuple[int, str, str]:
        code = cli.main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    yield call
    torch.set_num_threads(threads)
