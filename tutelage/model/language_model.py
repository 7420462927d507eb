"""What every stage, algorithm and judge asks of a language model, whatever its family."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tutelage.text.packing import Packed


@dataclass(frozen=True)
class ParameterGroup:
    """Parameters that one rule of an optimiser moves.

    muon: whether they are matrices that Muon moves, Adam otherwise. scale: of the learning rate.
    parts: how many matrices each holds, one under the other, such as queries, keys and values.
    """

    parameters: list[Tensor]
    muon: bool = False
    scale: float = 1.0
    parts: int = 1


@dataclass
class Cache:
    """What a model keeps of the tokens it has read, so that each is read once.

    keys, values: (layers, B, H, slots, d), preallocated. length: how many slots are filled, the
    same in all rows. usable: (B, slots), False where a slot holds padding. positions: (B,), of each
    row's next token. rows: whatever else the family keeps of each row, (B, …).
    """

    keys: Tensor
    values: Tensor
    usable: Tensor
    positions: Tensor
    length: int = 0
    rows: dict[str, Tensor] = field(default_factory=dict)

    @classmethod
    def empty(
        cls, layers: int, batch: int, heads: int, slots: int, width: int, like: Tensor
    ) -> Cache:
        """width: of a head. like: whose device and number format the cache takes."""
        keys = like.new_empty(layers, batch, heads, slots, width)
        usable = torch.ones(batch, slots, dtype=torch.bool, device=like.device)
        positions = torch.zeros(batch, dtype=torch.long, device=like.device)
        return cls(keys, torch.empty_like(keys), usable, positions)

    def append(self, layer: int, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Store (B, H, new, d) after the filled slots; return all filled ones and the new."""
        end = self.length + key.shape[2]
        self.keys[layer, :, :, self.length : end] = key
        self.values[layer, :, :, self.length : end] = value
        return self.keys[layer, :, :, :end], self.values[layer, :, :, :end]

    def repeated(self, samples: int, slots: int) -> Cache:
        """One with room for `slots` tokens a row that holds each row `samples` times."""

        def enlarged(array: Tensor) -> Tensor:
            layers, batch, heads, _, width = array.shape
            result = array.new_empty(layers, batch * samples, heads, slots, width)
            copies = result.unflatten(1, (batch, samples))
            copies[..., : self.length, :] = array[:, :, None, :, : self.length]
            return result

        usable = F.pad(self.usable, (0, slots - self.usable.shape[1]), value=True)
        return Cache(
            enlarged(self.keys),
            enlarged(self.values),
            usable.repeat_interleave(samples, dim=0),
            self.positions.repeat_interleave(samples, dim=0),
            self.length,
            {name: row.repeat_interleave(samples, dim=0) for name, row in self.rows.items()},
        )

    def keep(self, here: Sequence[int], there: Sequence[int], count: int) -> None:
        """Overwrite rows `here` by rows `there`, then keep the first `count` only."""
        for array in (self.keys, self.values):
            for to, source in zip(here, there, strict=True):
                array[:, to, :, : self.length] = array[:, source, :, : self.length]
        self.keys, self.values = self.keys[:, :count], self.values[:, :count]
        kept = torch.arange(count, device=self.positions.device)
        kept[list(here)] = torch.tensor(list(there), device=kept.device, dtype=torch.long)
        self.usable, self.positions = self.usable[kept], self.positions[kept]
        self.rows = {name: row[kept] for name, row in self.rows.items()}


class LanguageModel(nn.Module, ABC):
    """Packed tokens to hidden states; hidden states to logits; a cache to speak with.

    context: longest sequence in tokens that it was made for. vocabulary: token ids. width: of a
    hidden state, D.
    """

    context: int
    vocabulary: int
    width: int
    config: Any

    @abstractmethod
    def forward(self, packed: Packed, keep: Tensor | None = None) -> Tensor:
        """Hidden states of packed rows, each sequence seeing only itself: (B, T, D), or (K, D) of
        the positions under keep, (B, T)."""

    @abstractmethod
    def logits(self, hidden: Tensor) -> Tensor:
        """(…, D) to (…, V), in float32 at least; the product is in the format of `hidden`."""

    @abstractmethod
    def read(self, prompts: Tensor, lengths: Tensor) -> tuple[Tensor, Cache]:
        """Hidden states (B, D) of each prompt's last token and the cache of what was read. prompts:
        (B, T), padded behind; lengths: (B,)."""

    @abstractmethod
    def extend(self, tokens: Tensor, cache: Cache) -> Tensor:
        """Read one more token in each row of the cache, (B,): its hidden states, (B, D)."""

    @abstractmethod
    def parameter_groups(self) -> list[ParameterGroup]:
        """Which trainable parameters belong together."""

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    def parameter_count(self) -> int:
        return sum(parameter.numel() for parameter in self.parameters())


def predicting_states(model: LanguageModel, packed: Packed) -> Tensor:
    """Hidden states (K, D) that predict the K tokens under the loss mask, row by row."""
    return model(packed, F.pad(packed.mask, (0, 1)))


def logprobs_from(model: LanguageModel, hidden: Tensor, packed: Packed) -> Tensor:
    """Log-probabilities (K,) of the tokens under the loss mask, from their predicting states."""
    return -F.cross_entropy(model.logits(hidden), packed.targets, reduction="none")


def token_logprobs(model: LanguageModel, packed: Packed) -> Tensor:
    """Log-probabilities (K,) of the tokens under the loss mask, row by row."""
    return logprobs_from(model, predicting_states(model, packed), packed)


def imitation_loss(model: LanguageModel, packed: Packed) -> Tensor:
    """Mean negative log-probability of the tokens under the loss mask; of plain rows, what
    pretraining lowers."""
    return -token_logprobs(model, packed).mean()


def trainable(module: nn.Module) -> list[nn.Parameter]:
    """The parameters that an optimiser moves."""
    return [parameter for parameter in module.parameters() if parameter.requires_grad]


def trainable_state(module: nn.Module) -> dict[str, Tensor]:
    """What training changes: trainable parameters and the buffers that are saved; no copies."""
    frozen = {name for name, p in module.named_parameters() if not p.requires_grad}
    return {name: array for name, array in module.state_dict().items() if name not in frozen}


def load_trainable(module: nn.Module, state: dict[str, Tensor]) -> None:
    """The inverse of trainable_state."""
    missing, unexpected = module.load_state_dict(state, strict=False)
    lacking = set(missing) & trainable_state(module).keys()
    if lacking or unexpected:
        names = ", ".join(sorted([*lacking, *unexpected])[:3])
        raise ValueError(f"The saved state is of another model: {names} differ.")
