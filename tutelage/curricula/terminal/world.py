"""Seeded small file trees, made so that a wrong command shows another result than the right one."""

from __future__ import annotations

import gzip
import io
import itertools
import random
import tarfile
from collections import Counter
from dataclasses import dataclass, field

from tutelage.curricula.terminal.words import Lexicon, Namer
from tutelage.sandbox import Entry, Tree

EXTENSIONS = {
    "text": ("txt", "md"),
    "words": ("txt", "list"),
    "numbers": ("txt", "dat"),
    "csv": ("csv",),
    "log": ("log",),
    "json": ("json",),
    "script": ("sh",),
}
_FILL = ("text", "text", "words", "numbers", "csv", "log", "json", "script", "folder", "text")
# the first of four things stands in half of the rows
_SKEW = (0, 1, 0, 2, 0, 3)
_VERBS = ("found", "painted", "sold", "lost", "moved", "cleaned", "fixed", "bought", "likes", "saw")
_PLACES = ("near the door", "in the hall", "on monday", "at noon", "by mistake", "in room 12")
_LEVELS = ("info", "warning", "error", "debug")
_UNUSUAL_MODES = (0o600, 0o640, 0o400, 0o444, 0o700, 0o755, 0o660, 0o750)


@dataclass
class FileFacts:
    """What is known of a file without reading it."""

    kind: str
    lines: int = 0
    words: tuple[str, ...] = ()  # words worth searching for


@dataclass
class World:
    """A tree and what a request may say about it; entries are added as they are needed."""

    rng: random.Random
    namer: Namer
    tree: Tree = field(default_factory=dict)
    files: dict[str, FileFacts] = field(default_factory=dict)  # top-level files
    folders: dict[str, str] = field(default_factory=dict)  # folder: a word in one of its files
    buried: list[str] = field(default_factory=list)  # names of files in folders
    lengths: list[int] = field(default_factory=list)  # numbers of lines not yet used
    elsewhere: Tree = field(default_factory=dict)  # entries as they are in the opposite case
    elsewhere_missing: set[str] = field(default_factory=set)

    def add(self, kind: str) -> str:
        """Put one entry of the kind into the tree, and return its name."""
        return _ADDERS[kind](self) if kind in _ADDERS else _add_file(self, kind)

    def fill(self, size: int) -> None:
        """Add entries of any kind until there are this many."""
        while len(self.tree) < size:
            self.add(_FILL[int(self.rng.random() * len(_FILL))])

    def opposite(self) -> Tree | None:
        """The tree in which a yes or no question has the other answer, where one was asked."""
        if not self.elsewhere and not self.elsewhere_missing:
            return None
        kept = {k: v for k, v in self.tree.items() if k not in self.elsewhere_missing}
        return {**kept, **self.elsewhere}

    def extensions(self) -> Counter[str]:
        """How many top-level files there are of each extension."""
        return Counter(name.rpartition(".")[2] for name in self.files)


def empty_world(rng: random.Random, lexicon: Lexicon) -> World:
    """A world with nothing in it yet."""
    # every file gets its own number of lines, so that a count betrays the wrong file
    lengths = list(range(9, 19))
    rng.shuffle(lengths)
    return World(rng, Namer(rng, lexicon), lengths=lengths)


def _add_moded(world: World) -> str:
    """Put a text file with permissions worth asking about into the world."""
    name = _add_file(world, "text")
    mode = world.rng.choice(_UNUSUAL_MODES)
    world.files[name].kind = "moded"
    world.tree[name] = Entry("file", world.tree[name].content, mode)
    return name


def _put(world: World, name: str, content: bytes, facts: FileFacts, mode: int = 0o644) -> str:
    world.files[name] = facts
    world.tree[name] = Entry("file", content, mode)
    return name


def _add_file(world: World, kind: str) -> str:
    """Put a file into the world. A kind may fix the extension, as in "text.md"."""
    rng = world.rng
    kind, _, extension = kind.partition(".")
    name = world.namer.file(extension or _pick(rng, EXTENSIONS[kind]))
    length = world.lengths.pop() if world.lengths else rng.randint(19, 30)
    text, words = _WRITERS[kind](rng, world.namer, length)
    mode = 0o644 if kind == "script" or rng.random() < 0.7 else 0o664
    return _put(world, name, text.encode(), FileFacts(kind, text.count("\n"), words), mode)


def _add_folder(world: World) -> str:
    """Put a folder of two or three short files into the world."""
    rng, namer = world.rng, world.namer
    folder = namer.folder()
    world.tree[folder] = Entry("dir", b"", 0o755)
    word, other = namer.nouns(2)
    for index in range(2 + int(rng.random() * 2)):
        name = namer.file(("txt", "md", "log")[int(rng.random() * 3)])
        lines = [f"{namer.noun()} {_pick(rng, _VERBS)}" for _ in range(2 + index)]
        if index == 0:  # one file alone holds the word, so that a search has one right order
            lines += [f"the {word} {other}", f"no {word}"]
        world.tree[f"{folder}/{name}"] = Entry("file", _text(lines).encode(), 0o644)
        world.buried.append(name)
    world.folders[folder] = word
    return folder


def _add_archive(world: World) -> str:
    """Put a .tar.gz of a small folder into the world."""
    namer = world.namer
    folder = namer.folder()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        top = tarfile.TarInfo(folder)
        top.type, top.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(top)
        for _ in range(2):
            content = f"{namer.noun()}\n{namer.noun()}\n".encode()
            member = tarfile.TarInfo(f"{folder}/{namer.file('txt')}")
            member.size, member.mode = len(content), 0o644
            archive.addfile(member, io.BytesIO(content))
    content = gzip.compress(buffer.getvalue(), mtime=0)
    return _put(world, namer.folder() + ".tar.gz", content, FileFacts("archive"))


def _text(lines: list[str]) -> str:
    return "\n".join(lines) + "\n"


def _pick(rng: random.Random, items: tuple[str, ...]) -> str:
    return items[int(rng.random() * len(items))]


def _write_text(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """Sentences in which two words stand first, last, twice, capitalised and as part of another."""
    one, two, three = namer.nouns(3)
    lines = [
        f"{one} {_pick(rng, _VERBS)} {_pick(rng, _PLACES)}",
        f"{namer.person()} {_pick(rng, _VERBS)} the {one}",
        f"one {one} and another {one} {_pick(rng, _PLACES)}",
        f"{one.capitalize()} {_pick(rng, _PLACES)}",
        f"two {one}s {_pick(rng, _PLACES)}",
        f"{two} {_pick(rng, _VERBS)} by {namer.person()}",
        f"{namer.person()} {_pick(rng, _VERBS)} a {two}",
        "",
        "",
        f"{namer.person()} {_pick(rng, _VERBS)} {int(rng.random() * 90) + 2} {three}",
    ]
    if rng.random() < 0.5:
        lines.remove("")
    lines.append(lines[1])
    while len(lines) < length:
        lines.append(f"{namer.person()} {_pick(rng, _VERBS)} {_pick(rng, _PLACES)}")
    _shuffle_between(rng, lines)
    return _text(lines), (one, two)


def _shuffle_between(rng: random.Random, lines: list[str]) -> None:
    """Shuffle until the order is not sorted and blank lines stand apart, none at an end."""
    while True:
        rng.shuffle(lines)
        if not lines[0] or not lines[-1] or lines[0] <= min(lines):
            continue
        if any(not a and not b for a, b in itertools.pairwise(lines)):
            continue
        return


def _write_words(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """One word a line, some several times, some of these side by side."""
    different = namer.nouns(6)
    lines = [*different, different[0], different[0], different[0], different[1]]
    while len(lines) < length:
        lines.append(_pick(rng, tuple(different[:5])))
    while lines[0] == min(lines) or lines[-1] == max(lines):
        rng.shuffle(lines)
    return _text(lines), (different[0], different[1])


def _write_numbers(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """One number a line, of one to three digits, so that text order is not number order."""
    # the largest begins with a small digit and another with a 9, which would be last in text order
    numbers = [rng.randint(2, 8), rng.randint(90, 99), rng.randint(100, 199)]
    numbers += [rng.randint(10, 899) for _ in range(length - 4)]
    numbers.append(numbers[-1])
    while numbers[0] == min(numbers) or numbers[-1] == max(numbers):
        rng.shuffle(numbers)
    return _text([str(number) for number in numbers]), ()


def _write_csv(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """Rows of person, thing, number, number; people and things repeat, numbers do not."""
    things = namer.nouns(4)
    people = tuple({namer.person(): None for _ in range(4)})
    first = rng.sample(range(2, 10), 2) + rng.sample(range(10, 400), length - 2)
    second = rng.sample(range(5, 1000), length)
    rng.shuffle(first)
    rows = [
        f"{_pick(rng, people)},{things[_SKEW[row % 6]]},{first[row]},{second[row]}"
        for row in range(length)
    ]
    while rows[0] == min(rows) or rows[-1] == max(rows):
        rng.shuffle(rows)
    return _text(rows), (things[0], things[1])


def _write_log(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """Times, levels and things that happened; in no order of time, so that sorting changes it."""
    things = namer.nouns(4)
    lines = [
        f"{int(rng.random() * 14) + 8:02}:{int(rng.random() * 60):02} {_pick(rng, _LEVELS)}"
        f" {namer.person()} {_pick(rng, _VERBS)} {things[_SKEW[line % 6]]}"
        for line in range(length)
    ]
    while lines[0] == min(lines) or lines[-1] == max(lines):
        rng.shuffle(lines)
    return _text(lines), (things[0], things[1])


def _write_json(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """One small object, a key a line."""
    keys = list(dict.fromkeys(namer.noun() for _ in range(length - 2)))
    pairs = [f'  "{key}": {int(rng.random() * 900) + 3}' for key in keys]
    return "{\n" + ",\n".join(pairs) + "\n}\n", (keys[0],)


def _write_script(rng: random.Random, namer: Namer, length: int) -> tuple[str, tuple[str, ...]]:
    """A shell script that prints a few lines and changes nothing."""
    one, two, three = namer.nouns(3)
    lines = [
        "#!/bin/bash",
        f"# says {one} and {two}",
        f"name={one}",
        "echo hello $name",
        f"for x in 1 2 {int(rng.random() * 6) + 3}; do",
        f"  echo {two} $x",
        "done",
        f"# then {three}",
        f"echo {three} done",
    ]
    lines += [f"echo {namer.noun()}" for _ in range(length - len(lines))]
    return _text(lines), (one, two)


_WRITERS = {
    "text": _write_text,
    "words": _write_words,
    "numbers": _write_numbers,
    "csv": _write_csv,
    "log": _write_log,
    "json": _write_json,
    "script": _write_script,
}

_ADDERS = {
    "folder": _add_folder,
    "archive": _add_archive,
    "moded": _add_moded,
}
