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
        does {file} exist in this folder
        tell me if {file} is here or not
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
        is the word {word} anywhere in {file}
        just say whether or not {file} has {word} in it
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
        are {file} and {other} the same or different
        do {file} and {other} have exactly the same content
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
        make a .bak copy of every .{ext} file here
        for each file ending in .{ext}, save a copy with .bak added
        """,
    ),
)
