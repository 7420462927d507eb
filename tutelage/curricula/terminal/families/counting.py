"""Counting lines, words, bytes, matches, files."""

from tutelage.curricula.terminal.family import define

GROUP = "counting"

FAMILIES = (
    define(
        GROUP,
        "count_lines",
        "file:any",
        "wc -l < {file}",
        """
        how many lines (does {file} have|are in {file}|are there in {file})?
        count the lines (of|in) {file}
        line count of {file}
        number of lines in {file}
        could you count how many lines {file} has?
        tell me the number of lines of {file}
        i need the line count for {file}
        please count all lines in the file {file}
        how long is {file} in lines?
        give me the total of lines in {file}
        just the count of rows in {file}
        it matters how many lines {file} is made of, find out
        let me know how many rows {file} has
        we need the number of rows in {file}
        would you mind checking how many rows {file} contains?
        how do i learn how many lines long {file} is?
        do a count of all rows within {file}
        {file}, how many lines?
        rows in {file}, what do they add up to?
        to plan my reading, tell me how many rows are in {file}
        can i get a line total for the file {file}?
        next, check {file} and report its number of lines
        i wonder how many lines {file} consists of
        what is the line count of {file}?
        wc for {file}, only the lines
        add together every line in {file} and report the figure
        """,
        """
        tell me how many lines long {file} is
        i need the number of lines in {file}
        """,
    ),
    define(
        GROUP,
        "count_words",
        "file:plain",
        "wc -w < {file}",
        """
        how many words (does {file} have|are in {file}|are there in {file})?
        count the words (of|in) {file}
        word count of {file}
        number of words in {file}
        could you count how many words {file} has?
        tell me the number of words of {file}
        i need the word count for {file}
        please count all words in the file {file}
        how long is {file} in words?
        give me the total of words in {file}
        a word total for {file}, nothing more
        i would love to know how wordy {file} is, the count of words i mean
        how many words did i write in {file}?
        we must find out how many words stand in {file}
        would you mind counting words in the text {file}?
        is it possible to get the number of words that {file} contains?
        please add up every word in {file}
        {file}, its word count please
        words in {file}, how many of them are there?
        my essay {file} has a limit, so count its words
        run a word count on {file}
        check {file} and report how many single words it has
        what is the amount of words found in {file}?
        does anybody know the word total of {file}?
        wc for {file}, words only
        i am curious how many words make up the file {file}
        """,
        """
        please count all the words in {file}
        i wonder how many words i wrote in {file}
        """,
    ),
    define(
        GROUP,
        "count_matching",
        "file:searchable word",
        "grep -c {word} {file}",
        """
        how many lines (of|in) {file} (contain|mention) {word}?
        count the lines with {word} in {file}
        number of lines with {word} in {file}
        in how many lines of {file} is {word}?
        could you count the lines in {file} that mention {word}?
        count lines of {file} containing {word}
        how many lines have {word} in {file}?
        i need the number of lines with {word} in {file}
        please count every line of {file} that contains {word}
        tell me how many lines mention {word} in {file}
        just the count of rows in {file} having {word}
        find out on how many lines {file} includes {word}
        let me know how many rows in {file} have {word} in them
        we need a total of the lines in {file} where {word} occurs
        would you work out how many rows of {file} contain {word}?
        is there a way to count only those lines of {file} with {word} in them?
        do a count of rows in {file} where {word} is mentioned
        {file}, how many lines with {word}?
        {word} stands on how many of the lines in {file}?
        do not show the {word} lines of {file}, only say how many there are
        can i get the number of rows with {word} for {file}?
        next, grep {file} for {word} and count the lines found
        i wonder on how many lines of {file} the word {word} stands
        what is the count of lines that have {word} in {file}?
        a number is enough, on how many rows does {file} talk about {word}?
        add together all lines from {file} containing {word} and report the figure
        """,
        """
        count the lines in {file} that have the word {word}
        tell me the number of lines with {word} in {file}
        """,
    ),
    define(
        GROUP,
        "count_folder",
        "dir:folder",
        "ls {dir} | wc -l",
        """
        how many files are in the folder {dir}?
        count the files (in|inside) {dir}
        number of files in the directory {dir}
        how many files does the folder {dir} hold?
        could you count what is in the folder {dir}?
        file count of the folder {dir}
        tell me how many files {dir} has inside
        i need the number of files in {dir}
        please count all files of the directory {dir}
        how full is the folder {dir}? count its files
        just the count of files in the folder {dir}
        i would like to know how many files lie in the directory {dir}
        let me know how many things are inside the folder {dir}
        we need a total of the files in the directory {dir}
        would you work out how many items the folder {dir} contains?
        any idea how many entries the directory {dir} has?
        do a file count inside the directory {dir}
        folder {dir}, how many files?
        i want a plain number, the amount of files in the {dir} directory
        do not list the folder {dir}, only say how many files are in it
        can i get a file total for the directory {dir}?
        next, check the directory {dir} and report its number of files
        i wonder how many files we put into the folder {dir}
        what is the number of files that the {dir} folder has?
        ls the folder {dir} and count what comes out
        in the directory {dir} there are how many files?
        """,
        """
        how many things are there in folder {dir}
        count the files in the directory {dir}
        """,
    ),
)
