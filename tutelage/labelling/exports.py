"""Labels given out: JSONL that this package and others read, and Hugging Face `datasets`."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tutelage.data.comparisons import write_comparisons
from tutelage.data.demonstrations import write_demonstrations
from tutelage.data.prompts import written_messages
from tutelage.data.ratings import write_ratings
from tutelage.errors import BadInput, TutelageError
from tutelage.labelling import audit, guidelines
from tutelage.labelling.examples import Examples, examples_of, iso_time
from tutelage.labelling.records import Label, Task
from tutelage.labelling.settings import store_id
from tutelage.labelling.store import Store
from tutelage.labelling.tasks import labels_with_tasks
from tutelage.runs import write_text
from tutelage.schema import Comparison

Rows = dict[str, list[dict[str, Any]]]


def export_jsonl(store: Store, folder: Path, by: int | None) -> dict[str, int]:
    """{file: lines}. comparisons.jsonl, ratings.jsonl and demonstrations.jsonl in the formats of
    `tutelage.data`; labels.jsonl, every label as it was given, with its task, which import_labels
    reads; guidelines.jsonl, the versions whose hashes labels hold. A file without lines is left
    out. Labelers are numbers, not names; what was taken back is left out."""
    pairs = list(labels_with_tasks(store))
    examples = merged(pairs)
    name = store_id(store)
    raw = [raw_label(name, label, task) for label, task in pairs]
    versions = [asdict(version) for version in guidelines.versions(store)]
    for version in versions:
        del version["author"]
    files: dict[str, tuple[Callable[[Path, Any], None], list[Any]]] = {
        "comparisons.jsonl": (write_comparisons, examples.comparisons),
        "ratings.jsonl": (write_ratings, examples.ratings),
        "demonstrations.jsonl": (write_demonstrations, examples.demonstrations),
        "labels.jsonl": (_write_lines, raw),
        "guidelines.jsonl": (_write_lines, versions),
    }
    for file, (write, records) in files.items():
        if records:
            write(folder / file, records)
        else:
            (folder / file).unlink(missing_ok=True)  # an earlier export's
    counts = {file: len(records) for file, (_, records) in files.items() if records}
    _note(store, by, "jsonl", counts)
    return counts


def export_datasets(store: Store, folder: Path, by: int | None) -> dict[str, int]:
    """{name: rows}: a folder for each of pairs (prompt, chosen, rejected as messages), comparisons,
    ratings, demonstrations and labels that has rows, each for `datasets.load_from_disk`."""
    try:
        from datasets import Dataset
        from datasets.utils.logging import disable_progress_bar
    except ImportError:
        raise TutelageError(
            "Exporting Hugging Face datasets needs the package `datasets`: pip install datasets, "
            "or export JSONL."
        ) from None
    if folder.exists():
        raise BadInput(f"The folder {folder} is there already; name a new one.")
    tables = {name: rows for name, rows in dataset_rows(store).items() if rows}
    if not tables:
        raise BadInput("There are no labels to export yet.")
    disable_progress_bar()
    temporary = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        for name, rows in tables.items():
            Dataset.from_list(rows).save_to_disk(str(temporary / name))
        os.replace(temporary, folder)
    except OSError as error:
        raise TutelageError(f"The folder {folder} cannot be written: {error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    counts = {name: len(rows) for name, rows in tables.items()}
    _note(store, by, "datasets", counts)
    return counts


def merged(pairs: list[tuple[Label, Task | None]]) -> Examples:
    """What all these labels teach, in their order."""
    examples = [examples_of(label, task) for label, task in pairs]
    return Examples(
        comparisons=[record for one in examples for record in one.comparisons],
        ratings=[record for one in examples for record in one.ratings],
        demonstrations=[record for one in examples for record in one.demonstrations],
    )


def raw_label(store: str, label: Label, task: Task | None) -> dict[str, Any]:
    """store: its store_id, by which an import knows what it holds already."""
    return {
        "store": store,
        "id": label.id,
        "kind": label.kind,
        "value": label.value,
        "payload": task.payload if task else None,
        "topic": task.topic if task else "",
        "source": task.source if task else "",
        "propensity": task.propensity if task else None,
        "gold": task.gold if task else None,
        "labeler": str(label.labeler_id),
        "labelled_at": iso_time(label.created_at),
        "guidelines": label.guidelines,
        "active_s": label.active_s,
        "used_at": iso_time(label.used_at) if label.used_at is not None else None,
        "effect": label.effect,
    }


def dataset_rows(store: Store) -> Rows:
    """Columns of one type each: prompts are always messages, a label's value is JSON text."""
    pairs = list(labels_with_tasks(store))
    examples = merged(pairs)
    comparisons = [
        {**asdict(one), "prompt": written_messages(one.prompt)} for one in examples.comparisons
    ]
    ratings = [{**asdict(one), "prompt": written_messages(one.prompt)} for one in examples.ratings]
    demonstrations = [
        {"messages": written_messages(one.messages)} for one in examples.demonstrations
    ]
    name = store_id(store)
    raw = [
        {key: _column(value) for key, value in raw_label(name, label, task).items()}
        for label, task in pairs
    ]
    return {
        "pairs": [pair for one in examples.comparisons for pair in _pairs(one)],
        "comparisons": comparisons,
        "ratings": ratings,
        "demonstrations": demonstrations,
        "labels": raw,
    }


def _pairs(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Every pair that the ranking puts in order; ties make none."""
    prompt, ranks = written_messages(comparison.prompt), comparison.ranks()
    for i, better in enumerate(comparison.responses):
        for j, worse in enumerate(comparison.responses):
            if ranks[i] < ranks[j]:
                yield {
                    "prompt": prompt,
                    "chosen": [{"role": "assistant", "content": better}],
                    "rejected": [{"role": "assistant", "content": worse}],
                }


def _column(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def _write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    write_text(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _note(store: Store, by: int | None, subject: str, counts: dict[str, int]) -> None:
    store.write(
        lambda connection: audit.append(connection, store.clock(), by, "export", subject, counts)
    )
