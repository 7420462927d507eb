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
        """,
        """
        what is the number of lines {file} has?
        i want to know how many rows there are in {file}
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
        """,
        """
        what is the number of words {file} has?
        i want to know how many words {file} holds
        """,
    ),
    define(
        GROUP,
        "count_bytes",
        "file:any",
        "wc -c < {file}",
        """
        how many bytes (does {file} have|are in {file}|is {file})?
        count the bytes (of|in) {file}
        byte count of {file}
        number of bytes in {file}
        could you tell me how many bytes {file} has?
        size of {file} in bytes
        what is the size of {file}?
        how big is {file}?
        i need the size in bytes of {file}
        please give me the file size of {file}
        """,
        """
        what is the number of bytes {file} has?
        i want to know how large {file} is in bytes
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
        """,
        """
        what is the number of lines in which {file} mentions {word}?
        i want to know how many rows of {file} have {word} in them
        """,
    ),
    define(
        GROUP,
        "count_not_matching",
        "file:searchable word",
        "grep -vc {word} {file}",
        """
        how many lines (of|in) {file} do not (contain|mention) {word}?
        count the lines without {word} in {file}
        number of lines without {word} in {file}
        in how many lines of {file} is {word} missing?
        could you count the lines in {file} that do not mention {word}?
        count lines of {file} lacking {word}
        how many lines have no {word} in {file}?
        i need the number of lines without {word} in {file}
        please count every line of {file} not containing {word}
        tell me how many lines of {file} lack {word}
        """,
        """
        what is the number of lines in which {file} does not mention {word}?
        i want to know how many rows of {file} lack {word}
        """,
    ),
    define(
        GROUP,
        "count_occurrences",
        "file:text word:frequentword",
        "grep -o {word} {file} | wc -l",
        """
        how many times does {word} (occur|appear) in {file}?
        how often is {word} in {file}?
        count every occurrence of {word} in {file}
        number of times {word} occurs in {file}
        could you count how often {file} says {word}?
        count all times {word} appears in {file}
        how often does {file} mention {word}?
        i need the number of occurrences of {word} in {file}
        total occurrences of {word} in {file}
        please tell me how often {word} appears in {file}
        """,
        """
        what is the number of times {file} says {word}?
        i want to know how often {word} occurs in all of {file}
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
        """,
        """
        what is the number of files the directory {dir} holds?
        i want to know how many files there are within {dir}
        """,
    ),
)
