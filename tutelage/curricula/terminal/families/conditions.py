"""Conditions and loops."""

from tutelage.curricula.terminal.family import define

GROUP = "conditions and loops"

FAMILIES = (
    define(
        GROUP,
        "exists",
        "file:maybefile",
        "[ -e {file} ] && echo yes || echo no",
        """
        say yes if {file} exists, otherwise no
        (does|do we know if) {file} exist? (say|answer|print) yes or no
        is there a file {file} here? yes or no
        print yes if there is a {file}, no if not
        could you check whether {file} exists, yes or no?
        yes or no: does the file {file} exist?
        tell me yes or no: is {file} here?
        check that {file} exists and answer yes or no
        if {file} exists print yes, else no
        i want a yes or a no: is there a {file}?
        """,
        """
        answer with yes or no: do we have a file {file}?
        no if {file} is missing, yes if it is here
        """,
    ),
    define(
        GROUP,
        "contains",
        "file:text word:maybeword",
        "grep -q {word} {file} && echo yes || echo no",
        """
        say yes if {file} contains {word}, otherwise no
        does {file} (contain|mention) {word}? say yes or no
        is {word} in {file}? yes or no
        print yes if {word} is in {file}, no if not
        could you check whether {file} mentions {word}, yes or no?
        yes or no: does {file} contain the word {word}?
        tell me yes or no: is {word} mentioned in {file}?
        check {file} for {word} and answer yes or no
        if {file} has {word} print yes, else no
        i want a yes or a no: is there {word} in {file}?
        """,
        """
        answer with yes or no: does {file} say {word} anywhere?
        no if {word} is missing in {file}, yes if it is there
        """,
    ),
    define(
        GROUP,
        "same",
        "file:text other:maybetwin",
        "cmp -s {file} {other} && echo same || echo different",
        """
        are {file} and {other} the same? say same or different
        compare {file} with {other}, say same or different
        say same if {file} equals {other}, otherwise different
        same or different: {file} and {other}
        could you check whether {file} and {other} are the same or different?
        is {file} the same as {other} or different?
        print same if {file} and {other} are equal, else different
        do {file} and {other} hold the same text? same or different
        tell me if {file} and {other} are same or different
        check {file} against {other}: same or different?
        """,
        """
        answer with same or different: is {file} equal to {other}?
        different if {file} and {other} do not match, same if they do
        """,
    ),
    define(
        GROUP,
        "lines_of_each",
        "ext",
        "for f in *.{ext}; do wc -l < $f; done",
        """
        for (each|every) {ext} file print the number of lines
        count the lines of every {ext} file, one by one
        line counts of all {ext} files, without names
        loop over the {ext} files and count their lines
        could you print the line count of each {ext} file?
        how many lines has each {ext} file?
        go through the {ext} files and print how many lines each has
        number of lines for each .{ext} file in turn
        please count lines in each .{ext} file separately
        i want one line count for every {ext} file
        """,
        """
        take the .{ext} files in turn and tell me how many lines each has
        one by one, what are the line counts of the {ext} files?
        """,
    ),
    define(
        GROUP,
        "backup_each",
        "ext",
        "for f in *.{ext}; do cp $f $f.bak; done",
        """
        (make|create) a backup of every {ext} file
        back up all {ext} files with the ending .bak
        copy each {ext} file to the same name plus .bak
        backup copies of all {ext} files
        could you back up each {ext} file as .bak?
        for each {ext} file make a copy ending in .bak
        loop over the {ext} files and make .bak copies
        i want a .bak copy of every {ext} file
        please keep a .bak of each .{ext} file
        save every .{ext} file again with .bak after its name
        """,
        """
        each of the {ext} files should get a backup ending in .bak
        take the .{ext} files in turn and make a .bak copy of each
        """,
    ),
    define(
        GROUP,
        "repeat",
        "word:otherword n:upto",
        "for i in {1..{n}}; do echo {word}; done",
        """
        (print|say|write) {word} {n} times
        print the word {word} {n} times, each on its own line
        repeat {word} {n} times
        {n} times {word}
        could you say {word} {n} times?
        loop {n} times and print {word}
        i want to see {word} {n} times
        please repeat the word {word} {n} times
        say the word {word} again and again, {n} times
        {n} lines that say {word}
        """,
        """
        let me see the word {word} repeated {n} times
        {word}, please, and that {n} times
        """,
    ),
    define(
        GROUP,
        "count_up",
        "n:upto",
        "seq {n}",
        """
        count (from 1|) (up|) to {n}
        print the numbers from 1 to {n}
        numbers 1 to {n}
        list all numbers up to {n}
        could you count from 1 to {n}?
        show the numbers 1 through {n}, one a line
        write every number from 1 to {n}
        i want to see the numbers up to {n}
        please count up to {n}
        start at 1 and count until {n}
        """,
        """
        let me see you count, beginning at 1 and ending at {n}
        all the numbers between 1 and {n}, please
        """,
    ),
)
