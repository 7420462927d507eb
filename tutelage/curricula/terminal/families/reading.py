"""Reading: the whole, the beginning, the end, a part."""

from tutelage.curricula.terminal.family import define

GROUP = "reading"

FAMILIES = (
    define(
        GROUP,
        "show",
        "file:any",
        "cat {file}",
        """
        (show|print|display) {file}
        show me what is in {file}
        what does {file} say?
        print the (whole|entire) file {file}
        display the contents of {file}
        could you show me the file {file}?
        let me read {file}
        i want to see {file}
        please open {file} and show it
        output all of {file}
        """,
        """
        i would like to read the whole of {file}
        what is written in {file}?
        """,
    ),
    define(
        GROUP,
        "first_lines",
        "n file:any",
        "head -n {n} {file}",
        """
        (show|print|display) the first {n} lines of {file}
        first {n} lines of {file}
        what are the first {n} lines in {file}?
        show the top {n} lines of {file}
        could you print the first {n} lines of {file}?
        i want to see the beginning of {file}, {n} lines
        please give me the opening {n} lines of {file}
        from {file} show only the first {n} lines
        how does {file} begin? show {n} lines
        head of {file}, {n} lines
        """,
        """
        let me read the {n} lines at the top of {file}
        {file}: only its first {n} lines, please
        """,
    ),
    define(
        GROUP,
        "last_lines",
        "n file:any",
        "tail -n {n} {file}",
        """
        (show|print|display) the last {n} lines of {file}
        last {n} lines of {file}
        what are the last {n} lines in {file}?
        show the bottom {n} lines of {file}
        could you print the final {n} lines of {file}?
        i want to see the end of {file}, {n} lines
        please give me the closing {n} lines of {file}
        from {file} show only the last {n} lines
        how does {file} end? show {n} lines
        tail of {file}, {n} lines
        """,
        """
        let me read the {n} lines at the bottom of {file}
        {file}: only its final {n} lines, please
        """,
    ),
    define(
        GROUP,
        "one_line",
        "n:line file:any",
        "sed -n {n}p {file}",
        """
        (show|print|display) line {n} of {file}
        what is on line {n} of {file}?
        line {n} from {file}
        read line number {n} of {file} to me
        could you show only line {n} of {file}?
        give me line {n} of the file {file}
        i want to see line {n} in {file}
        what does line {n} of {file} say?
        from {file} print just line {n}
        please print line number {n} in {file}
        """,
        """
        which text is on line {n} in {file}?
        {file}: let me read line {n} and no other
        """,
    ),
    define(
        GROUP,
        "line_range",
        "a b file:any",
        "sed -n {a},{b}p {file}",
        """
        (show|print|display) lines {a} to {b} of {file}
        lines {a} to {b} from {file}
        what do lines {a} to {b} of {file} say?
        show {file} from line {a} to line {b}
        could you print lines {a} through {b} of {file}?
        give me lines {a} until {b} of {file}
        only lines {a} to {b} of {file}, please
        i want to see lines {a} through {b} in {file}
        print the part of {file} between line {a} and line {b}
        read me {file}, lines {a} to {b}
        """,
        """
        what is written in {file} between line {a} and line {b}?
        let me see {file}, but only from line {a} until line {b}
        """,
    ),
    define(
        GROUP,
        "number_lines",
        "file:plain",
        "cat -n {file}",
        """
        (show|print|display) {file} with line numbers
        number the lines of {file}
        print {file} and number each line
        could you show {file} with numbered lines?
        {file} with a number in front of every line
        i want to see {file} with its line numbers
        display all lines of {file} numbered
        please add line numbers when showing {file}
        show me {file}, lines numbered
        put a number before each line when you print {file}
        """,
        """
        let me read {file} with each line numbered
        every line of {file} should be shown with its number
        """,
    ),
    define(
        GROUP,
        "backwards",
        "file:any",
        "tac {file}",
        """
        (show|print|display) {file} from bottom to top
        print {file} backwards, last line first
        show the lines of {file} in reverse order
        {file} upside down
        could you print the lines of {file} from last to first?
        read {file} from the end to the beginning
        i want to see {file} with the last line first
        reverse the order of the lines of {file}
        turn {file} upside down and show it
        lines of {file} in reversed order, please
        """,
        """
        let me read {file} backwards, from the last line to the first
        begin with the last line and print {file} in reverse
        """,
    ),
)
