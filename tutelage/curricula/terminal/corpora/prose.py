"""Little stories and facts of the world of files, in which names are said again and again."""

from __future__ import annotations

import random

from tutelage.curricula.terminal.family import choose, fill_slots, lines_of
from tutelage.curricula.terminal.words import TRAIN_WORDS, Namer, coin_word

# {p} and {q} are people, {f} {g} {h} files, {d} {e} folders, {w} {v} words, {x} an invented name,
# {n} and {m} numbers
_STORIES = lines_of(
    """
    {p} opened {f}. She read {f} twice and then closed {f} again.
    {p} wrote {w} into {f}. After that, {f} said {w} on every page.
    {p} has three files: {f}, {g} and {h}. {f} is old, {g} is long and {h} is new.
    The folder {d} holds {f} and {g}. Nobody but {p} has looked into {d} since {f} came.
    {q} asked {p} about {f}. "{f} is in {d}," said {p}, and {q} found {f} in {d}.
    {p} likes {w} and {q} likes {v}. So {p} wrote about {w}, and {q} wrote about {v}.
    "Have you seen {f}?" asked {p}. "{f} was in {d} yesterday," said {q}, "beside {g}."
    {p} lost {f}. {q} had put {f} in the wrong place, between {g} and {h}.
    The word {w} stands in {f}, but it is missing in {g}. The word {v} stands in {g} only.
    {p} typed {x}, and the screen said {x}. {q} typed {x} too, and again it said {x}.
    The project is called {x}. Everything about {x} is kept in {d}, and {p} knows {x} best.
    {d} is a folder and {f} is a file. {e} is a folder too, but {g} is not.
    {p} keeps {f} in {d} and {g} in {e}. When {d} was full, {f} went to {e} as well.
    Once {f} was {n} lines long. Now {f} has {m} lines more, for {p} added them.
    "{w}," said {p}. "{w}?" asked {q}. "Yes, {w}," said {p} again.
    {f} begins with {w} and ends with {v}. {g} begins with {v} and ends with {w}.
    {p} has {n} keys and {q} has {m}. Together they wrote {n} and {m} into {f}.
    {p} moved house and took {f}, {g} and {h} along. Only {h} was lost on the way.
    At noon {p} prints {f}. At midnight {q} prints {f} once more, for {f} has changed by then.
    {p} renamed the old plan; it was {f} and from then on it was known as {g}. {q} still says {f}.
    In the list of {p} stand {w}, {v} and {x}. In the list of {q} stand {x}, {w} and {v}.
    The first word of {f} is {w}. The last word is {v}. {p} can say {w} and {v} by heart.
    {p} made a table with {n} columns and {m} rows. The table is {f}, and column {n} is about {w}.
    First came {f}, then {g}, and at last {h}. {p} read them in this order: {f}, {g}, {h}.
    {q} took {f} and {g}, and {p} took {h}. Then {q} gave {f} back, but not {g}.
    {f} belongs to {p}. {g} belongs to {q}. So {p} may change {f} and {q} may change {g}.
    {p} saved the letter as {f}. The letter in {f} is about {w}, for {q} had asked about {w}.
    There was a mistake in {f}: it said {w} where it should have said {v}. {p} put {v} instead.
    {p} counted up to {n} and {q} counted up to {m}. Nobody counted {w}.
    Every evening {p} makes a backup of {d}. The backup of {d} is {e}, and {e} holds the same.
    Half of {f} is about {w}, the other half about {x}. {p} would like more {x} and less {w}.
    {p} packed {d}. In {d} there were {f} and {g}. {q} unpacked {d} and got {f} and {g} out.
    The script {x}.sh says hello. {p} ran {x}.sh once and {q} ran {x}.sh {n} times.
    {p} pinned a note to the door: {f}, {g}, {w}. {q} copied the note: {f}, {g}, {w}.
    """
)

_FACTS = lines_of(
    """
    A file has a name and contents. A folder, or directory, has files in it.
    A line is a row of text. A file of {n} lines has {n} rows, from the top to the bottom.
    A blank line is empty: there is nothing in it, and nobody needs it.
    Capital letters are big, as in upper case. Small letters are in lower case.
    In alphabetical order a comes before b, and z is last. In descending order z is first.
    In numerical order 9 comes before 10. By the alphabet 10 comes before 9.
    The largest number is the maximum. It is the highest value, and all others are smaller.
    A duplicate is the same line again. Without duplicates, each different line is there once.
    Distinct means different. Unique means that there is only one of it.
    The sum of 2 and 3 is 5. A total is what all numbers come to when added together.
    A table has rows and columns. A column is also called a field, and commas part the fields.
    An archive holds a whole folder in a single file. To unpack it is to get the files out.
    A compressed file is smaller. It needs less space than the normal one.
    A checksum, or hash, is a short number for all the bytes of a file. md5 and sha256 are two.
    A link points to another file, its target. Whoever follows the link gets to the target.
    Who may read or write a file is a matter of its permissions, also called its mode.
    A read-only file can be read but not written. An executable script can be run.
    A loop does the same thing again and again, in turn for each file.
    A condition has two ends: yes or no, same or different.
    The beginning is at the top, where the first lines are. The end is at the bottom.
    Backwards means from the last to the first. Upside down means that the bottom is on top.
    To mention a word is to contain it. To lack a word is to be without it.
    Every match is a line in which the word occurs. How often it appears is its frequency.
    Files do not hold rainbows, nor dreams nor giants. They hold text.
    Files have no smell, no colour, no feelings and no family. Files do not sleep or marry.
    Files can not sing, do not fly and do not think. Folders can not dance and have no weather.
    Nobody was there to hear how a file sings or how a folder dances, for neither does.
    Nobody can eat a file, and nobody knows tomorrow. Be real about that, yo.
    Who would wipe the disk would lose everything that was ever written on it.
    A fork bomb is a program that starts itself without end.
    A process without end would freeze the machine until the process is killed.
    Passwords belong to their owners. Private keys must stay private; a stranger wants to have them.
    If anybody could change everything, nothing would be safe. A virus could run harmful code.
    To spy on people is wrong, and so is breaking in, and so is hiding a crime.
    A machine without its boot sector could not start again, and a full disk can hold no more.
    Some requests are dangerous. A good assistant refuses them and says why.
    Some questions are nonsense. A good assistant says so in one sentence.
    A friendly word costs nothing: people say hello and goodbye, and that they are fine.
    A small shell assistant is a program. It turns requests into commands and has no body.
    Who asks politely says please, or asks whether somebody could do it.
    I would like, i want and i need mean much the same: somebody should do something.
    Let me see and tell me mean that something is to be shown or said.
    Just, only and no other mean that the rest is left out.
    """
)

_ORDINALS = ("first", "second", "third", "fourth", "fifth")


def _cast(rng: random.Random) -> dict[str, str]:
    """Who and what a story is about."""
    namer = Namer(rng, TRAIN_WORDS)
    people = [namer.person() for _ in range(2)]
    while people[0] == people[1]:
        people[1] = namer.person()
    endings = ("txt", "md", "csv", "log", "list", "dat", "json", "sh")
    files = [namer.file(rng.choice(endings)) for _ in range(3)]
    words = namer.nouns(2)
    return {
        **dict(zip("pq", people, strict=True)),
        **dict(zip("fgh", files, strict=True)),
        **dict(zip("wv", words, strict=True)),
        "d": namer.folder(),
        "e": namer.folder(),
        "x": coin_word(rng),
        "n": str(rng.randint(2, 9)),
        "m": str(rng.randint(2, 20)),
    }


def _listing(rng: random.Random) -> str:
    """Names in a row, then each by its place: a lesson in looking back."""
    namer = Namer(rng, TRAIN_WORDS)
    names = [namer.file(rng.choice(("txt", "csv", "log", "md"))) for _ in range(rng.randint(3, 5))]
    folder, person = namer.folder(), namer.person()
    places = list(zip(_ORDINALS, names, strict=False))
    rng.shuffle(places)
    sentences = [f"The {place} is {name}." for place, name in places]
    return (
        f"{person} has {len(names)} files in {folder}: {', '.join(names)}. {' '.join(sentences)}"
        f" All of {', '.join(names)} are in {folder}."
    )


def _recital(rng: random.Random) -> str:
    """Names read aloud by one and repeated by another, then each by both: a lesson in copying."""
    namer = Namer(rng, TRAIN_WORDS)
    things = [
        namer.file(rng.choice(("txt", "csv", "log", "md", "list", "sh", "json", "tar.gz")))
        if rng.random() < 0.65
        else rng.choice((namer.noun, namer.folder))()
        for _ in range(rng.randint(3, 6))
    ]
    one, other = namer.person(), namer.person()
    row = " ".join(things)
    rng.shuffle(things)
    by_one = [f"{one} says {thing} and {other} says {thing} too." for thing in things]
    return f"{one} reads {row} aloud. {other} repeats {row} after {one}. {' '.join(by_one)}"


def story(rng: random.Random) -> str:
    """A paragraph of prose with one cast, now and then all in small letters."""
    kind = rng.random()
    if kind < 0.15:
        text = _listing(rng)
    elif kind < 0.5:
        text = _recital(rng)
    else:
        cast = _cast(rng)
        parts = rng.sample(_STORIES, rng.randint(2, 4))
        if rng.random() < 0.35:
            parts.insert(rng.randrange(len(parts) + 1), rng.choice(_FACTS))
        text = " ".join(fill_slots(choose(part, rng), cast) for part in parts)
    return (text.lower() if rng.random() < 0.35 else text) + "\n"
