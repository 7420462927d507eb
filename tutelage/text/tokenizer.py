"""Byte-level BPE with the chat's special tokens; digits are always one token each.

A conversation is `<|role|>` content `<|end|>`, message after message. The assistant's content and
its `<|end|>` are what a policy says; everything else is said to it.

A word has the same tokens wherever it stands, so that a policy can copy `lamp` from "swap lamp for
tree" into `s/lamp/tree/`: after a mark or a new line it is written as the joining token and then as
if a space stood before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import tokenizers
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers

from tutelage.errors import BadInput
from tutelage.schema import Conversation

PAD = "<|pad|>"
DOCUMENT = "<|document|>"  # starts a document of unlabelled text
END = "<|end|>"  # ends every message; sampled by the assistant, it is the stop token
ROLES = {role: f"<|{role}|>" for role in ("system", "user", "assistant", "tool")}
JOIN = "<|join|>"  # the space that follows is not in the text
SPECIAL = [PAD, DOCUMENT, END, *ROLES.values(), JOIN]

# Words keep the space before them; a digit, and each run of marks, stands alone.
_PIECES = r" ?\p{L}+| ?\p{N}| ?[^\s\p{L}\p{N}]|\s+(?!\S)|\s"

# Where a word begins without a space. Names such as red_lamp.txt stay whole, as they are copied so.
_JOINED = re.compile(r"(?<=[/^\"'(=<>\[{|\n])(?=[^\W\d_]{2})")


class Tokenizer:
    """Text to token ids and back. Special tokens never come out of text, only out of code."""

    def __init__(self, inner: tokenizers.Tokenizer) -> None:
        self.inner = inner
        ids = {token: inner.token_to_id(token) for token in SPECIAL}
        known: dict[str, int] = {token: i for token, i in ids.items() if i is not None}
        if len(known) < len(SPECIAL):
            missing = ", ".join(sorted(set(SPECIAL) - set(known)))
            raise BadInput(f"The tokenizer lacks the special tokens {missing}.")
        self.pad, self.document, self.end = known[PAD], known[DOCUMENT], known[END]
        self.roles = {role: known[token] for role, token in ROLES.items()}
        self.join = known[JOIN]
        self.special = frozenset(known.values()) - {self.join}
        self.stop_tokens = frozenset({self.end})

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int) -> Tokenizer:
        """Learn `vocabulary` tokens: 256 bytes, the special ones, and merges of frequent pairs."""
        smallest = 256 + len(SPECIAL)
        if vocabulary < smallest:
            raise BadInput(
                f"The vocabulary must hold at least {smallest} tokens, got {vocabulary}."
            )
        inner = tokenizers.Tokenizer(models.BPE())
        inner.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        inner.decoder = decoders.ByteLevel()
        inner.encode_special_tokens = True
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=SPECIAL,
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        inner.train_from_iterator((part for text in texts for part in _parts(text)), trainer)
        return cls(inner)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        try:
            inner = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the library raises bare Exception for every cause
            raise BadInput(f"{path} is not a tokenizer file: {error}") from error
        inner.encode_special_tokens = True
        return cls(inner)

    def save(self, path: Path) -> None:
        self.inner.save(str(path))

    def __len__(self) -> int:
        return self.inner.get_vocab_size()

    def encode(self, text: str) -> list[int]:
        """Token ids of text. `<|end|>` in the text is spelled out, it never becomes the token."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: list[str]) -> list[list[int]]:
        parts = [_parts(text) for text in texts]
        encoded = iter(
            self.inner.encode_batch([p for ps in parts for p in ps], add_special_tokens=False)
        )
        found = []
        for of_text in parts:
            ids = list(next(encoded).ids)
            for _ in of_text[1:]:
                ids += [self.join, *next(encoded).ids]
            found.append(ids)
        return found

    def decode(self, ids: Iterable[int]) -> str:
        """Text of token ids, special tokens left out."""
        parts: list[list[int]] = [[]]
        for token in ids:
            if token == self.join:
                parts.append([])
            elif token not in self.special:
                parts[-1].append(token)
        first, *joined = self.inner.decode_batch(parts)
        return first + "".join(part.removeprefix(" ") for part in joined)

    def encode_prompt(self, prompt: Conversation) -> list[int]:
        """Tokens of the messages, then `<|assistant|>`: what a reply is sampled after."""
        tokens, _ = self.encode_conversation(prompt)
        return [*tokens, self.roles["assistant"]]

    def encode_conversation(self, conversation: Conversation) -> tuple[list[int], list[bool]]:
        """Tokens, and for each whether the assistant says it (its `<|end|>` included)."""
        tokens: list[int] = []
        mask: list[bool] = []
        for message in conversation:
            content = self.encode_reply(message.content)
            tokens += [self.roles[message.role], *content]
            mask += [False] + [message.role == "assistant"] * len(content)
        return tokens, mask

    def encode_reply(self, reply: str) -> list[int]:
        """Tokens of a finished message, stop token included. The space in front makes the first
        word the same tokens as anywhere else, so that it can be copied."""
        return [*self.encode(f" {reply}"), self.end]

    def encode_continuation(self, messages: Conversation) -> list[int]:
        """What follows a finished reply up to where the next one begins."""
        return self.encode_prompt(messages)

    def decode_reply(self, tokens: Iterable[int]) -> str:
        """The text of a reply, finished or not, without the space in front."""
        return self.decode(tokens).removeprefix(" ")


def _parts(text: str) -> list[str]:
    """The text cut before each word that is to be joined, which gets a space in front."""
    first, *joined = _JOINED.split(text)
    return [first, *(f" {part}" for part in joined)]
