"""The models of a run, loaded when somebody first asks for one, and what they say."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from tutelage.algorithms.raters import Raters, load_raters
from tutelage.errors import BadInput
from tutelage.model.checkpoint import CPU, is_reward_model, load_policy, load_reward_model
from tutelage.model.heads import RewardModel
from tutelage.model.language_model import LanguageModel, predicting_states
from tutelage.rollout.sampler import ModelSampler, Sampling
from tutelage.rollout.streaming import UNFINISHED
from tutelage.runs import stages_of
from tutelage.taught import Taught, newest_taught
from tutelage.text.packing import plain
from tutelage.text.tokenizer import Tokenizer
from tutelage.wording import stage_name

TAUGHT = "taught"  # the newest policy of `tutelage teach`, whatever its number
LOOK_EVERY_S = 0.5  # between looks for a newer taught policy
COLOURS = {"pretrain": "pretrain", "sft": "sft", "reward": "reward"}


class UnknownModel(BadInput):
    """No stage of the run has this name."""


@dataclass(frozen=True)
class Speaker:
    """A loaded model. The lock is held for one token at a time, so that replies take turns."""

    name: str
    version: int  # of a taught policy; 0 otherwise
    model: LanguageModel
    tokenizer: Tokenizer
    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True, kw_only=True)
class Draw:
    """How a reply is drawn."""

    max_new_tokens: int = 128
    temperature: float = 1.0  # 0 says the likeliest
    stops: tuple[str, ...] = ()  # texts before which the reply ends
    top: int = 0  # likeliest tokens to report at each place

    def __post_init__(self) -> None:
        if not (0 <= self.temperature < 100) or self.max_new_tokens < 1:
            raise ValueError("need 0 <= temperature < 100 and max_new_tokens >= 1")


@dataclass(frozen=True)
class Piece:
    """One token and the text that became readable with it, which may be none."""

    text: str
    token: int
    logprob: float  # natural, of the model itself: at temperature 1
    top: tuple[tuple[int, float], ...] = ()  # likeliest tokens of this place, the best first
    finish: Literal["stop", "length"] | None = None  # of the last piece


class Models:
    """The stages of a run that speak, or a single model's folder. Safe between threads."""

    def __init__(self, folder: Path | None, device: torch.device = CPU) -> None:
        self.folder, self.device = folder, device
        self._loaded: dict[str, Speaker] = {}
        self._lock = threading.Lock()
        self._looked = float("-inf")
        self._newest: Taught | None = None

    def names(self) -> list[str]:
        """Stages that speak, oldest first; the taught policy, where there is one, last."""
        if self.folder is None:
            return []
        if (self.folder / "model.json").exists():
            return [self.folder.name]
        stages = self.folder / "checkpoints"
        stages_that_speak = [
            name for name in stages_of(self.folder) if not is_reward_model(stages / name)
        ]
        return [*stages_that_speak, TAUGHT] if self._taught() else stages_that_speak

    def newest(self) -> str:
        """What answers where nobody chose."""
        names = self.names()
        if not names:
            raise BadInput(
                "There is no model yet: train one with `tutelage school`, or start the server "
                "with a run whose first stage is done."
            )
        return names[-1]

    def speaker(self, name: str | None = None) -> Speaker:
        """The model of a stage, by default the newest; read from disk the first time."""
        name = name or self.newest()
        if name not in self.names():
            raise UnknownModel(
                f"There is no model {name[:80]!r}; there are {', '.join(self.names()) or 'none'}."
            )
        assert self.folder is not None
        version, folder = 0, self.folder / "checkpoints" / name
        if (self.folder / "model.json").exists():
            folder = self.folder
        elif name == TAUGHT:
            taught = self._taught()
            assert taught is not None
            version, folder = taught.version, taught.policy
        with self._lock:
            known = self._loaded.get(name)
            if known is None or known.version != version:
                gpt, tokenizer = load_policy(folder, self.device)
                known = self._loaded[name] = Speaker(name, version, gpt, tokenizer)
            return known

    def grader(self, known: str) -> tuple[str, RewardModel, Tokenizer, Raters | None] | str | None:
        """The newest reward model, who rated for it and a key that names it; the key alone where it
        is `known`; None where the run has none."""
        if self.folder is None or (self.folder / "model.json").exists():
            return None
        taught = self._taught()
        if taught:
            folder = taught.reward
        else:
            stages = [self.folder / "checkpoints" / name for name in stages_of(self.folder)]
            folders = [folder for folder in stages if is_reward_model(folder)]
            if not folders:
                return None
            folder = folders[-1]
        if folder.name == known:
            return known
        return folder.name, *load_reward_model(folder, self.device), load_raters(folder)

    def _taught(self) -> Taught | None:
        now = time.monotonic()
        if now - self._looked > LOOK_EVERY_S:
            self._looked = now
            self._newest = newest_taught(self.folder) if self.folder else None
        return self._newest


def display_name(name: str) -> str:
    """A model as a person calls it."""
    return "Taught by labels" if name == TAUGHT else stage_name(name)


def colour(name: str) -> str:
    """The class that gives a stage its colour."""
    kind = name.partition("_")[0]
    return "of-" + ("people" if name == TAUGHT else COLOURS.get(kind, "policy"))


def speak(
    speaker: Speaker,
    prompt: Sequence[int],
    draw: Draw,
    generator: torch.Generator | None = None,
    *,
    is_reply: bool = True,
) -> Iterator[Piece]:
    """What follows the tokens of a prompt, token by token. is_reply: the space that stands before
    every message's first word is left out."""
    most = min(draw.max_new_tokens, speaker.model.context - len(prompt))
    if most < 1:
        raise BadInput(
            f"That is {len(prompt)} tokens; this model reads at most "
            f"{speaker.model.context - 1}. Shorten it or begin a new conversation."
        )
    tokenizer = speaker.tokenizer
    ends = tokenizer.stop_tokens | {tokenizer.document}
    sampling = Sampling(max_new_tokens=most, temperature=draw.temperature)
    drawn = ModelSampler(speaker.model, ends).stream(prompt, sampling, generator)
    tokens: list[int] = []
    given_out = 0  # characters given out
    finish: Literal["stop", "length"] | None = None
    while finish is None:
        with speaker.lock:
            token, logits = next(drawn)
        tokens.append(token)
        logprobs = logits.log_softmax(dim=-1)
        text = tokenizer.decode(tokens)
        text = text.removeprefix(" ") if is_reply else text
        if token in ends:
            finish = "stop"
        elif len(tokens) == most:
            finish = "length"
        cut = min((at for stop in draw.stops if (at := text.find(stop)) >= 0), default=-1)
        if cut >= 0:
            text, finish = text[:cut], "stop"
        ready = len(text) if finish else _ready(text, draw.stops)
        new = text[given_out:ready]
        given_out = max(given_out, ready)
        yield Piece(new, token, float(logprobs[token]), _best(logprobs, draw.top), finish)


def _ready(text: str, stops: Sequence[str]) -> int:
    """Characters that will stay: no half character, no beginning of a stop text."""
    text = text.rstrip(UNFINISHED)
    held = (
        size
        for stop in stops
        for size in range(1, min(len(stop), len(text) + 1))
        if text.endswith(stop[:size])
    )
    return len(text) - max(held, default=0)


def _best(logprobs: Tensor, count: int) -> tuple[tuple[int, float], ...]:
    if not count:
        return ()
    best = logprobs.topk(min(count, len(logprobs)))
    return tuple(zip(best.indices.tolist(), best.values.tolist(), strict=True))


@torch.inference_mode()
def read_logprobs(
    speaker: Speaker, tokens: Sequence[int], top: int = 0
) -> list[tuple[float, tuple[tuple[int, float], ...]]]:
    """For each token but the first: its log-probability after those before, and the likeliest."""
    if len(tokens) > speaker.model.context:
        most = speaker.model.context
        raise BadInput(f"That is {len(tokens)} tokens; this model reads at most {most}.")
    with speaker.lock:
        row = plain(torch.tensor([list(tokens)], device=speaker.model.device))
        hidden = predicting_states(speaker.model, row)
        logprobs = speaker.model.logits(hidden).log_softmax(dim=-1)
    return [
        (float(place[token]), _best(place, top))
        for place, token in zip(logprobs, tokens[1:], strict=True)
    ]
