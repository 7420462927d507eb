"""Whether the assistant asks "was that right?" about a reply, and what it learns from the answer.

The rule is `labelling.asking`; here it gets the run's newest reward model and how people say right
or wrong of its scores (`algorithms.raters`). Its doubts about the last layer come from the replies
that they judged in chats, and the rule's state lives in the store.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tutelage.algorithms.raters import Raters
from tutelage.errors import BadInput
from tutelage.judges.reward_model import RewardModelJudge
from tutelage.labelling import asking, labels
from tutelage.labelling.asking import AskConfig, AskState, Decision
from tutelage.labelling.choice import Floats, Posterior, around, prior, updated
from tutelage.labelling.examples import conversation
from tutelage.labelling.records import ChatMessage, Label
from tutelage.labelling.settings import Settings, get_value, put_value, read_settings
from tutelage.labelling.store import Store
from tutelage.model.heads import RewardModel
from tutelage.schema import Scale
from tutelage.text.packing import Tree
from tutelage.text.tokenizer import Tokenizer
from tutelage.web.models import Models

STATE = "asking"  # the key under which the store keeps it
MOST_JUDGED = 200  # of the latest replies that people judged, read for the doubts
YES_NO: tuple[Scale, ...] = ("answer", "thumb")  # scales; who knows only one takes it for both
WIDE = 4.0  # variance of a margin, in logits², where no reward model is there to say


@dataclass(frozen=True)
class Grader:
    """A reward model, how people judge by its scores, and how unsure its last layer is; the last of
    doubt's dimensions is an error of everybody's threshold."""

    key: str
    judge: RewardModelJudge
    model: RewardModel
    tokenizer: Tokenizer
    raters: Raters | None
    doubt: Posterior

    def line(self, scale: Scale, labeler: int) -> tuple[float, float]:
        """Slope and offset of the logit with which this person says yes of a score as trained;
        where no ratings taught them, yes is likely above the mean of the scores as normalised."""
        if self.raters is not None:
            for known in (scale, *YES_NO):
                if self.raters.knows(known):
                    return self.raters.line(known, str(labeler))
        size = float(self.model.scale)
        return 1 / size, -float(self.model.shift) / size


class Asking:
    """One for a site; one decision at a time, as each changes the state of the next."""

    def __init__(self, store: Store, models: Models) -> None:
        self.store, self.models = store, models
        self._lock = threading.Lock()
        self._grader: Grader | None = None

    def about(self, message: ChatMessage, action: str, labeler: int) -> dict[str, Any] | None:
        """The question to ask this person about a reply, as it is kept with the message; None to
        ask none."""
        config = config_of(read_settings(self.store))
        if not config.enabled:
            return None
        with self._lock:
            grader = self._newest()
            doubt, row, offset = Posterior(np.zeros(1), np.full((1, 1), WIDE)), np.ones(1), 0.0
            if grader:
                prompt, doubt = (message.detail or {})["prompt"], grader.doubt
                row, offset = self._row(grader, prompt, message.content, "answer", labeler)
            uniform = self.store.random.random()
            state = self._state()
            decision, after = asking.decide(state, config, action, doubt, row, uniform, offset)
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

    def take_answer(
        self, message: ChatMessage, question: dict[str, Any], labeler: int, right: bool
    ) -> None:
        """Take in the answer to a question."""
        names = ("propensity", "action", "because", "chance_right", "doubt", "gain")
        decision = Decision(ask=True, **{name: question[name] for name in names})
        with self._lock:
            self._keep(asking.after_answer(self._state(), decision, right))
            self._update(message, "answer", labeler, right)

    def take_thumb(self, message: ChatMessage, action: str, labeler: int, good: bool) -> None:
        """Take in a thumb without a question."""
        with self._lock:
            self._keep(asking.after_thumb(self._state(), action))
            self._update(message, "thumb", labeler, good)

    def _state(self) -> AskState:
        stored = get_value(self.store, STATE)
        return asking.state_from_json(stored) if stored else AskState()

    def _keep(self, state: AskState) -> None:
        put_value(self.store, STATE, asdict(state))

    def _update(self, message: ChatMessage, scale: Scale, labeler: int, right: bool) -> None:
        grader = self._grader
        if grader is None:
            return
        prompt = (message.detail or {})["prompt"]
        row, offset = self._row(grader, prompt, message.content, scale, labeler)
        self._grader = replace(grader, doubt=updated(grader.doubt, row, float(right), offset))

    def _newest(self) -> Grader | None:
        """The newest reward model, read from disk when it is another one than last time."""
        loaded = self.models.grader(self._grader.key if self._grader else "")
        if loaded is None:
            self._grader = None
        elif not isinstance(loaded, str):
            key, model, tokenizer, raters = loaded
            judge = RewardModelJudge(model, tokenizer.pad, max(192, model.context))
            width = len(model.last_layer) + 1
            flat = Posterior(np.zeros(width), np.eye(width))
            grader = Grader(key, judge, model, tokenizer, raters, flat)
            self._grader = replace(grader, doubt=self._doubt(grader))
        return self._grader

    def _doubt(self, grader: Grader) -> Posterior:
        """The last layer's posterior after what people judged in chats before."""
        layer = grader.model.last_layer.detach().double().cpu().numpy()
        mean = np.append(layer, 0.0)
        seen = []
        for label in judged_replies(self.store):
            scale: Scale = "thumb" if label.kind == "thumb" else "answer"
            prompt, reply = label.value["prompt"], label.value["response"]
            seen.append(self._row(grader, prompt, reply, scale, label.labeler_id))
        if not seen:
            hello = self._row(grader, [{"role": "user", "content": "hello"}], "hello", "answer", 0)
            return Posterior(mean, prior(hello[0][None]).covariance)
        rows, offsets = np.stack([row for row, _ in seen]), [offset for _, offset in seen]
        return around(prior(rows), rows, mean, offsets=offsets)

    def _row(
        self, grader: Grader, prompt: Sequence[dict[str, str]], reply: str, scale: Scale, who: int
    ) -> tuple[Floats, float]:
        """The row of a reply that this person judges, and the offset of its margin."""
        context = grader.model.context
        prompt_tokens = grader.tokenizer.encode_prompt(conversation(prompt))[-context // 2 :]
        reply_tokens = grader.tokenizer.encode_reply(reply)[: context - len(prompt_tokens) - 1]
        features = grader.judge.features_of_trees([Tree(prompt_tokens, [reply_tokens])])
        slope, offset = grader.line(scale, who)
        return asking.judged_row(slope * features[0].double().cpu().numpy()), offset


def config_of(settings: Settings) -> AskConfig:
    """The rule's settings from those that a manager sees."""
    if not settings.asks or settings.ask_rate <= 0:
        return AskConfig(enabled=False)
    return AskConfig(price=max(settings.ask_cost, 1e-6), every=max(1, round(1 / settings.ask_rate)))


def judged_replies(store: Store) -> list[Label]:
    """The latest thumbs and answers."""
    judged: list[Label] = []
    seq = 0
    while part := labels.labels_after(store, seq, 1000):
        judged += [label for label in part if label.kind in ("thumb", "answer")]
        judged = judged[-MOST_JUDGED:]
        seq = part[-1].id
    return judged


def check_question(message: ChatMessage) -> dict[str, Any]:
    """The question that stands under a reply and has no answer yet."""
    detail = message.detail or {}
    question: dict[str, Any] | None = detail.get("question")
    if question is None or "answer" in detail:
        raise BadInput("Nothing is asked about this reply, or it was answered.")
    return question
