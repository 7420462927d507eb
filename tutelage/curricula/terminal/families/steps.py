"""The later steps of pipelines: how each is asked for, and its command."""

from __future__ import annotations

from dataclasses import dataclass

from tutelage.curricula.terminal.family import lines_of, slot_pairs


@dataclass(frozen=True)
class Step:
    """A later step: frames around {x}, what was taken so far; named adds the ways to name it."""

    slots: tuple[tuple[str, str], ...]
    command: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]
    named: tuple[str, ...] = ()


def _step(slots: str, command: str, train: str, held_out: str, named: str = "") -> Step:
    return Step(slot_pairs(slots), command, lines_of(train), lines_of(held_out), lines_of(named))


STEPS = {
    "sort": _step(
        "",
        "sort",
        """
        sort {x}
        show {x} in alphabetical order
        take {x} and sort them
        {x}, sorted
        put {x} in abc order
        i want {x} arranged from a to z
        {x}, from a to z
        could you order {x} alphabetically?
        let me see {x} in sorted order
        arrange {x} by the alphabet
        alphabetical order please, {x}
        is there a way to have {x} sorted?
        """,
        """
        could i see {x} sorted from a to z
        let me see {x}, ordered from a to z
        """,
        """
        {x}, sorted,
        {x} in alphabetical order
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
        remove the repeats from {x}
        i want {x} with no duplicates
        {x}, but no repeats
        could you list {x} without showing any twice?
        let me see the distinct ones among {x}
        sort {x} and throw out the repeated ones
        which different ones are there among {x}?
        we need {x} deduplicated
        """,
        """
        show {x} in sorted order, without any repeats
        i want {x} sorted and each one listed just once
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
        limit {x} to the first {m}
        out of {x}, list the first {m} and skip the rest
        {x}, cut off after the first {m}
        could you print just the top {m} of {x}?
        i wonder what the first {m} of {x} are
        let me see {x}, stopping after {m}
        of {x} display the top {m}, nothing more
        i only need the leading {m} among {x}
        """,
        """
        of {x}, show me just the first {m}
        give me only the top {m} of {x}
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
        trim {x} down to the last {m}
        out of {x}, give me the {m} at the very end
        {x}, nothing but the last {m}
        i only care about the bottom {m} of {x}
        could you list just the closing {m} of {x}?
        what are the final {m} of {x}?
        skip all of {x} except the last {m}
        let me see the tail end of {x}, {m} of them
        """,
        """
        of {x}, i only want the last {m}
        please show just the final {m} of {x}
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
        make {x} all caps
        could you convert {x} to uppercase?
        {x}, with every letter capitalized
        uppercase please, {x}
        let me see {x} written all in capitals
        display {x}, small letters changed to big ones
        we need an all caps version of {x}
        i want to read {x} in block capitals
        """,
        """
        show {x} in all capital letters
        can you print {x} in upper case
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
        flip {x} so the last comes first
        reverse the order of {x}
        {x}, but from the end to the start
        could you list {x} starting from the end?
        let me see {x} with their order flipped
        from last to first, display {x}
        we need {x} the other way round, bottom one on top
        i want {x} in backward order, last to first
        """,
        """
        show {x} in reverse order, the last one first
        please print {x} backwards, starting from the last
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
        put a number before each of {x}
        i want {x} with numbers at the front
        {x}, with a running number before each
        could you print {x} as a numbered list?
        let me see {x}, numbers on the left
        display {x} and add numbers to them
        list {x}, numbered one by one
        is there a way to get {x} with numbers beside them?
        """,
        """
        show {x} and put a number before each one
        can you number {x} for me
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
        make one comma separated line out of {x}
        i want {x} in a single row with commas between
        {x}, all on one line separated by commas
        could you string {x} together using commas?
        merge {x} into a single line, comma between each
        turn {x} into one comma separated list
        let me see {x} side by side, commas in between
        commas between them, print {x} on one row
        """,
        """
        put {x} all on one line with commas between them
        could you join {x} into a single line using commas
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
        tell me the total number of {x}
        could you count up {x} for me?
        {x}, how many are there?
        no listing, i only want a count of {x}
        what is the total count of {x}?
        we need a tally of {x}
        i wonder how many there are of {x}
        for {x}, just say how many there are
        """,
        """
        tell me how many there are of {x}
        please count {x} and give me the number
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
        make {new} and fill it with {x}
        could you store {x} in a file called {new}?
        {x}, saved as {new}
        i want to keep {x} under the name {new}
        create {new} out of {x}
        do not show {x}, just write them to {new}
        we need a new file {new} holding {x}
        into {new} please, {x}
        """,
        """
        save {x} to a file called {new}
        i want {x} stored in the new file {new}
        """,
    ),
}
