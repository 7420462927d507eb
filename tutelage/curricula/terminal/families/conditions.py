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
        can you look if there is a {file} and reply yes or no?
        let me know with yes or no if the file {file} exists
        do i have a file named {file}? just yes or no
        would you see whether {file} is there and say yes or no?
        is {file} present? answer with yes or no
        a plain yes or no please, does {file} exist?
        i wonder if {file} is there at all, yes or no?
        test for the file {file}, print yes when it is there and no when not
        next, find out if {file} exists, saying yes or no
        yes or no, have we got a file called {file}?
        help me check for {file}, output yes if present, otherwise no
        we need to know whether {file} exists, reply yes or no
        print no when there is no {file}, and yes when there is
        has {file} been created already, yes or no?
        {file}, exists or not? yes or no will do
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
        can you look for {word} in {file} and reply just yes or no?
        let me know with yes or no if {word} occurs in {file}
        do you find {word} anywhere in {file}? yes or no
        would you see if {word} stands in {file} and say yes or no?
        a plain yes or no please, does the word {word} come up in {file}?
        i wonder if {file} says {word} somewhere, yes or no?
        test {file} for the word {word}, print yes when found and no when not
        next, find out if {file} has {word} in it, saying yes or no
        yes or no, can {word} be found in {file}?
        search {file} for {word}, then only output yes or no
        no if {word} is missing from {file}, yes if it is included
        we need to know whether {file} includes {word}, reply yes or no
        print no when {file} lacks {word}, and yes when it has it
        does {word} show up in the text of {file}, yes or no?
        do not show the lines, just say yes or no, is {word} within {file}?
        {file}, any {word} in there? yes or no will do
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
        can you look at {file} and {other} and reply same or different?
        let me know if {file} matches {other}, answer same or different
        do {file} and {other} have identical contents? reply same or different
        would you see whether {file} is identical to {other} and print same or different?
        just one word, same or different, for {file} against {other}
        i wonder if {file} and {other} are equal, say same or different
        test if {file} agrees with {other}, print same if so and different if not
        next, find out whether {file} and {other} match, saying same or different
        is there any difference between {file} and {other}? just answer same or different
        help me compare the files {file} and {other}, output same or different
        we need to know if {file} is a copy of {other}, same or different
        {file} versus {other}, is it same or different?
        is {file} exactly like {other}? print same, or different if not
        hold {file} next to {other} and tell me same or different
        are the contents of {file} and {other} alike? same or different will do
        """,
        """
        answer with same or different: is {file} equal to {other}?
        different if {file} and {other} do not match, same if they do
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
        can you duplicate every {ext} file with .bak added to the name?
        let each {ext} file have a second copy ending with .bak
        would you save a .bak copy next to each {ext} file?
        i am about to edit the {ext} files, first back them all up as .bak
        just copy all the {ext} files to .bak versions
        is there a way to make .bak backups for all {ext} files at once?
        go through all {ext} files and copy each one to a .bak
        every file ending in {ext} should get a .bak backup
        next, produce backups with .bak for the whole set of {ext} files
        help me keep the {ext} files safe, add a .bak copy of each
        {ext} files, a .bak backup for every one please
        we need all {ext} files copied, with .bak put behind each name
        before i change anything, create .bak duplicates of all {ext} files
        run through the {ext} files one by one and back each up to .bak
        for all files of type {ext}, write a copy with the extra ending .bak
        now loop through every {ext} file, storing a copy under its name plus .bak
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
        can i get {word} on the screen {n} times?
        let me see {n} rows of {word}
        would you write the word {word} {n} times in a row?
        {word}, and that {n} times please
        just output {word} over and over, {n} times in total
        is there a way to have {word} printed {n} times?
        i would like {word} repeated, {n} times altogether
        write {n} lines, each with the word {word}
        next, display the word {word} on {n} separate lines
        help me print {word} exactly {n} times
        use a loop to output {word} {n} times
        fill {n} lines with {word}
        do this {n} times, say {word}
        we need {word} shown {n} times, one below the other
        now echo {word}, {n} times over
        give me {n} copies of the word {word} on screen
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
        can i have all the numbers between 1 and {n}?
        let me see you count, starting with 1 and ending with {n}
        would you list the whole numbers from one up to {n}?
        1, 2, 3 and so on until {n}
        just the sequence from 1 to {n}
        is there a way to get the numbers from 1 up to {n} printed?
        i would like a list of numbers that ends with {n} and starts with 1
        output a number sequence up to {n}
        next, write the integers 1 to {n} below each other
        help me count, begin with 1 and stop at {n}
        give me every whole number up to and including {n}
        we need the numbers one through {n} in a list
        now count upwards as far as {n}
        display 1, then 2, and keep going to {n}
        generate the series of numbers from 1 to {n}
        say all numbers in order until you reach {n}
        """,
        """
        let me see you count, beginning at 1 and ending at {n}
        all the numbers between 1 and {n}, please
        """,
    ),
)
