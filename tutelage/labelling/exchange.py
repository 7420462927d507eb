"""Labels in and out, by the names that others call: see examples, imports and exports."""

from __future__ import annotations

from tutelage.labelling.examples import comparisons_of, demonstrations_of, examples_of, ratings_of
from tutelage.labelling.exports import export_datasets, export_jsonl
from tutelage.labelling.imports import import_labels, import_tasks

__all__ = [
    "comparisons_of",
    "demonstrations_of",
    "examples_of",
    "export_datasets",
    "export_jsonl",
    "import_labels",
    "import_tasks",
    "ratings_of",
]
