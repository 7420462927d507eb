"""Unlabelled text: files in, one stream of token ids out, cut into rows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from tutelage.device import seeded
from tutelage.errors import BadInput
from tutelage.protocols import ChatTokenizer


def read_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines of a text file, blank ones left out."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise BadInput(f"There is no file {path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The file {path} cannot be read as UTF-8 text: {error}.") from None
    # Not splitlines, which also cuts at marks such as U+2028 that JSON leaves inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            yield number, line


def read_records(path: Path) -> Iterator[tuple[str, dict[str, object]]]:
    """(where, record) for each line of a JSONL file; where is "The file …, line N"."""
    empty = True
    for number, line in read_lines(path):
        empty = False
        where = f"The file {path}, line {number}"
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise BadInput(f"{where}: expected a JSON object, got {error.msg}.") from None
        if not isinstance(record, dict):
            raise BadInput(f"{where}: expected a JSON object, got {type(record).__name__}.")
        try:
            json.dumps(record, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            half = f"\\u{ord(error.object[error.start]):04x}"
            raise BadInput(
                f"{where}: expected text, got {half}, which is half of a character."
            ) from None
        yield where, record
    if empty:
        raise BadInput(f"The file {path} is empty.")


def read_corpus(paths: Sequence[Path]) -> list[str]:
    """Documents of .jsonl files ({"text": …} a line); any other file is one document."""
    documents: list[str] = []
    for path in map(Path, paths):
        if path.suffix == ".jsonl":
            for where, record in read_records(path):
                text = record.get("text")
                if not isinstance(text, str):
                    raise BadInput(f"{where}: expected a string `text`, got {named_keys(record)}.")
                documents.append(text)
        else:
            text = "\n".join(line for _, line in read_lines(path))
            if not text:
                raise BadInput(f"The file {path} is empty.")
            documents.append(Path(path).read_text(encoding="utf-8"))
    return documents


def named_keys(record: dict[str, object]) -> str:
    """The record's keys, as an error names them; what is no text with its value."""
    if not record:
        return "an empty object"
    return "only " + " and ".join(
        f"`{key}`" if isinstance(value, str) else f"`{key}` = {shown(value)}"
        for key, value in record.items()
    )


def shown(value: object) -> str:
    """A value as JSON, cut where it is long."""
    return json.dumps(value, ensure_ascii=False)[:80]


def token_stream(tokenizer: ChatTokenizer, documents: Iterable[str]) -> Tensor:
    """All documents one after the other, each begun by the document token. (tokens,) int32."""
    stream: list[int] = []
    for ids in tokenizer.encode_many(list(documents)):
        stream += [tokenizer.document, *ids]
    return torch.tensor(stream, dtype=torch.int32)


def stream_rows(stream: Tensor, row_length: int, rows: int, step: int, *seed: object) -> Tensor:
    """The rows (rows, row_length + 1) of a step: each epoch visits every row once, in an order
    and from an offset of its own. Depends on the step alone, so nothing is kept for resuming."""
    per_epoch = (len(stream) - 1) // row_length - 1
    if per_epoch < 1:
        raise BadInput(
            f"The corpus has {len(stream)} tokens; rows of {row_length} need at least "
            f"{2 * row_length + 2}. Give more text or a shorter context."
        )
    chosen: list[Tensor] = []
    for index in range(step * rows, (step + 1) * rows):
        epoch, place = divmod(index, per_epoch)
        if not chosen or place == 0:
            generator = seeded(*seed, "epoch", epoch)
            offset = int(torch.randint(row_length, (), generator=generator))
            order = torch.randperm(per_epoch, generator=generator)
        start = offset + int(order[place]) * row_length
        chosen.append(stream[start : start + row_length + 1])
    return torch.stack(chosen).long()
