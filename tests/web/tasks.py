"""Tasks to label."""

from __future__ import annotations

from tutelage.labelling.records import NewTask

ASKED = [{"role": "user", "content": "Which planets have rings?"}]
FOUR = [
    "Saturn, Jupiter, Uranus and Neptune.",
    "Only Saturn has rings.",
    "All **four** giants: Jupiter, Saturn, Uranus and Neptune.",
    "I do not know.",
]
STAGES = ["stage-one", "stage-two", "stage-three", "stage-four"]


def rank_task(replies: int = 4, topic: str = "", number: int = 0, **other: object) -> NewTask:
    asked = [*ASKED[:-1], {"role": "user", "content": f"Which planets have rings? ({number})"}]
    payload = {"prompt": asked, "responses": FOUR[:replies], "stages": STAGES[:replies]}
    return NewTask(kind="rank", payload=payload, topic=topic, **other)  # type: ignore[arg-type]


def rate_task() -> NewTask:
    return NewTask(kind="rate", payload={"prompt": ASKED, "response": FOUR[0], "stage": "sft"})


def demonstrate_task(style: str = "plain", prompt: str | None = None) -> NewTask:
    payload = {"style": style, "prompt": prompt, "use_case": "open question answering"}
    return NewTask(kind="demonstrate", payload=payload)


def dialogue_task(suggestions: int = 2) -> NewTask:
    return NewTask(kind="dialogue", payload={"opening": "A trip.", "suggestions": suggestions})
