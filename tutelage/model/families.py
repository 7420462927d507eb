"""Families of language models, each one file. A new one is a file and an entry here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from tutelage.model.gpt import GPT, GPTConfig
from tutelage.model.language_model import LanguageModel


@dataclass(frozen=True)
class Family:
    """config: a dataclass of the shape, made of what model.json says. model: made of a config;
    its `initialise` draws fresh weights."""

    config: Any
    model: Any


FAMILIES: dict[str, Family] = {
    "gpt": Family(GPTConfig, GPT),
}


def family_of(model: LanguageModel) -> str:
    """The name of a model's family."""
    return next(name for name, family in FAMILIES.items() if type(model) is family.model)


def new_model(config: Any, generator: torch.Generator) -> LanguageModel:
    """A model of this shape, of the family that the config belongs to, with fresh weights."""
    family = next(entry for entry in FAMILIES.values() if type(config) is entry.config)
    model: LanguageModel = family.model(config).initialise(generator)
    return model
