"""What a label teaches: comparisons and ratings the reward model, demonstrations the policy."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
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
    """What this label says, each with its labeler (the number as text), time and guidelines. task:
    the one that it answers, None for what was said in a chat."""
    found = TEACHES[label.kind](label.value, task.payload if task else {})
    origin: dict[str, Any] = {
        "labeler": str(label.labeler_id),
        "labelled_at": iso_time(label.created_at),
        "guidelines": label.guidelines,
    }
    return Examples(
        comparisons=[replace(comparison, **origin) for comparison in found.comparisons],
        ratings=[replace(rating, **origin) for rating in found.ratings],
        demonstrations=found.demonstrations,
    )


def comparisons_of(labels: Iterable[Label], tasks: Mapping[int, Task]) -> list[Comparison]:
    """Retracted labels say nothing. tasks: by id, those that the labels answer."""
    return [one for found in _each(labels, tasks) for one in found.comparisons]


def ratings_of(labels: Iterable[Label], tasks: Mapping[int, Task]) -> list[Rating]:
    return [one for found in _each(labels, tasks) for one in found.ratings]


def demonstrations_of(labels: Iterable[Label], tasks: Mapping[int, Task]) -> list[Demonstration]:
    return [one for found in _each(labels, tasks) for one in found.demonstrations]


def conversation(messages: str | Sequence[Mapping[str, Any]]) -> Conversation:
    """A prompt or a dialogue as labels and tasks hold it; text is one request."""
    if isinstance(messages, str):
        return ask(messages)
    return tuple(Message(message["role"], message["content"]) for message in messages)


def iso_time(seconds: float) -> str:
    """The time, to the second, as records have it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _each(labels: Iterable[Label], tasks: Mapping[int, Task]) -> Iterable[Examples]:
    for label in labels:
        if label.retracted_at is None:
            yield examples_of(label, tasks[label.task_id] if label.task_id is not None else None)


def _rank(value: Value, payload: Value) -> Examples:
    """A reply that was written since none was acceptable is better than each: put above the
    ranking, or, where they were not ranked, paired with each, since nobody called them equal."""
    prompt, responses = conversation(payload["prompt"]), tuple(payload["responses"])
    ranking = tuple(map(tuple, value["ranking"]))
    written = value["written"]
    ranked = [Comparison(prompt, responses, ranking)] if ranking else []
    if written is None:
        return Examples(comparisons=ranked)
    shown = [Demonstration((*prompt, Message("assistant", written)))]
    if ranking and written not in responses:
        above = ((len(responses),), *ranking)
        ranked = [Comparison(prompt, (*responses, written), above)]
    elif not ranking:
        ranked = [
            Comparison(prompt, (written, response), ((0,), (1,)))
            for response in dict.fromkeys(responses)
            if response != written
        ]
    return Examples(comparisons=ranked, demonstrations=shown)


def _rate(value: Value, payload: Value) -> Examples:
    prompt = conversation(payload["prompt"])
    return Examples(ratings=[Rating(prompt, payload["response"], value["overall"])])


def _demonstrate(value: Value, payload: Value) -> Examples:
    return Examples(demonstrations=[Demonstration(conversation(value["messages"]))])


def _dialogue(value: Value, payload: Value) -> Examples:
    """The dialogue; and at each suggestion taken, the edited one over the one taken over those
    passed by, which are not ranked among each other but tied."""
    messages = conversation(value["messages"])
    found = []
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
            found.append(Comparison(prompt, (*steps, *passed), ranking))
    return Examples(comparisons=found, demonstrations=[Demonstration(messages)])


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
