"""A model folder: model.json (family, shape and head), model.safetensors, tokenizer.json."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from tutelage.errors import BadInput
from tutelage.model.families import FAMILIES, family_of
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel
from tutelage.protocols import ChatTokenizer
from tutelage.runs import read_json, write_json
from tutelage.text.tokenizer import Tokenizer

FORMAT = 3
CPU = torch.device("cpu")


def save_model(folder: Path, model: LanguageModel | RewardModel, tokenizer: ChatTokenizer) -> None:
    """Write the three files into an existing folder."""
    body = model.body if isinstance(model, RewardModel) else model
    head = "reward" if isinstance(model, RewardModel) else "language"
    described = {"format": FORMAT, "family": family_of(body), "head": head}
    write_json(folder / "model.json", {**described, "config": asdict(body.config)})
    state = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    save_file(state, folder / "model.safetensors")
    tokenizer.save(folder / "tokenizer.json")


def load_model(
    folder: Path, device: torch.device = CPU
) -> tuple[LanguageModel | RewardModel, Tokenizer]:
    """Read a model folder of any kind onto a device, in evaluation mode."""
    if not (folder / "model.json").exists():
        raise BadInput(f"{folder} holds no model: there is no model.json in it.")
    described = read_json(folder / "model.json")
    family = FAMILIES.get(described.get("family"))
    if described.get("format") != FORMAT or family is None:
        raise BadInput(f"{folder}/model.json is of a format that this version does not read.")
    body = family.model(family.config(**described["config"]))
    model = RewardModel(body) if is_reward_model(folder) else body
    try:
        model.load_state_dict(load_file(folder / "model.safetensors"))
    except (OSError, RuntimeError, SafetensorError) as error:
        raise BadInput(f"{folder}/model.safetensors does not fit model.json: {error}.") from None
    return model.to(device).eval(), Tokenizer.load(folder / "tokenizer.json")


def is_reward_model(folder: Path) -> bool:
    """Whether a model folder scores replies instead of writing them."""
    described = read_json(folder / "model.json")
    return isinstance(described, dict) and described.get("head") == "reward"


def load_reward_model(folder: Path, device: torch.device = CPU) -> tuple[RewardModel, Tokenizer]:
    """Read a model folder that can score."""
    model, tokenizer = load_model(folder, device)
    if not isinstance(model, RewardModel):
        raise BadInput(
            f"{folder} holds no reward model but a policy, which writes replies and scores none."
        )
    return model, tokenizer


def load_policy(folder: Path, device: torch.device = CPU) -> tuple[LanguageModel, Tokenizer]:
    """Read a model folder that can speak."""
    model, tokenizer = load_model(folder, device)
    if isinstance(model, RewardModel):
        raise BadInput(f"{folder} holds a reward model, which scores replies and writes none.")
    return model, tokenizer
