"""Sorting and columns."""

from tutelage.curricula.terminal.family import define

GROUP = "sorting and columns"

FAMILIES = (
    define(
        GROUP,
        "sort",
        "file:tidy",
        "sort {file}",
        """
        sort (the lines of|) {file}
        show {file} sorted
        {file} in alphabetical order
        print the lines of {file} in alphabetical order
        could you sort {file} alphabetically?
        put the lines of {file} in order
        i want {file} sorted from a to z
        order the lines of {file} by the alphabet
        please show the sorted lines of {file}
        sorted version of {file}
        """,
        """
        let me see {file} with its lines in alphabetical order
        could you order {file} from a to z?
        """,
    ),
    define(
        GROUP,
        "sort_descending",
        "file:tidy",
        "sort -r {file}",
        """
        sort {file} (in descending order|from z to a)
        show {file} sorted from z to a
        {file} in reverse alphabetical order
        print the lines of {file} in descending order
        could you sort {file} in reverse?
        put the lines of {file} in order from z to a
        i want {file} sorted in descending order
        reverse sort {file}
        please sort {file} the other way round, z first
        order the lines of {file} backwards by the alphabet
        """,
        """
        let me see {file} with its lines from z to a
        the lines of {file} in descending alphabetical order, please
        """,
    ),
    define(
        GROUP,
        "sort_numbers",
        "file:numbers",
        "sort -n {file}",
        """
        sort the numbers (in|of) {file}
        sort {file} numerically
        show the numbers in {file} from small to large
        {file} in numerical order
        could you sort {file} by number?
        put the numbers of {file} in ascending order
        order the numbers in {file}, smallest first
        i want the numbers of {file} sorted by value
        please show {file} sorted by size of number
        numeric sort of {file}
        """,
        """
        let me see the numbers of {file} in ascending order
        the values in {file} from the smallest to the largest, please
        """,
    ),
    define(
        GROUP,
        "largest_number",
        "file:numbers",
        "sort -n {file} | tail -n 1",
        """
        what is the (largest|biggest|highest) number in {file}?
        largest number of {file}
        find the highest value in {file}
        maximum of the numbers in {file}
        could you tell me the maximum in {file}?
        show the biggest number of {file}
        which number in {file} is the largest?
        i need the highest number from {file}
        please find the maximum value of {file}
        give me the top number in {file}
        """,
        """
        of all numbers in {file}, which one is the highest?
        i want to know the maximum value in {file}
        """,
    ),
    define(
        GROUP,
        "unique",
        "file:repeated",
        "sort -u {file}",
        """
        (show|print|list) the unique lines of {file}
        sort {file} and drop duplicates
        sorted {file} without duplicates
        list each different line of {file} once
        could you show the distinct lines of {file}?
        which different lines does {file} have?
        i want the lines of {file} sorted, every line only once
        unique sorted lines of {file}
        distinct lines of {file}, please
        remove duplicates from {file} and show it sorted
        """,
        """
        let me see every line of {file} only once, in order
        what distinct lines are there in {file}?
        """,
    ),
    define(
        GROUP,
        "frequency",
        "file:repeated",
        "sort {file} | uniq -c",
        """
        how often does each line occur in {file}?
        count how often every line appears in {file}
        frequency of each line in {file}
        show each different line of {file} with its count
        could you count the duplicates of each line in {file}?
        lines of {file} with how often they occur
        tell me how many times each line of {file} appears
        i want a count for every distinct line of {file}
        please count each different line in {file}
        tally the lines of {file}
        """,
        """
        for each distinct line of {file}, how many times does it occur?
        let me see how often the different lines of {file} appear
        """,
    ),
    define(
        GROUP,
        "column",
        "col file:csv",
        "cut -d, -f{col} {file}",
        """
        (show|print|display) column {col} of {file}
        column {col} from {file}
        what is in column {col} of {file}?
        give me only column {col} of the table {file}
        could you cut out column {col} of {file}?
        extract column {col} from {file}
        i want to see column number {col} of {file}
        just the values of column {col} in {file}
        please print field {col} of every row in {file}
        take column {col} out of {file}
        """,
        """
        let me see the values that are in column {col} of {file}
        for every row of {file}, only field {col}
        """,
    ),
    define(
        GROUP,
        "sum_numbers",
        "file:numbers",
        "awk '{s+=$1} END {print s}' {file}",
        """
        (add up|sum|sum up) the numbers in {file}
        what is the sum of the numbers in {file}?
        sum of {file}
        total of all numbers in {file}
        could you add all the numbers of {file} together?
        how much do the numbers in {file} add up to?
        i need the sum of all values in {file}
        please total the numbers of {file}
        what do the numbers in {file} come to in total?
        add together every number in {file}
        """,
        """
        i want to know what all numbers of {file} add up to
        take the values in {file} and give me their sum
        """,
    ),
)
