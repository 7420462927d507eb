"""What manual pages say of commands: in the third person, never as somebody would ask."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from tutelage.curricula.terminal.family import choose, fill_slots, lines_of
from tutelage.curricula.terminal.words import TRAIN_WORDS, Namer

# a command, then what it does, a wording a line; CAPITALS stand for what a person puts in
_PAGES = """
mkdir DIR
(makes|creates) DIR, a new folder, which is another word for directory
sets up an empty directory that has the name DIR
builds the folder DIR (here|in this place)
lets DIR become a directory of its own
touch FILE
(makes|creates) FILE as a blank file if it is not there
adds FILE with nothing in it, so it has no content
starts a file without text, that is a blank one, as FILE
cp FILE NEW
(copies|duplicates|clones) FILE, so that NEW holds the same
makes NEW, a second FILE, and leaves the first one where it was
keeps FILE and has NEW as its twin or backup
backs FILE up under the new name NEW
mv FILE NEW
(renames|calls) FILE, which is then known as NEW
gives the file another name: first FILE, from then on NEW
changes what FILE is called, namely into NEW
mv FILE DIR
(moves|puts|shifts) FILE, which then belongs in the folder DIR
takes FILE from here, and its place is then inside the directory DIR
cp FILE DIR
leaves FILE here and places its copy in the directory DIR
copies a file, FILE, so that DIR holds it too
rm FILE
(deletes|removes|erases) FILE for good
throws FILE away, gets rid of it, for files of no use any more
takes FILE out of the folder, so that it is lost
rm -r DIR
(deletes|removes|erases) the directory DIR with everything in it
throws away a whole folder, DIR, its files and all
gets rid of DIR and of what DIR holds
ls DIR
(lists|shows) what the directory DIR holds inside
names each file within the folder DIR
tells which names are in DIR and what its contents are
cat FILE
(shows|prints|displays) FILE, the whole text, all its contents
outputs everything that is written in FILE, from the top to the end
opens FILE to read it entire
head -n N FILE
(shows|prints) the beginning of a file: of FILE, the first N lines
reads N lines at the start or top of FILE, where it begins
gives the opening of FILE, only N lines
tail -n N FILE
(shows|prints) the end of a file: of FILE, the last N lines
reads N lines at the bottom of FILE, where it ends
gives the final part of FILE, its closing N lines
sed -n Np FILE
(shows|prints) one line and no other: in FILE, number N
reads just the text on a single line of FILE, the one with number N
sed -n A,Bp FILE
(shows|prints) the part of FILE from A until B, counted in lines
reads what is between the lines A and B, both included, of FILE
cat -n FILE
(shows|prints) FILE and puts its number before every line
numbers all rows of FILE, the number in front of the text
tac FILE
(shows|prints) FILE in reverse, so that its last line is the first
turns FILE upside down: it begins at the bottom and ends at the top
reads FILE backwards, line after line
grep WORD FILE
(finds|searches|looks for) WORD and prints each line of FILE that has it
prints rows of FILE which mention or contain WORD, the matching ones
tells where FILE says something of WORD
grep -i WORD FILE
(finds|searches) WORD in FILE, be it in capital letters or small; case does not matter
matches without regard to case, so WORD in capitals or not, in FILE
ignores upper and lower case while it looks through FILE for WORD
grep -v WORD FILE
(hides|skips|leaves out) each line that has WORD and prints what is left of FILE
prints rows of FILE lacking WORD, those in which WORD is missing
shows FILE except whatever mentions WORD
grep ^WORD FILE
(prints|finds) lines that begin with WORD, as their first word, in FILE
matches WORD at the start of a line of FILE only
grep WORD$ FILE
(prints|finds) lines that end with WORD, as their last word, in FILE
matches WORD at the very end of a line of FILE only
grep -r WORD DIR
goes through every file within the directory DIR and looks for WORD
(searches|reads) all files under DIR, shows where WORD is mentioned
find . -name FILE
(locates|finds) a file by its name, FILE, in whichever folder it is
looks in every directory for the place, that is the path, of FILE
ls *.EXT
(lists|names) whatever has the ending EXT in this folder
shows each file name that ends in EXT
wc -l < FILE
counts the (lines|rows) of FILE and gives their total
tells how many rows FILE holds, the line count as one number
gives the number of rows that FILE has, how long it is
wc -w < FILE
counts the words of FILE and gives their total
tells how many words FILE holds, the word count
wc -c < FILE
counts the bytes of FILE, so it tells how large FILE is
gives the size of a file, how big FILE is, in bytes
grep -c WORD FILE
counts the (lines|rows) of FILE that have WORD in them
tells how many rows mention or contain WORD in all of FILE
grep -vc WORD FILE
counts the (lines|rows) of FILE that lack WORD
tells how many rows do not mention WORD, which is missing there, in FILE
grep -o WORD FILE | wc -l
counts how often FILE says WORD, each time it occurs or appears
gives the total of all occurrences: how many times FILE has WORD
ls DIR | wc -l
counts the files that DIR holds, how full it is
tells how many files there are within the directory DIR
sort FILE
(sorts|orders|arranges) FILE from a to z by the alphabet
puts FILE in alphabetical order and shows the sorted version
sort -r FILE
(sorts|orders) FILE the other way round, from z to a
puts FILE in descending alphabetical order, z first
sort -n FILE
(sorts|orders) FILE by number: the smallest first and the largest last
puts values of FILE in ascending numerical order, from low to high
sort -n FILE | tail -n 1
finds the maximum: the highest, largest, biggest of all numbers of FILE
tells which value at the top is the highest one in FILE
sort -u FILE
(sorts|orders) FILE without duplicates, so every different line is there only once
lists distinct rows, the unique ones, of FILE
drops or removes duplicates of FILE while sorting
sort FILE | uniq -c
tells for each distinct line of FILE how often it occurs, its frequency
tallies FILE: counts how many times every different line appears
cut -d, -fCOL FILE
(cuts|extracts|takes) one column, COL, out of a table, here of FILE
prints field COL, only those values, for every row of FILE
awk '{s+=$1} END {print s}' FILE
(sums|adds up|totals) every number of FILE
adds all values of FILE together and tells what they come to
sed s/WORD/OTHER/g FILE
prints FILE as if each WORD were OTHER; FILE itself stays as it is
shows OTHER wherever FILE says WORD, replaced in what is printed only
sed -i s/WORD/OTHER/g FILE
(replaces|swaps|substitutes) WORD everywhere, with OTHER instead, and saves FILE
changes FILE itself: where there was WORD there is OTHER
tr a-z A-Z < FILE
turns every letter of FILE big: capitals, which is upper case or uppercase
(shows|prints) FILE in nothing but capital letters
grep . FILE
skips the blank lines, those that are empty, and prints the other lines of FILE
shows what has text in FILE, empty rows left out
sed -i /^$/d FILE
(deletes|removes|erases) each empty row of FILE and saves it without blank ones
takes blank lines out, cleans FILE of what is empty
sed -i Nd FILE
(deletes|removes|erases) one line, number N, and saves FILE
takes row N out, so that FILE should lose it
echo WORD >> FILE
(adds|appends|writes) WORD after the last line, at the end or bottom of FILE
lets FILE end with one more line that says WORD
echo WORD > FILE
(writes|stores|saves) the text WORD, and FILE is the file in which it is written
makes FILE with only WORD inside
cat FILE OTHERFILE > NEW
(joins|merges|combines) FILE, then OTHERFILE after it, and both are then in NEW
glues two files, FILE followed by OTHERFILE, to make NEW of them
tar -czf DIR.tar.gz DIR
(packs|bundles|compresses) all of the folder DIR as one archive, DIR.tar.gz
makes an archive that holds DIR with its files
tar -tzf DIR.tar.gz
(lists|names) which files are packed in DIR.tar.gz and does not unpack it
looks into an archive, DIR.tar.gz, and tells what it has in it
tar -xzf DIR.tar.gz
(unpacks|extracts|expands) DIR.tar.gz, gets everything out of the archive
takes the files out of DIR.tar.gz, that is, they are extracted, and puts them in this folder
gzip FILE
(compresses|shrinks|squeezes) FILE, so that it is smaller: FILE.gz is what is left
uses less space for a file too big, FILE, and adds gz to its name
md5sum FILE
(computes|calculates) a checksum, the md5 hash, over all bytes of FILE
tells which md5 sum FILE has
sha256sum FILE
(computes|calculates) a checksum, the sha256 hash, over all bytes of FILE
tells which sha256 sum FILE has
chmod +x FILE
(allows|lets) a script be executed: FILE gets the executable bit and rights
makes FILE a program that it is possible to execute and run
chmod a-w FILE
(protects|locks) FILE, so that it is read-only and safe from changes
forbids anybody to write FILE, which is only to be read then
stat -c %a FILE
(shows|tells) as a number which permissions FILE has, its octal mode
prints the mode, numeric, of what FILE allows
bash FILE
(runs|executes|starts|launches) a shell script, FILE, and prints what it says
lets bash read the script FILE and do each line of it
readlink FILE
(shows|names|follows) where a symbolic link may lead: the target that FILE points at
tells to which file FILE, a link, points
[ -e FILE ] && echo yes || echo no
checks whether FILE is here: it answers yes if so, and otherwise no
says no if FILE is missing and yes where it exists
grep -q WORD FILE && echo yes || echo no
checks whether WORD is anywhere in FILE and answers yes, otherwise no
says yes where FILE mentions WORD and no where it is missing
cmp -s FILE OTHERFILE && echo same || echo different
compares FILE and OTHERFILE: same if they are equal, different if they do not match
checks two files against each other, FILE first, OTHERFILE second
for f in *.EXT; do wc -l < $f; done
goes in a loop through all files with the ending EXT and counts their lines one by one
takes every EXT file in turn and tells how long each is, separately
for f in *.EXT; do cp $f $f.bak; done
loops over all EXT files and copies each, with bak as the ending after its name
keeps backups: each file of the EXT kind gets its own with bak
for i in {1..N}; do echo WORD; done
repeats WORD again and again, N rows of it, in a loop
says WORD a few times, so that it is repeated, each on its own line
seq N
counts upwards, beginning at 1, ending at N, one number a line
writes all numbers between 1 and N, both included
"""

# the later steps of pipelines, on their own: each works on whatever comes in
_STEPS = """
| sort
puts (what comes in|the values it gets) in alphabetical order, sorted from a to z
| sort -r
puts (what comes in|the lines before it) in descending order, ordered from z to a
| sort -u
keeps each different one only once, so all duplicates are removed; the rest is sorted and unique
| head -n N
lets only the first N through, just the top of (what comes in|the list)
| tail -n N
lets only the last N through, just the bottom of (what comes in|the list)
| tr a-z A-Z
turns every letter that comes in into upper case, that is into capitals
| tac
turns (what comes in|the list) upside down: backwards, the last one first
| cat -n
puts a number before each line that comes in, so they are numbered
| paste -sd,
glues what comes in into a single line, the parts joined and separated by commas
| wc -l
counts what comes in and tells how many there are
| wc -w
counts the words of what comes in and tells how many words there are
> NEW
saves what comes out in a file, so that NEW holds it; it is stored or written there
grep WORD FILE |
takes those lines which mention WORD from FILE, for the next step
grep -v WORD FILE |
takes those lines that do not have WORD in them from FILE, for the next step
cut -d, -fCOL FILE |
takes the entries of field COL, all its values, from FILE for the next step
head -n N FILE |
takes N lines with which FILE begins, at its top, for the next step
tail -n N FILE |
takes N lines with which FILE ends, at its bottom, for the next step
sed -n A,Bp FILE |
takes what is between the lines A and B of FILE for the next step
sort FILE |
takes all that FILE has, in sorted order, for the next step
sort -u FILE |
takes those rows that are different, without any duplicates, from FILE for the next step
ls DIR |
takes the names of what DIR holds for the next step
"""

_STARTS = """
mkdir touch cp mv rm ls cat head tail sed tac grep find wc sort cut awk tr echo tar gzip md5sum
sha256sum chmod stat bash readlink [ cmp for seq | >
"""
# N, A and B may touch a small letter of a command, as in 3p; words of capitals stay whole
_PLACEHOLDER = re.compile(r"OTHERFILE|OTHER|FILE|NEW|DIR|WORD|EXT|COL|(?<![A-Z])[NAB](?![A-Z-])")


def _parse(text: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Commands with their wordings; a line that begins with a command's name opens a new entry."""
    entries: list[tuple[str, list[str]]] = []
    starts = frozenset(_STARTS.split())
    for line in lines_of(text):
        if line.split()[0] in starts:
            entries.append((line, []))
        else:
            entries[-1][1].append(line)
    return tuple((command, tuple(wordings)) for command, wordings in entries)


_ENTRIES = _parse(_PAGES) + _parse(_STEPS)
_PATTERNS = (
    "{command}: {does}.",
    "{command}: {does}.",
    "{command} {does}.",
    "The command {command} {does}.",
    "With {command} the shell {does}.",
)
# only for whole commands: a step such as "| tac" is never typed on its own
_TYPED = (
    "This {does}: $ {command}",
    "What {does} is $ {command}",
    "The next command {does}.\n$ {command}",
    "Example that {does}:\n$ {command}",
    "{does}: $ {command}",
    "{does}: $ {command}",
)


def _values(rng: random.Random, namer: Namer) -> Mapping[str, str]:
    """Concrete things to put in for the placeholders."""
    start = rng.randint(2, 4)
    return {
        "FILE": namer.file(rng.choice(("txt", "md", "csv", "log", "list", "dat", "sh"))),
        "OTHERFILE": namer.file("txt"),
        "NEW": namer.file(rng.choice(("txt", "md", "list"))),
        "DIR": namer.folder(),
        "WORD": namer.noun(),
        "OTHER": namer.noun(),
        "EXT": rng.choice(("txt", "csv", "log", "md", "list")),
        "COL": str(rng.randint(1, 4)),
        "N": str(rng.randint(2, 7)),
        "A": str(start),
        "B": str(start + rng.randint(1, 3)),
    }


def _fill(text: str, values: Mapping[str, str]) -> str:
    return _PLACEHOLDER.sub(lambda match: values[match[0]], text)


def manual_page(rng: random.Random) -> str:
    """A few lines of a manual, or of a cheat sheet about one file."""
    namer = Namer(rng, TRAIN_WORDS)
    concrete = rng.random() < 0.7
    values = _values(rng, namer)
    lines = []
    for command, wordings in rng.sample(_ENTRIES, rng.randint(3, 6)):
        if rng.random() < 0.5:
            values = _values(rng, namer)
        wording = choose(rng.choice(wordings), rng)
        if concrete:
            command, wording = _fill(command, values), _fill(wording, values)
        whole = command[0] not in "|>" and command[-1] != "|"
        pattern = rng.choice(_PATTERNS + _TYPED if whole else _PATTERNS)
        lines.append(fill_slots(pattern, {"command": command, "does": wording}))
    return "\n".join(lines) + "\n"
