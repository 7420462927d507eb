"""Log-probabilities of packed tokens, for any language model."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from tutelage.model.language_model import LanguageModel
from tutelage.text.packing import Packed


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
