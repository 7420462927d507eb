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
        """,
        """
        does {file} say something of {word}? show those lines
        let me see each line that has {word} in the file {file}
        """,
    ),
    define(
        GROUP,
        "find_ignoring_case",
        "file:text word:frequentword",
        "grep -i {word} {file}",
        """
        (show|print) the lines with {word} in {file}, ignoring case
        search {file} for {word}, upper or lower case
        find {word} in {file} whatever the case
        which lines of {file} contain {word} in any case?
        case-insensitive search for {word} in {file}
        could you look for {word} in {file}, small or capital letters?
        ignore case and find {word} in {file}
        lines of {file} with {word}, case does not matter
        i want lines of {file} that mention {word}, capitals or not
        please find {word} in {file} without regard to case
        """,
        """
        let me see the lines of {file} that have {word}, capital letters or small
        the case does not matter: which lines in {file} mention {word}?
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
        """,
        """
        let me see each line of {file} which does not have {word} in it
        show {file}, but leave out what mentions {word}
        """,
    ),
    define(
        GROUP,
        "starts_with",
        "file:text word",
        "grep ^{word} {file}",
        """
        (show|print) the lines of {file} that start with {word}
        which lines of {file} begin with {word}?
        lines starting with {word} in {file}
        find the lines in {file} with {word} at the beginning
        could you show lines of {file} beginning with {word}?
        in {file}, which lines have {word} first?
        i want each line of {file} that begins with {word}
        print lines of {file} whose first word is {word}
        please find lines starting with {word} in {file}
        search {file} for lines that start with {word}
        """,
        """
        let me see what lines in {file} have {word} at the start
        every line of {file} with {word} as its first word, please
        """,
    ),
    define(
        GROUP,
        "ends_with",
        "file:text word",
        "grep {word}$ {file}",
        """
        (show|print) the lines of {file} that end with {word}
        which lines of {file} end in {word}?
        lines ending with {word} in {file}
        find the lines in {file} with {word} at the end
        could you show lines of {file} ending in {word}?
        in {file}, which lines have {word} last?
        i want each line of {file} that ends with {word}
        print lines of {file} whose last word is {word}
        please find lines ending in {word} in {file}
        search {file} for lines that end with {word}
        """,
        """
        let me see what lines in {file} have {word} at the very end
        every line of {file} with {word} as its last word, please
        """,
    ),
    define(
        GROUP,
        "search_folder",
        "dir:folder word",
        "grep -r {word} {dir}",
        """
        search the folder {dir} for {word}
        (find|look for) {word} in all files of the folder {dir}
        which lines in the directory {dir} contain {word}?
        show every line with {word} inside the folder {dir}
        could you search all of {dir} for {word}?
        search for {word} in every file within {dir}
        grep the directory {dir} for {word}
        where is {word} mentioned in the folder {dir}?
        look through the files in {dir} for {word}
        i want all lines mentioning {word} in the folder {dir}
        """,
        """
        go through every file in the folder {dir} and find {word}
        does the directory {dir} mention {word}? show where
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
        """,
        """
        i do not know in which directory {file} is, find it
        please look through every folder until you find {file}
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
        """,
        """
        tell me the names of all files that end in .{ext}
        are there {ext} files here? list them
        """,
    ),
)
