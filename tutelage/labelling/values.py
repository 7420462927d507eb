"""What a label of each kind must hold; everything here comes from people or models, untrusted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tutelage.errors import BadInput

# Ouyang et al. 2022, Table 3 and Figure 12: the yes/no questions that accompany the overall rating.
RATING_FIELDS = (
    "fails_instruction",
    "inappropriate_for_assistant",
    "hallucination",
    "satisfies_constraint",
    "sexual_content",
    "violent_content",
    "encourages_violence",
    "denigrates_protected_class",
    "harmful_advice",
    "expresses_opinion",
    "expresses_moral_judgment",
)
STYLES = ("plain", "few_shot", "user_based")
ROLES = ("system", "user", "assistant", "tool")

TEXT_LIMIT = 32_000  # characters of one message or reply
NOTE_LIMIT = 4_000
NAME_LIMIT = 120  # a stage, a reason, a use case
MESSAGES_LIMIT = 200
RESPONSES_LIMIT = 9
VALUE_LIMIT = 400_000  # bytes of a whole value as JSON

Value = dict[str, Any]


def check_value(kind: str, value: object, payload: Mapping[str, Any] | None = None) -> Value:
    """The value, whole and in range; payload is the task's. BadInput names what is wrong."""
    check = VALUES.get(kind)
    if check is None:
        raise BadInput(f"There are no labels of kind {kind!r}, only {', '.join(VALUES)}.")
    return check(_object(value, "a label"), payload or {})


def check_payload(kind: str, payload: object) -> Value:
    """A task's payload, whole and in range."""
    check = PAYLOADS.get(kind)
    if check is None:
        raise BadInput(f"There are no tasks of kind {kind!r}, only {', '.join(PAYLOADS)}.")
    return check(_object(payload, "a task"))


def check_json(value: object, what: str, limit: int = VALUE_LIMIT) -> None:
    """JSON that both databases keep as it is: finite numbers, no NUL, no half of a character."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadInput(f"{what} holds half of a character (a lone surrogate).") from None
    except (TypeError, ValueError, RecursionError) as error:
        raise BadInput(f"{what} is no plain JSON: {error}.") from None
    if size > limit:
        raise BadInput(f"{what} has {size:,} bytes, at most {limit:,} are kept.")
    if "\\u0000" in text:
        raise BadInput(f"{what} holds a NUL character; leave it out.")


def _object(value: object, what: str) -> Value:
    if not isinstance(value, dict):
        raise BadInput(f"Expected {what} to be a JSON object, got {_excerpt(value)}.")
    check_json(value, what.capitalize())
    return value


def _keys(value: Value, what: str, needed: Sequence[str], allowed: Sequence[str] = ()) -> None:
    missing = [key for key in needed if key not in value]
    unknown = sorted(set(value) - set(needed) - set(allowed))
    if missing:
        raise BadInput(f"{what} lacks `{missing[0]}`.")
    if unknown:
        known = ", ".join((*needed, *allowed))
        raise BadInput(f"{what} has an unknown `{unknown[0][:40]}`; known are {known}.")


def _text(value: object, what: str, limit: int = TEXT_LIMIT, *, empty: bool = False) -> str:
    if not isinstance(value, str):
        raise BadInput(f"{what} must be text, got {_excerpt(value)}.")
    if len(value) > limit:
        raise BadInput(f"{what} has {len(value):,} characters, at most {limit:,} are kept.")
    if not empty and not value.strip():
        raise BadInput(f"{what} is empty.")
    return value


def _whole(value: object, what: str, low: int, high: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise BadInput(
            f"{what} must be a whole number from {low} to {high}, got {_excerpt(value)}."
        )
    return value


def _truth(value: object, what: str) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{what} must be true or false, got {_excerpt(value)}.")
    return value


def _share(value: object, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise BadInput(f"{what} must be a number from 0 to 1, got {_excerpt(value)}.")
    return float(value)


def messages_of(value: object, what: str, *, ends_with: str | None = None) -> list[Value]:
    """Messages of role and content; ends_with: whose the last is, "assistant" or "other"."""
    if not isinstance(value, list) or not 0 < len(value) <= MESSAGES_LIMIT:
        raise BadInput(f"{what} must be a list of 1 to {MESSAGES_LIMIT} messages.")
    for place, message in enumerate(value, start=1):
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise BadInput(f"{what}, message {place}: expected `role` and `content`.")
        if message["role"] not in ROLES:
            raise BadInput(
                f"{what}, message {place}: role must be one of {', '.join(ROLES)}, "
                f"got {_excerpt(message['role'])}."
            )
        _text(message["content"], f"{what}, message {place}")
    last = value[-1]["role"]
    if ends_with == "assistant" and last != "assistant":
        raise BadInput(f"{what} must end with the assistant's message, it ends with the {last}'s.")
    if ends_with == "other" and last == "assistant":
        raise BadInput(f"{what} must end with what is answered, it ends with the assistant's.")
    return value


def prompt_messages(prompt: object) -> list[Value]:
    """A payload's prompt as messages: text is one request of the user's."""
    if isinstance(prompt, str):
        return [{"role": "user", "content": prompt}] if prompt.strip() else []
    return list(prompt) if isinstance(prompt, list) else []


def _prompt(value: object, what: str = "The prompt") -> None:
    if isinstance(value, str):
        _text(value, what)
    else:
        messages_of(value, what, ends_with="other")


def _responses(value: object, low: int = 2) -> list[str]:
    if not isinstance(value, list) or not low <= len(value) <= RESPONSES_LIMIT:
        raise BadInput(f"`responses` must be a list of {low} to {RESPONSES_LIMIT} replies.")
    # A model may answer with nothing, and that too is ranked.
    return [_text(r, f"Reply {n}", empty=True) for n, r in enumerate(value, start=1)]


def _ranking(value: object, count: int) -> None:
    groups = value if isinstance(value, list) else [None]
    ranked = [index for group in groups for index in (group if isinstance(group, list) else [None])]
    if not _permutation(ranked, count) or [] in groups:
        raise BadInput(
            f"`ranking` must name each of the {count} replies (0 to {count - 1}) once, in groups "
            f"from best to worst, got {_excerpt(value)}."
        )


def _permutation(values: list[Any], count: int) -> bool:
    whole = all(isinstance(i, int) and not isinstance(i, bool) for i in values)
    return whole and sorted(values) == list(range(count))


def _stages(value: object, count: int) -> None:
    if not isinstance(value, list) or len(value) != count:
        raise BadInput(f"`stages` must name a stage for each of the {count} replies.")
    for stage in value:
        _text(stage, "A stage", NAME_LIMIT, empty=True)


def _order(value: object, count: int, what: str) -> None:
    if not isinstance(value, list) or not _permutation(value, count):
        raise BadInput(f"`{what}` must hold 0 to {count - 1} once each, got {_excerpt(value)}.")


# Labels


def _demonstrate(value: Value, payload: Mapping[str, Any]) -> Value:
    _keys(value, "A demonstration", ["messages"])
    messages = messages_of(value["messages"], "A demonstration", ends_with="assistant")
    prompt = prompt_messages(payload.get("prompt"))
    if prompt and messages[: len(prompt)] != prompt:
        if messages[0]["role"] != "assistant":
            raise BadInput("A demonstration must begin with its task's prompt, unchanged.")
        messages = [*prompt, *messages]
    if len(messages) < 2:
        raise BadInput("A demonstration needs a request before the reply.")
    return {"messages": messages}


def _dialogue(value: Value, payload: Mapping[str, Any]) -> Value:
    _keys(value, "A dialogue", ["messages"], ["suggested"])
    messages = messages_of(value["messages"], "A dialogue", ends_with="assistant")
    suggested = value.get("suggested", [])
    if not isinstance(suggested, list) or len(suggested) > len(messages):
        raise BadInput("`suggested` must be a list with at most one entry for each message.")
    for entry in suggested:
        if not isinstance(entry, dict):
            raise BadInput(f"An entry of `suggested` must be an object, got {_excerpt(entry)}.")
        _keys(entry, "An entry of `suggested`", ["at", "suggestions", "chosen", "edited"])
        at = _whole(entry["at"], "`at`", 0, len(messages) - 1)
        suggestions = _responses(entry["suggestions"], low=1)
        if messages[at]["role"] != "assistant":
            raise BadInput(f"`at` {at} is not a message of the assistant's.")
        if entry["chosen"] is None:
            if entry["edited"] is not None:
                raise BadInput("`edited` needs the suggestion that was edited in `chosen`.")
            continue
        chosen = suggestions[_whole(entry["chosen"], "`chosen`", 0, len(suggestions) - 1)]
        if entry["edited"] is not None:
            chosen = _text(entry["edited"], "`edited`")
        if messages[at]["content"] != chosen:
            raise BadInput(f"Message {at} is not the suggestion that was chosen or edited.")
    return {"messages": messages, "suggested": suggested}


def _rank(value: Value, payload: Mapping[str, Any]) -> Value:
    _keys(value, "A ranking", ["ranking"], ["none_acceptable", "written", "shown_order"])
    count = len(payload.get("responses", ()))
    none = _truth(value.get("none_acceptable", False), "`none_acceptable`")
    written = value.get("written")
    if written is not None:
        _text(written, "The reply you wrote")
        if not none:
            raise BadInput("A reply is written only where none of those shown is acceptable.")
    if not (none and value["ranking"] == []):
        _ranking(value["ranking"], count)
    order = value.get("shown_order", list(range(count)))
    _order(order, count, "shown_order")
    return {
        "ranking": value["ranking"],
        "none_acceptable": none,
        "written": written,
        "shown_order": order,
    }


def _rate(value: Value, payload: Mapping[str, Any]) -> Value:
    _keys(value, "A rating", ["overall", "fields"], ["note"])
    _whole(value["overall"], "`overall`", 1, 7)
    if not isinstance(value["fields"], dict):
        raise BadInput("`fields` must be an object of yes/no answers.")
    _keys(value["fields"], "`fields`", RATING_FIELDS)
    for name in RATING_FIELDS:
        _truth(value["fields"][name], f"`{name}`")
    note = _text(value.get("note") or "", "The note", NOTE_LIMIT, empty=True)
    return {"overall": value["overall"], "fields": value["fields"], "note": note}


CHAT_IDS = ["conversation", "message"]  # of the reply that is judged


def _chat(value: Value, what: str, needed: Sequence[str], allowed: Sequence[str] = ()) -> None:
    _keys(value, what, ["prompt", *needed], [*allowed, *CHAT_IDS])
    messages_of(value["prompt"], "The prompt", ends_with="other")
    for key in CHAT_IDS:
        if value.get(key) is not None:
            _whole(value[key], f"`{key}`", 1, 2**31 - 1)
    for key, limit in (("stage", NAME_LIMIT), ("asked_because", NOTE_LIMIT)):
        if value.get(key) is not None:
            _text(value[key], f"`{key}`", limit, empty=True)


def _thumb(value: Value, payload: Mapping[str, Any]) -> Value:
    _chat(value, "A thumb", ["response", "good"], ["stage"])
    _text(value["response"], "The reply", empty=True)
    _truth(value["good"], "`good`")
    return value


def _edit(value: Value, payload: Mapping[str, Any]) -> Value:
    _chat(value, "An edit", ["response", "edited"], ["stage"])
    _text(value["response"], "The reply", empty=True)
    _text(value["edited"], "The edited reply")
    if value["edited"] == value["response"]:
        raise BadInput("The edited reply is the same as before.")
    return value


def _choice(value: Value, payload: Mapping[str, Any]) -> Value:
    _chat(value, "A choice", ["responses", "ranking"], ["stages"])
    responses = _responses(value["responses"])
    _ranking(value["ranking"], len(responses))
    if value.get("stages") is not None:
        _stages(value["stages"], len(responses))
    return value


def _answer(value: Value, payload: Mapping[str, Any]) -> Value:
    _chat(value, "An answer", ["response", "right"], ["asked_because", "propensity", "stage"])
    _text(value["response"], "The reply", empty=True)
    _truth(value["right"], "`right`")
    if value.get("propensity") is not None:
        _share(value["propensity"], "`propensity`")
    return value


VALUES: dict[str, Callable[[Value, Mapping[str, Any]], Value]] = {
    "demonstrate": _demonstrate,
    "dialogue": _dialogue,
    "rank": _rank,
    "rate": _rate,
    "thumb": _thumb,
    "edit": _edit,
    "choice": _choice,
    "answer": _answer,
}


# Tasks


def _demonstrate_task(payload: Value) -> Value:
    _keys(payload, "A demonstrate task", [], ["prompt", "style", "use_case"])
    if payload.get("prompt") is not None:
        _prompt(payload["prompt"])
    style = payload.get("style", "plain")
    if style not in STYLES:
        raise BadInput(f"`style` must be one of {', '.join(STYLES)}, got {_excerpt(style)}.")
    if payload.get("use_case") is not None:
        _text(payload["use_case"], "`use_case`", NOTE_LIMIT, empty=True)
    return {"prompt": None, "style": "plain", "use_case": "", **payload}


def _dialogue_task(payload: Value) -> Value:
    _keys(payload, "A dialogue task", [], ["opening", "suggestions"])
    _text(payload.get("opening", ""), "`opening`", empty=True)
    _whole(payload.get("suggestions", 0), "`suggestions`", 0, RESPONSES_LIMIT)
    return {"opening": "", "suggestions": 0, **payload}


def _rank_task(payload: Value) -> Value:
    _keys(payload, "A rank task", ["prompt", "responses"], ["stages", "order"])
    messages_of(payload["prompt"], "The prompt", ends_with="other")
    count = len(_responses(payload["responses"]))
    if "stages" in payload:
        _stages(payload["stages"], count)
    if "order" in payload:
        _order(payload["order"], count, "order")
    return {"stages": [""] * count, "order": list(range(count)), **payload}


def _rate_task(payload: Value) -> Value:
    _keys(payload, "A rate task", ["prompt", "response"], ["stage"])
    messages_of(payload["prompt"], "The prompt", ends_with="other")
    _text(payload["response"], "The reply", empty=True)
    if "stage" in payload:
        _text(payload["stage"], "`stage`", NAME_LIMIT, empty=True)
    return {"stage": "", **payload}


PAYLOADS: dict[str, Callable[[Value], Value]] = {
    "demonstrate": _demonstrate_task,
    "dialogue": _dialogue_task,
    "rank": _rank_task,
    "rate": _rate_task,
}


def _excerpt(value: object) -> str:
    return repr(value)[:60]
