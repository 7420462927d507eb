"""A model folder: model.json (shape and kind), model.safetensors, tokenizer.json."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tutelage.errors import BadInput
from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.heads import RewardModel
from tutelage.runs import read_json, write_json
from tutelage.text.tokenizer import Tokenizer

FORMAT = 2
_KINDS = {"gpt": GPT, "reward_model": RewardModel}


def save_model(folder: Path, model: GPT | RewardModel, tokenizer: Tokenizer) -> None:
    """Write the three files into an existing folder."""
    kind = next(name for name, class_ in _KINDS.items() if type(model) is class_)
    config = model.config if isinstance(model, GPT) else model.gpt.config
    write_json(folder / "model.json", {"format": FORMAT, "kind": kind, "gpt": asdict(config)})
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    tokenizer.save(folder / "tokenizer.json")


def load_model(folder: Path) -> tuple[GPT | RewardModel, Tokenizer]:
    """Read a model folder of any kind, in evaluation mode."""
    if not (folder / "model.json").exists():
        raise BadInput(f"{folder} holds no model: there is no model.json in it.")
    described = read_json(folder / "model.json")
    if described.get("format") != FORMAT or described.get("kind") not in _KINDS:
        raise BadInput(f"{folder}/model.json is of a format that this version does not read.")
    gpt = GPT(GPTConfig(**described["gpt"]))
    kind = _KINDS[described["kind"]]
    model = gpt if kind is GPT else kind(gpt)
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"{folder}/model.safetensors does not fit model.json: {error}.") from None
    return model.eval(), Tokenizer.load(folder / "tokenizer.json")


def is_reward_model(folder: Path) -> bool:
    """Whether a model folder scores replies instead of writing them."""
    described = read_json(folder / "model.json")
    return isinstance(described, dict) and described.get("kind") == "reward_model"


def load_reward_model(folder: Path) -> tuple[RewardModel, Tokenizer]:
    """Read a model folder that can score."""
    model, tokenizer = load_model(folder)
    if not isinstance(model, RewardModel):
        raise BadInput(
            f"{folder} holds no reward model but a policy, which writes replies and scores none."
        )
    return model, tokenizer


def load_policy(folder: Path) -> tuple[GPT, Tokenizer]:
    """Read a model folder that can speak."""
    model, tokenizer = load_model(folder)
    if isinstance(model, RewardModel):
        raise BadInput(f"{folder} holds a reward model, which scores replies and writes none.")
    return model, tokenizer
