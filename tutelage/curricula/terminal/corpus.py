"""The pretraining corpus: no request of a person stands in it, nor anything that is held out."""

from __future__ import annotations

import random
from collections.abc import Callable

from tutelage.curricula.terminal.corpora.manuals import manual_page
from tutelage.curricula.terminal.corpora.prose import story
from tutelage.curricula.terminal.corpora.transcripts import transcripts
from tutelage.errors import BadInput
from tutelage.sandbox import Sandbox

_SESSIONS_AT_ONCE = 100
# Shares of the characters. What a session prints is mostly chance; manuals and prose are where
# words meet commands and names are copied.
_SESSIONS, _MANUALS = 0.15, 0.52


def pretraining_corpus(seed: int, characters: int, sandbox: Sandbox) -> list[str]:
    """Unlabelled documents, shuffled: mostly manuals, the rest prose and sessions."""
    if characters < 1:
        raise BadInput(f"a corpus has at least 1 character, got {characters}")
    rng = random.Random(f"terminal corpus/{seed}")
    documents: list[str] = []
    size, batch = 0, 0
    while size < _SESSIONS * characters:
        # a small corpus needs a few sessions only
        count = min(_SESSIONS_AT_ONCE, int(characters / 1400) + 1)
        sessions = transcripts(f"terminal sessions/{seed}/{batch}", count, sandbox)
        documents += sessions
        size += sum(map(len, sessions))
        batch += 1
    documents += _write(manual_page, rng, _MANUALS * characters)
    documents += _write(story, rng, (1 - _SESSIONS - _MANUALS) * characters)
    rng.shuffle(documents)
    return documents


def _write(
    make: Callable[[random.Random], str], rng: random.Random, characters: float
) -> list[str]:
    """Documents until there are this many characters."""
    documents, size = [], 0
    while size < characters:
        documents.append(make(rng))
        size += len(documents[-1])
    return documents
