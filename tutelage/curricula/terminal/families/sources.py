"""The first steps of pipelines: how what they take is named, and their commands."""

from __future__ import annotations

from dataclasses import dataclass

from tutelage.curricula.terminal.family import lines_of, slot_pairs


@dataclass(frozen=True)
class Source:
    """A first step: the ways to name what it takes (plural), and its command."""

    slots: tuple[tuple[str, str], ...]
    command: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]


def _source(slots: str, command: str, train: str, held_out: str) -> Source:
    return Source(slot_pairs(slots), command, lines_of(train), lines_of(held_out))


SOURCES = {
    "with": _source(
        "file:varied word:frequentword",
        "grep {word} {file}",
        """
        the lines with {word} in {file}
        the lines of {file} that contain {word}
        all lines in {file} that mention {word}
        the lines in {file} where {word} appears
        those {file} lines that have {word} in them
        all rows of {file} containing {word}
        the rows that include {word} in {file}
        the {word} lines found in {file}
        """,
        """
        the lines of {file} with {word} in them
        all lines where {word} appears in {file}
        """,
    ),
    "column": _source(
        "col:textcol file:csv",
        "cut -d, -f{col} {file}",
        """
        the values of column {col} in {file}
        the entries in column {col} of {file}
        all values from column {col} of {file}
        the column {col} values of {file}
        all cells of {file} found in column {col}
        the values {file} has in column {col}
        the items listed under column {col} in {file}
        the column {col} fields from {file}
        """,
        """
        the entries of {file} from column number {col}
        all the things listed in column {col} of {file}
        """,
    ),
    "first": _source(
        "n file:tidy",
        "head -n {n} {file}",
        """
        the first {n} lines of {file}
        the top {n} lines of {file}
        the opening {n} lines in {file}
        the {n} rows that {file} begins with
        the leading {n} rows in {file}
        the initial {n} lines found in {file}
        the {n} topmost lines of {file}
        """,
        """
        the {n} lines at the start of {file}
        the {n} lines at the top of {file}
        """,
    ),
    "sort": _source(
        "file:tidy",
        "sort {file}",
        """
        the sorted lines of {file}
        the alphabetically sorted lines of {file}
        all lines of {file} in alphabetical order
        all rows of {file} sorted by the alphabet
        the alphabetized rows of {file}
        the lines in {file} ordered alphabetically
        the rows in {file} arranged in abc order
        """,
        """
        the sorted lines from the file {file}
        all lines of {file}, sorted from a to z
        """,
    ),
    "unique": _source(
        "file:repeated",
        "sort -u {file}",
        """
        the unique lines of {file}
        the different lines in {file}
        the distinct lines of {file}
        the lines of {file} without repeats
        the rows in {file} with duplicates dropped
        all different rows found in {file}
        all deduplicated lines from {file}
        the {file} lines minus any duplicates
        """,
        """
        the sorted lines of {file} without any repeats
        the different lines in {file}, in order and each just once
        """,
    ),
}
