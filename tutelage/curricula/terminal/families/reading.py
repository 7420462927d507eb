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
        cat {file} so that i can read it
        from start to finish, print what {file} says
        let me have a look at the full text of {file}
        we need to see everything {file} contains
        would you put the text of {file} on the screen?
        is there a way to view the complete content of {file}?
        help me look inside {file}
        {file}, all of it, on my screen
        full text of the file {file}, please
        time to read {file}, print it out
        can i see what is written in {file}?
        dump the file {file} to my terminal
        i wonder what {file} contains, show it to me
        what text is there in the file {file}?
        nothing left out, show the full content of {file}
        open up {file}, i have to read the whole text
        """,
        """
        print everything that is in {file}
        can i see the whole text of {file}
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
        just head {file}, {n} lines
        {n} lines, read from the start of {file}
        let me see {n} lines from the top of {file}
        we need only the initial {n} lines of the file {file}
        would you output the {n} rows at the beginning of {file}?
        may i look at the first {n} rows of {file}?
        show how {file} starts, cut it after {n} lines
        {file}, the {n} topmost lines please
        beginning of {file}, {n} rows, nothing more
        time to peek at {file}, its first {n} lines are enough
        can i get the {n} lines that {file} opens with?
        next, list the leading {n} lines of {file}
        i wonder what the first {n} lines of {file} say
        what stands in the top {n} rows of {file}?
        the start of {file} is enough for me, exactly {n} lines
        read {file} to me but stop after {n} lines
        """,
        """
        show me just the top {n} lines of {file}
        i want to see how {file} begins, only {n} lines
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
        use tail on {file} and stop at {n} lines
        only the ending of {file} matters to me, so print {n} lines of it
        do show me the bottom rows of {file}, {n} of them
        we need the {n} most recent lines, the ones that finish {file}
        would you mind displaying what comes last in {file}, {n} rows?
        is it possible to view just {n} lines at the very end of {file}?
        please check how {file} finishes, {n} lines will do
        {file}, bottom {n} rows, quick
        tail end of {file}, {n} lines are plenty
        it is a long log, so give me only the final {n} rows of {file}
        can i look at the {n} lines that {file} closes with?
        jump to the bottom of {file} and list {n} lines there
        what are the {n} rows {file} ends on?
        everything in {file} can be skipped but the last {n} lines
        i am curious about the finish of {file}, {n} lines of it
        {n} lines from the end, taken out of {file}
        """,
        """
        give me the final {n} lines of {file}
        how does {file} end, show the last {n} lines
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
        just rows {a} to {b} out of {file}
        read {file} out, starting at line {a} and stopping at line {b}
        let me look at rows {a} through {b} in the file {file}
        we need the passage of {file} from line {a} up to line {b}
        would you cut out lines {a} to {b} from {file} and show them?
        is there a way to view {file} only between rows {a} and {b}?
        line {a} is where to begin in {file}, line {b} is where to stop
        {file}, from row {a} until row {b} please
        the lines of {file} numbered {a} to {b}
        my notes say lines {a} till {b} of {file} matter, print those
        can i see the section from line {a} to line {b} in {file}?
        next, output {file} beginning with row {a} and ending with row {b}
        i wonder what is written in {file} on lines {a} to {b}
        what stands between line {a} and line {b} in {file}?
        cut everything off {file} except the lines {a} to {b} when you show it
        start at line {a} of {file} and list everything through line {b}
        """,
        """
        from line {a} up to line {b}, what does {file} say
        i would like to read {file} between lines {a} and {b}
        """,
    ),
)
