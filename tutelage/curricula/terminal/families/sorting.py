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
        can i have the rows of {file} from a to z?
        alphabetize {file} for me
        let me see {file} with its lines arranged by letter
        {file} is a mess, list its lines alphabetically
        what does {file} look like when sorted?
        rows of {file}, alphabetical, please
        would you arrange the contents of {file} from a through z?
        just list {file} in abc order
        is there a way to view {file} alphabetically?
        the list in {file} needs to be read a first, z last
        next, display every row of {file} in sorted order
        i would like the entries of {file} ordered alphabetically
        help me read {file}, line it up from a to z
        {file}, sort it and output the result
        now run an alphabetical sort on {file}
        time to see the entries in {file} sorted by name
        """,
        """
        please print {file} sorted from a to z
        can you put {file} in abc order and show it
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
        can i see the values in {file} from lowest to highest?
        rank the figures in {file} from smallest to biggest
        {file} holds numbers, put them in numeric order
        let me have {file} sorted as numbers, not as text
        what are the numbers in {file} from low to high?
        just list the figures of {file} in increasing order
        would you arrange the values of {file} by size?
        numbers from {file}, ascending, please
        i would like 9 to come before 10 when you sort {file}
        is there a way to order {file} by numeric value?
        next, sort the figures stored in {file} from least to greatest
        help me get the values in {file} lined up, smallest on top
        display every number in {file}, growing in size
        {file}, do a numerical sort and print it
        the amounts in {file} have to be listed from little to big
        now show {file} ordered numerically, low ones first
        """,
        """
        print the numbers in {file} from smallest to largest
        order the numbers of {file} by size, small ones first
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
        can i see {file} sorted with the repeats taken out?
        let me have every different entry of {file} just a single time, in order
        {file} repeats itself, show each row only once and sorted
        what are the distinct entries in {file}?
        just the unique rows in {file}
        would you sort {file} and leave out any line that comes twice?
        list {file} in order with no repeated lines
        is there a way to view {file} sorted and free of duplicates?
        i would like a sorted list of the different rows in {file}
        no doubles please, sort {file} and print it
        too many duplicates in {file}, display only the distinct rows
        next, output {file} in sorted order, skipping lines already shown
        deduplicate and sort {file}, then print the result
        which distinct values are there in {file}?
        help me see what {file} contains once all the doubles are gone
        sort the rows of {file} and keep one of each
        """,
        """
        show each different line of {file} just once, in sorted order
        sort {file} and drop the repeated lines
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
        can i see just the entries in column {col} of {file}?
        let me have a look at column {col} in {file}
        {file} is a table, list its column {col}
        which values does column {col} of {file} have?
        only field {col} of each line in {file}
        would you pull column {col} out of the csv {file}?
        from {file}, display column {col} and leave the others away
        i just need what stands in column {col} of {file}
        is there a way to get only column number {col} from {file}?
        next, output the {file} entries that are in column {col}
        csv {file}, column {col}, show it
        help me pick out field {col} from all rows of {file}
        the rest of {file} does not matter, print column {col}
        split {file} at the commas and show part {col} of each row
        now list everything under column {col} in the table {file}
        i would like to read down column {col} of {file}
        """,
        """
        show me only column {col} of the csv file {file}
        what values are in column number {col} of {file}
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
        can you tell me the total of the figures in {file}?
        let me know what you get if you add all the values in {file}
        what is the grand total of {file}?
        {file} is a list of amounts, add them up for me
        just the sum of the figures in {file}
        would you sum the values stored in {file}?
        how much is everything in {file} taken together?
        total for {file}, please
        i wonder what all the numbers in {file} make when added
        we need to know the total amount in {file}
        is there a way to add the rows of numbers in {file}?
        next, calculate the sum over all figures in {file}
        help me total up {file}
        the values in {file}, what is their sum?
        compute the overall total for the numbers listed in {file}
        do the addition for every value in {file} and print the result
        """,
        """
        add all the numbers in {file} together
        i need the total when you add up {file}
        """,
    ),
)
