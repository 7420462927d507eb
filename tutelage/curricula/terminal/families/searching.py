"""Searching: lines with a word, files with a word, names."""

from tutelage.curricula.terminal.family import define

GROUP = "searching"

FAMILIES = (
    define(
        GROUP,
        "find_word",
        "file:searchable word",
        "grep {word} {file}",
        """
        (show|print|find) the lines with {word} in {file}
        search {file} for {word}
        which lines of {file} contain {word}?
        find {word} in {file}
        could you show the lines in {file} that mention {word}?
        look for {word} in the file {file}
        lines containing {word} in {file}
        i want every line of {file} with {word} in it
        where does {file} mention {word}?
        please print all lines of {file} that contain {word}
        just grep {file} for {word}
        only if a line of {file} includes {word} do i want to see it
        let me see every row in {file} having {word} in it
        we need all lines out of {file} where {word} occurs
        would you pick out the rows of {file} containing {word}?
        hide all of {file} but the lines with {word}
        help me track down {word} inside {file}
        {word} in {file}, show me those rows
        {file}, only rows mentioning {word}
        somebody wrote about {word} in {file}, print these lines
        can i get each line of {file} in which {word} stands?
        next, filter {file} and keep the lines with {word}
        i wonder which rows of {file} talk about {word}
        what are the lines where {file} says something about {word}?
        {word} is what i am after, which rows of {file} have it?
        go through {file} and list whatever lines include {word}
        """,
        """
        which lines of {file} have the word {word} in them
        search {file} and print every line with {word}
        """,
    ),
    define(
        GROUP,
        "lines_without",
        "file:searchable word",
        "grep -v {word} {file}",
        """
        (show|print) the lines without {word} in {file}
        which lines of {file} do not contain {word}?
        lines of {file} lacking {word}
        print {file} except the lines with {word}
        could you show the lines in {file} that do not mention {word}?
        leave out the lines with {word} when you show {file}
        every line of {file} that has no {word}
        i want the lines of {file} in which {word} is missing
        show {file} but hide lines containing {word}
        please print all lines of {file} not containing {word}
        just {file} minus the rows containing {word}
        every {word} line should be left out, then print {file}
        let me see the rows of {file} where {word} does not occur
        we need all lines out of {file} but those with {word}
        would you skip each row that mentions {word} and print the rest of {file}?
        how do i view {file} without the lines that have {word}?
        when printing {file}, throw the {word} lines out
        {file}, only rows free of {word}
        no {word} please, show me the other lines of {file}
        i am tired of {word}, display the lines in {file} not mentioning it
        can i get each line of {file} in which {word} is absent?
        next, list {file} but drop any row that includes {word}
        i wonder which rows of {file} never mention {word}
        what remains of {file} when lines including {word} are omitted?
        anything in {file} is fine to print as long as {word} is not in the line
        ignore lines with {word} and output everything else from {file}
        """,
        """
        print all lines of {file} that do not contain {word}
        show me {file} but leave out any line with {word}
        """,
    ),
    define(
        GROUP,
        "where_is",
        "file:buried",
        "find . -name {file}",
        """
        where is (the file|) {file}?
        find the file {file}
        in which folder is {file}?
        locate {file}
        could you find out where {file} is?
        look for a file named {file} in all folders
        i lost {file}, find it
        search every folder for a file called {file}
        please tell me the place of the file {file}
        path of the file {file}
        just tell me where {file} lies
        {file} is in one of the folders, tell me which
        let me know the location of {file}
        we need to find out where somebody put {file}
        would you hunt for {file} in all the directories?
        how do i find the folder that has {file} inside?
        track down my file {file}, it is somewhere below here
        {file}, where did it go?
        do we know the location of {file}?
        i forgot where i saved {file}, look it up
        can i get the path to {file}?
        next, seek {file} in every directory
        i wonder where {file} has been put
        what directory does {file} sit in?
        at what path can {file} be found?
        go through all subfolders until {file} turns up
        """,
        """
        where did i put the file {file}
        find {file} for me in the folders below this one
        """,
    ),
    define(
        GROUP,
        "list_extension",
        "ext",
        "ls *.{ext}",
        """
        list the {ext} files
        which {ext} files are here?
        show all files ending in .{ext}
        names of all {ext} files
        could you list every .{ext} file?
        what {ext} files do we have?
        files here with the ending .{ext}
        i want to see which .{ext} files there are
        please show the names of the {ext} files
        only the {ext} files in this folder
        just the {ext} files, by name
        all files of type {ext}, listed please
        let me see every {ext} file in this directory
        we need the names of the files with {ext} as extension
        would you show which files end in .{ext}?
        is there a way to list only files of the {ext} kind?
        look in the current folder and name the {ext} files
        {ext} files, all of them, names only
        everything here with the extension {ext}
        leave other types out and list files ending with .{ext}
        can i see what there is here in the way of {ext} files?
        next, print all file names that have the {ext} extension
        i wonder which files of type {ext} lie in this folder
        what are the names of the .{ext} files in here?
        do we have {ext} files here, and what are they called?
        ls, but nothing except .{ext} files
        """,
        """
        which files here have names ending in .{ext}
        show me all the .{ext} files in this folder
        """,
    ),
)
