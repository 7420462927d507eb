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
        just line {n} out of {file}, nothing else
        may i see what row {n} of {file} has?
        let me look at row number {n} in the file {file}
        we need the text that stands on line {n} of {file}
        would you pick line number {n} out of {file} for me?
        a single line of {file} interests me, number {n}
        look up row {n} inside {file}
        {file}, row {n} please
        line no {n} of the document {file}
        there is an error at line {n} of {file}, show me that line
        can i see line {n} from {file} and no other?
        next, output row {n} from the file {file}
        i wonder what line {n} in {file} looks like
        what do we find in {file} at line {n}?
        all other lines of {file} can stay hidden, line {n} is what i want
        go to line {n} in {file} and print it
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
        what is written in {file} between line {a} and line {b}?
        let me see {file}, but only from line {a} until line {b}
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
        just flip {file}, final line on top
        my wish is to read {file} starting with its last line
        let me look at {file} in reverse, bottom line to top line
        we need {file} printed the wrong way round, end first
        would you output {file} line by line from the end to the start?
        it would be great to have {file} shown with its lines in the opposite order
        from back to front, line after line, show {file}
        {file}, bottom row first and top row last
        newest entries stand at the end of {file}, so list it last line first
        time to reverse {file}, the first line should come last
        can i see {file} with the order of its rows reversed?
        next, display {file} beginning at the bottom and going up
        run tac over {file} so the end comes first
        how does {file} read from the last row up to the first?
        all rows of {file} but in inverted order
        go through {file} from the bottom upwards and print every line
        """,
        """
        let me read {file} backwards, from the last line to the first
        begin with the last line and print {file} in reverse
        """,
    ),
)
