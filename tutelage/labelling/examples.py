"""Labels as training examples: comparisons and ratings train the reward model, demonstrations the
policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from tutelage.labelling.records import Label, Task
from tutelage.schema import Comparison, Conversation, Demonstration, Message, Rating, ask

Value = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Examples:
    """A label may hold nothing to learn."""

    comparisons: list[Comparison] = field(default_factory=list)
    ratings: list[Rating] = field(default_factory=list)
    demonstrations: list[Demonstration] = field(default_factory=list)


def examples_of(label: Label, task: Task | None) -> Examples:
    """What this label teaches; comparisons and ratings carry its labeler (the number as text), time
    and guidelines. task: the one that it answers, None for a label of a chat."""
    unsigned = TEACHES[label.kind](label.value, task.payload if task else {})
    origin: dict[str, Any] = {
        "labeler": str(label.labeler_id),
        "labelled_at": iso_time(label.created_at),
        "guidelines": label.guidelines,
    }
    return Examples(
        comparisons=[replace(comparison, **origin) for comparison in unsigned.comparisons],
        ratings=[replace(rating, **origin) for rating in unsigned.ratings],
        demonstrations=unsigned.demonstrations,
    )


def conversation(messages: str | Sequence[Mapping[str, Any]]) -> Conversation:
    """A prompt or a dialogue as labels and tasks hold it; text is one request."""
    if isinstance(messages, str):
        return ask(messages)
    return tuple(Message(message["role"], message["content"]) for message in messages)


def iso_time(seconds: float) -> str:
    """The time, to the second, as records have it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _rank(value: Value, payload: Value) -> Examples:
    """The ranking of the responses. A reply that was written because none was acceptable is better
    than all of them: it is put above the ranking or, without a ranking, compared with each response
    alone, because nobody called the responses equal."""
    prompt, responses = conversation(payload["prompt"]), tuple(payload["responses"])
    ranking = tuple(map(tuple, value["ranking"]))
    written = value["written"]
    ranked = [Comparison(prompt, responses, ranking)] if ranking else []
    if written is None:
        return Examples(comparisons=ranked)
    demonstrations = [Demonstration((*prompt, Message("assistant", written)))]
    if ranking and written not in responses:
        above = ((len(responses),), *ranking)
        ranked = [Comparison(prompt, (*responses, written), above)]
    elif not ranking:
        ranked = [
            Comparison(prompt, (written, response), ((0,), (1,)))
            for response in dict.fromkeys(responses)
            if response != written
        ]
    return Examples(comparisons=ranked, demonstrations=demonstrations)


def _rate(value: Value, payload: Value) -> Examples:
    prompt = conversation(payload["prompt"])
    return Examples(ratings=[Rating(prompt, payload["response"], value["overall"])])


def _demonstrate(value: Value, payload: Value) -> Examples:
    return Examples(demonstrations=[Demonstration(conversation(value["messages"]))])


def _dialogue(value: Value, payload: Value) -> Examples:
    """The dialogue as a demonstration, and a comparison for every suggestion that was taken: its
    edited text, then the suggestion itself, then the others, which are tied."""
    messages = conversation(value["messages"])
    comparisons = []
    for entry in value["suggested"]:
        if entry["chosen"] is None:
            continue
        taken = entry["suggestions"][entry["chosen"]]
        steps = [taken] if entry["edited"] in (None, taken) else [entry["edited"], taken]
        passed = [text for text in dict.fromkeys(entry["suggestions"]) if text not in steps]
        groups = [*([place] for place in range(len(steps))), range(len(steps), len(steps + passed))]
        if len(steps + passed) > 1:
            ranking = tuple(tuple(group) for group in groups if group)
            prompt = messages[: entry["at"]]
            comparisons.append(Comparison(prompt, (*steps, *passed), ranking))
    return Examples(comparisons=comparisons, demonstrations=[Demonstration(messages)])


def _thumb(value: Value, payload: Value) -> Examples:
    prompt, good = conversation(value["prompt"]), int(value["good"])
    return Examples(ratings=[Rating(prompt, value["response"], good, "thumb")])


def _answer(value: Value, payload: Value) -> Examples:
    prompt, right = conversation(value["prompt"]), int(value["right"])
    return Examples(ratings=[Rating(prompt, value["response"], right, "answer")])


def _edit(value: Value, payload: Value) -> Examples:
    prompt, pair = conversation(value["prompt"]), (value["edited"], value["response"])
    return Examples(
        comparisons=[Comparison(prompt, pair, ((0,), (1,)))],
        demonstrations=[Demonstration((*prompt, Message("assistant", value["edited"])))],
    )


def _choice(value: Value, payload: Value) -> Examples:
    ranking = tuple(map(tuple, value["ranking"]))
    prompt = conversation(value["prompt"])
    return Examples(comparisons=[Comparison(prompt, tuple(value["responses"]), ranking)])


TEACHES: dict[str, Callable[[Value, Value], Examples]] = {
    "rank": _rank,
    "rate": _rate,
    "demonstrate": _demonstrate,
    "dialogue": _dialogue,
    "thumb": _thumb,
    "answer": _answer,
    "edit": _edit,
    "choice": _choice,
}
