"""The steps of pipelines: how each is asked for, and its command."""

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


@dataclass(frozen=True)
class Step:
    """A later step: frames around {x}, what was taken so far; named adds the ways to name it."""

    slots: tuple[tuple[str, str], ...]
    command: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    named: tuple[str, ...] = ()


def _source(slots: str, command: str, train: str, held_out: str) -> Source:
    return Source(slot_pairs(slots), command, lines_of(train), lines_of(held_out))


def _step(slots: str, command: str, train: str, held_out: str, named: str = "") -> Step:
    return Step(slot_pairs(slots), command, lines_of(train), lines_of(held_out), lines_of(named))


SOURCES = {
    "with": _source(
        "file:varied word:frequentword",
        "grep {word} {file}",
        """
        the lines with {word} in {file}
        the lines of {file} that contain {word}
        all lines in {file} that mention {word}
        """,
        """
        the lines of {file} that have {word} in them
        those lines in {file} which mention {word}
        """,
    ),
    "without": _source(
        "file:tidy word:frequentword",
        "grep -v {word} {file}",
        """
        the lines without {word} in {file}
        the lines of {file} that do not contain {word}
        all lines in {file} lacking {word}
        """,
        """
        the lines of {file} that do not have {word} in them
        those lines in {file} which do not mention {word}
        """,
    ),
    "column": _source(
        "col:textcol file:csv",
        "cut -d, -f{col} {file}",
        """
        the values of column {col} in {file}
        the entries in column {col} of {file}
        all values from column {col} of {file}
        """,
        """
        the values that are in column {col} of {file}
        the entries of field {col} in {file}
        """,
    ),
    "first": _source(
        "n file:tidy",
        "head -n {n} {file}",
        """
        the first {n} lines of {file}
        the top {n} lines of {file}
        the opening {n} lines in {file}
        """,
        """
        the {n} lines at the top of {file}
        the {n} lines with which {file} begins
        """,
    ),
    "last": _source(
        "n file:tidy",
        "tail -n {n} {file}",
        """
        the last {n} lines of {file}
        the bottom {n} lines of {file}
        the final {n} lines in {file}
        """,
        """
        the {n} lines at the bottom of {file}
        the {n} lines with which {file} ends
        """,
    ),
    "range": _source(
        "a b file:tidy",
        "sed -n {a},{b}p {file}",
        """
        lines {a} to {b} of {file}
        lines {a} through {b} in {file}
        the lines from {a} to {b} in {file}
        """,
        """
        the lines between {a} and {b} in {file}
        lines {a} until {b} from {file}
        """,
    ),
    "sort": _source(
        "file:tidy",
        "sort {file}",
        """
        the sorted lines of {file}
        the alphabetically sorted lines of {file}
        all lines of {file} in alphabetical order
        """,
        """
        the lines of {file}, ordered from a to z,
        the lines that {file} has, in sorted order,
        """,
    ),
    "unique": _source(
        "file:repeated",
        "sort -u {file}",
        """
        the unique lines of {file}
        the different lines in {file}
        the distinct lines of {file}
        """,
        """
        the lines of {file}, without any duplicates,
        those lines of {file} that are different
        """,
    ),
    "list": _source(
        "dir:folder",
        "ls {dir}",
        """
        the names of the files in {dir}
        the file names in the folder {dir}
        the names of all files inside {dir}
        """,
        """
        the names of the files that the folder {dir} holds
        the names of what is within {dir}
        """,
    ),
}

STEPS = {
    "sort": _step(
        "",
        "sort",
        """
        sort {x}
        show {x} in alphabetical order
        take {x} and sort them
        {x}, sorted
        """,
        """
        let me see {x}, ordered from a to z
        could you put {x} in alphabetical order?
        """,
        """
        {x}, sorted,
        {x} in alphabetical order
        """,
    ),
    "descending": _step(
        "",
        "sort -r",
        """
        sort {x} from z to a
        show {x} in descending order
        take {x} and sort them in descending order
        {x}, sorted from z to a
        """,
        """
        let me see {x}, ordered from z to a
        could you put {x} in descending order?
        """,
    ),
    "unique": _step(
        "",
        "sort -u",
        """
        sort {x} and drop duplicates
        show the unique ones of {x}
        take {x} and list each different one once
        {x}, each only once
        """,
        """
        let me see {x}, but every different one only once
        could you remove duplicates from {x}?
        """,
        """
        {x}, each only once,
        {x}, without duplicates,
        """,
    ),
    "first": _step(
        "m",
        "head -n {m}",
        """
        the first {m} of {x}
        show only the first {m} of {x}
        take {x} and keep the first {m}
        {x}, but only the first {m}
        """,
        """
        let me see {x}, just the top {m}
        of {x}, only the first {m}, please
        """,
        """
        the first {m} of {x}
        the top {m} of {x}
        """,
    ),
    "last": _step(
        "m",
        "tail -n {m}",
        """
        the last {m} of {x}
        show only the last {m} of {x}
        take {x} and keep the last {m}
        {x}, but only the last {m}
        """,
        """
        let me see {x}, just the bottom {m}
        of {x}, only the last {m}, please
        """,
        """
        the last {m} of {x}
        the final {m} of {x}
        """,
    ),
    "upper": _step(
        "",
        "tr a-z A-Z",
        """
        show {x} in upper case
        print {x} in capital letters
        take {x} and turn them into capitals
        {x}, in upper case
        """,
        """
        let me read {x} with every letter in upper case
        could you turn {x} into capital letters?
        """,
    ),
    "reverse": _step(
        "",
        "tac",
        """
        show {x} from bottom to top
        print {x} with the last one first
        take {x} and turn them upside down
        {x}, in reverse order
        """,
        """
        let me read {x} backwards, the last one first
        could you turn {x} upside down?
        """,
    ),
    "number": _step(
        "",
        "cat -n",
        """
        number {x}
        show {x} with a number in front of each
        take {x} and number them
        {x}, numbered
        """,
        """
        let me read {x}, each with its number
        could you put a number before each of {x}?
        """,
    ),
    "join": _step(
        "",
        "paste -sd,",
        """
        join {x} with commas
        put {x} on one line with commas
        take {x} and glue them together with commas
        {x}, joined by commas
        """,
        """
        let me see {x} on a single line, separated by commas
        could you glue {x} into one line with commas?
        """,
    ),
    "words": _step(
        "",
        "wc -w",
        """
        count the words in {x}
        how many words are in {x}?
        take {x} and count their words
        word count of {x}
        """,
        """
        let me know how many words {x} have
        what is the number of words in {x}?
        """,
    ),
    "count": _step(
        "",
        "wc -l",
        """
        count {x}
        how many are there of {x}?
        take {x} and count them
        number of {x}
        """,
        """
        let me know how many there are of {x}
        what is the number of {x}?
        """,
    ),
    "save": _step(
        "new",
        "> {new}",
        """
        save {x} as {new}
        write {x} into {new}
        take {x} and save them in {new}
        put {x} into a new file {new}
        """,
        """
        {new} should hold {x}
        i need {x} in a file called {new}
        """,
    ),
}
