"""A person's judgements of chat replies: appended at once, read later as rankings or ratings."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tutelage.data.comparisons import read_comparisons
from tutelage.data.corpus import read_records
from tutelage.data.ratings import rating_of
from tutelage.errors import BadInput
from tutelage.schema import Comparison, Rating, ask

CHAT = "chat"  # the labeler of judgements made in a chat


def now() -> str:
    """The time, to the second, as records have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Labels:
    """labels.jsonl of a run. Every line is on disk before `add` returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def judge(self, prompt: str, response: str, verdict: str, stage: str) -> None:
        """One reply called good or bad."""
        self._add({"prompt": prompt, "response": response, "verdict": verdict, "stage": stage})

    def compare(self, prompt: str, worse: str, better: str, stage: str) -> None:
        """One reply preferred to another."""
        pair = {"responses": [worse, better], "ranking": [[1], [0]]}
        self._add({"prompt": prompt, **pair, "verdict": "redo", "stage": stage, "labeler": CHAT})

    def _add(self, record: dict[str, object]) -> None:
        line = json.dumps({**record, "labelled_at": now()}, ensure_ascii=False) + "\n"
        # Unbuffered: what a full disk refuses must not be tried again when the file is closed.
        with open(self.path, "a+b", buffering=0) as file:
            file.seek(0)
            # A line that a kill cut short was never acknowledged; the next one takes its place.
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)
            rest = line.encode()
            try:
                while rest:
                    rest = rest[file.write(rest) :]
                os.fsync(file.fileno())
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(whole)
                raise


def read_rankings(path: Path) -> list[Comparison]:
    """Comparisons of a file of theirs, or of a chat's labels: pairs that were redone, and for each
    prompt the good replies against the bad ones."""
    records = [record for _, record in read_records(path)]
    if not any("verdict" in record for record in records):
        return read_comparisons(path)
    comparisons: list[Comparison] = []
    verdicts: dict[str, dict[str, str]] = {}  # prompt: reply: good or bad, whichever came last
    for record in records:
        prompt, verdict = str(record.get("prompt")), record.get("verdict")
        responses = record.get("responses")
        if verdict == "redo" and isinstance(responses, list) and len(responses) == 2:
            comparisons.append(
                Comparison(ask(prompt), tuple(map(str, responses)), ((1,), (0,)), CHAT)
            )
        elif verdict in ("good", "bad"):
            verdicts.setdefault(prompt, {})[str(record.get("response"))] = str(verdict)
    comparisons += [
        _good_against_bad(prompt, replies)
        for prompt, replies in verdicts.items()
        if len(set(replies.values())) == 2
    ]
    if not comparisons:
        raise BadInput(
            f"The file {path} holds labels but nothing to rank: it needs a /redo, or a good and a "
            "bad reply to the same prompt."
        )
    return comparisons


def read_judgements(path: Path) -> list[Rating]:
    """Ratings of a file of theirs, or of a chat's labels: each good or bad as a thumb."""
    ratings = []
    for where, record in read_records(path):
        verdict = record.get("verdict")
        if verdict in ("good", "bad"):
            record = {**record, "good": verdict == "good", "labeler": CHAT}
        if verdict != "redo":  # it prefers one reply to another, and rates neither
            ratings.append(rating_of(where, record))
    if not ratings:
        raise BadInput(
            f"The file {path} holds labels but no rating: it needs a reply called good or bad."
        )
    return ratings


def _good_against_bad(prompt: str, verdicts: Mapping[str, str]) -> Comparison:
    """Good replies, tied, before bad ones, tied."""
    replies = tuple(verdicts)
    groups = (
        tuple(i for i, reply in enumerate(replies) if verdicts[reply] == verdict)
        for verdict in ("good", "bad")
    )
    return Comparison(ask(prompt), replies, tuple(groups), CHAT)
