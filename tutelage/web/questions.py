"""Whether the assistant asks "was that right?" about a reply, and what it learns from the answer.

The rule is `labelling.asking`; here it gets the run's newest reward model, whose doubts about the
last layer come from the replies that people judged in chats, and its state lives in the store.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tutelage.errors import BadInput
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling import asking, labels
from tutelage.labelling.asking import AskConfig, AskState, Decision
from tutelage.labelling.choice import Floats, Posterior, around, prior, updated
from tutelage.labelling.records import ChatMessage, Label
from tutelage.labelling.settings import Settings, get_value, put_value, read_settings
from tutelage.labelling.store import Store
from tutelage.model.heads import RewardModel
from tutelage.schema import Message
from tutelage.text.batching import Tree
from tutelage.text.chat_format import encode_prompt, encode_reply
from tutelage.text.tokenizer import Tokenizer
from tutelage.web.models import Models

STATE = "asking"  # the key under which the store keeps it
MOST_JUDGED = 200  # of the latest replies that people judged, read for the doubts
WIDE = 4.0  # variance of a margin, in logits², where no reward model is there to say


@dataclass(frozen=True)
class Grader:
    """A reward model and how unsure its last layer is."""

    key: str
    judge: RewardModelJudge
    model: RewardModel
    tokenizer: Tokenizer
    doubt: Posterior


class Questions:
    """One for a site; one decision at a time, as each changes the state of the next."""

    def __init__(self, store: Store, models: Models) -> None:
        self.store, self.models = store, models
        self._lock = threading.Lock()
        self._grader: Grader | None = None

    def about(self, message: ChatMessage, action: str) -> dict[str, Any] | None:
        """The question to ask about a reply, as it is kept with the message; None to ask none."""
        config = config_of(read_settings(self.store))
        if not config.enabled:
            return None
        with self._lock:
            grader = self._newest()
            row = self._row(grader, (message.detail or {})["prompt"], message.content)
            doubt = grader.doubt if grader else Posterior(np.zeros(1), np.full((1, 1), WIDE))
            uniform = self.store.random.random()
            state = self._state()
            decision, after = asking.decide(state, config, action, doubt, row, uniform)
            if after != state:
                self._keep(after)
        if not decision.ask:
            return None
        return {
            "sentence": asking.question(decision),
            "because": decision.because,
            "propensity": decision.propensity,
            "action": decision.action,
            "chance_right": decision.chance_right,
            "doubt": decision.doubt,
            "gain": decision.gain,
        }

    def answered(self, message: ChatMessage, question: dict[str, Any], right: bool) -> None:
        """Take in the answer to a question."""
        fields = {name: question[name] for name in ("propensity", "action", "because")}
        numbers = {name: question[name] for name in ("chance_right", "doubt", "gain")}
        decision = Decision(ask=True, **fields, **numbers)
        with self._lock:
            self._keep(asking.answered(self._state(), decision, right))
            self._update(message, right)

    def judged(self, message: ChatMessage, action: str, good: bool) -> None:
        """Take in a thumb that nobody asked for."""
        with self._lock:
            self._keep(asking.judged(self._state(), action))
            self._update(message, good)

    def _state(self) -> AskState:
        stored = get_value(self.store, STATE)
        return asking.state_from_json(stored) if stored else AskState()

    def _keep(self, state: AskState) -> None:
        put_value(self.store, STATE, asking.state_as_json(state))

    def _update(self, message: ChatMessage, right: bool) -> None:
        grader = self._grader
        if grader is None:
            return
        row = self._row(grader, (message.detail or {})["prompt"], message.content)
        doubt = updated(grader.doubt, row, float(right))
        self._grader = Grader(grader.key, grader.judge, grader.model, grader.tokenizer, doubt)

    def _newest(self) -> Grader | None:
        """The newest reward model, read from disk when it is another one than last time."""
        found = self.models.grader(self._grader.key if self._grader else "")
        if found is None:
            self._grader = None
        elif not isinstance(found, str):
            key, model, tokenizer = found
            judge = RewardModelJudge(model, tokenizer.pad, max(192, model.gpt.config.context))
            width = len(model.last_layer) + 1
            flat = Posterior(np.zeros(width), np.eye(width))
            self._grader = Grader(key, judge, model, tokenizer, flat)
            self._grader = Grader(key, judge, model, tokenizer, self._doubt(self._grader))
        return self._grader

    def _doubt(self, grader: Grader) -> Posterior:
        """The last layer's posterior after what people judged in chats before."""
        said = judged_replies(self.store)
        rows = [self._row(grader, label.value["prompt"], label.value["response"]) for label in said]
        layer = grader.model.last_layer.detach().double().numpy()
        scale, shift = float(grader.model.scale), float(grader.model.shift)
        mean = np.append(layer, -shift) / scale
        if not rows:
            rows = [self._row(grader, [{"role": "user", "content": "hello"}], "hello")]
            return Posterior(mean, prior(np.array(rows)).covariance)
        return around(prior(np.array(rows)), np.array(rows), mean)

    def _row(self, grader: Grader | None, prompt: Sequence[dict[str, str]], reply: str) -> Floats:
        if grader is None:
            return asking.judged_row([])
        said = tuple(Message(m["role"], m["content"]) for m in prompt)  # type: ignore[arg-type]
        context = grader.model.gpt.config.context
        asked = encode_prompt(grader.tokenizer, said)[-context // 2 :]
        answer = encode_reply(grader.tokenizer, reply)[: context - len(asked) - 1]
        features = grader.judge.features_of_trees([Tree(asked, [answer])])
        return asking.judged_row(features[0].double().numpy())


def config_of(settings: Settings) -> AskConfig:
    """The rule's settings from those that a manager sees."""
    if not settings.asks or settings.ask_rate <= 0:
        return AskConfig(enabled=False)
    return AskConfig(price=max(settings.ask_cost, 1e-6), every=max(1, round(1 / settings.ask_rate)))


def judged_replies(store: Store) -> list[Label]:
    """The latest thumbs and answers."""
    found: list[Label] = []
    seq = 0
    while part := labels.labels_after(store, seq, 1000):
        found += [label for label in part if label.kind in ("thumb", "answer")]
        found = found[-MOST_JUDGED:]
        seq = part[-1].id
    return found


def check_question(message: ChatMessage) -> dict[str, Any]:
    """The question that stands under a reply and has no answer yet."""
    detail = message.detail or {}
    question: dict[str, Any] | None = detail.get("question")
    if question is None or "answer" in detail:
        raise BadInput("Nothing is asked about this reply, or it was answered.")
    return question
