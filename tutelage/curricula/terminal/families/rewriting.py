"""Rewriting text: replacing, changing case, dropping, joining; printed or in the file itself."""

from tutelage.curricula.terminal.family import define

GROUP = "rewriting text"

FAMILIES = (
    define(
        GROUP,
        "replace",
        "file:searchable word new:otherword",
        "sed s/{word}/{new}/g {file}",
        """
        (show|print) {file} with {word} replaced by {new}
        print {file} but with {new} instead of {word}
        show {file} with every {word} turned into {new}
        could you show {file} with {new} in place of {word}?
        display {file}, {word} replaced with {new}
        what would {file} look like with {new} for {word}?
        output {file} with all {word} changed to {new}
        print {file}, writing {new} for {word}
        i want to see {file} with {word} swapped for {new}
        please display {file} with {new} in the place of {word}
        """,
        """
        let me read {file} as if {word} were {new}
        show me {file}, but say {new} wherever it says {word}
        """,
    ),
    define(
        GROUP,
        "replace_in_file",
        "file:searchable word new:otherword",
        "sed -i s/{word}/{new}/g {file}",
        """
        (replace|change) {word} (with|by|to) {new} in the file {file}
        in {file}, replace every {word} with {new}
        change {word} to {new} in {file} and save it
        edit {file}: {word} becomes {new}
        could you replace {word} by {new} in {file}?
        swap {word} for {new} in the file {file}
        please change all {word} in {file} into {new}
        substitute {new} for {word} in {file}
        everywhere in {file}, turn {word} into {new}
        i want {word} changed to {new} in {file} itself
        """,
        """
        {file} says {word} where it should say {new}, change that
        wherever {word} is in {file}, put {new} instead and save
        """,
    ),
    define(
        GROUP,
        "uppercase",
        "file:plain",
        "tr a-z A-Z < {file}",
        """
        (show|print|display) {file} in (upper case|capitals|capital letters)
        print {file} in uppercase
        {file} in all capitals
        turn {file} into upper case and show it
        could you show {file} in big letters?
        show {file} with all letters capital
        i want to see {file} in upper case
        convert the text of {file} to capitals
        please print {file} with capital letters only
        upper case version of {file}
        """,
        """
        let me read {file} with every letter in upper case
        could you make all letters of {file} big when you show it?
        """,
    ),
    define(
        GROUP,
        "without_blank",
        "file:text",
        "grep . {file}",
        """
        (show|print|display) {file} without its (empty|blank) lines
        print only the lines of {file} that are not empty
        show {file} but skip blank lines
        {file} without the blank lines
        could you show {file} with no empty lines?
        hide the empty lines and print {file}
        which lines of {file} are not blank?
        i want to see {file} without empty lines
        please display the lines of {file} that have text
        non-empty lines of {file}
        """,
        """
        let me read {file} with the blank lines left out
        skip what is empty and show the other lines of {file}
        """,
    ),
    define(
        GROUP,
        "delete_blank_in_file",
        "file:text",
        "sed -i /^$/d {file}",
        """
        (remove|delete) the empty lines (of|from|in) {file}
        remove all blank lines from the file {file}
        get rid of the blank lines in {file}
        clean {file} of its empty lines
        could you delete every empty line in {file}?
        {file} has empty lines, remove them
        please take the blank lines out of {file}
        i want no empty lines in {file} any more
        erase blank lines from {file}
        throw the empty lines out of {file}
        """,
        """
        the blank lines of {file} can go, take them out
        there are empty lines in {file} that i do not need, delete them
        """,
    ),
    define(
        GROUP,
        "delete_line",
        "n:line file:any",
        "sed -i {n}d {file}",
        """
        (remove|delete) line {n} (of|from) {file}
        take line {n} out of the file {file}
        get rid of line {n} in {file}
        in {file}, delete line number {n}
        could you remove line {n} from {file}?
        erase line {n} of {file}
        line {n} of {file} can go, delete it
        i do not need line {n} of {file}, remove it
        please delete line {n} in {file}
        throw line {n} out of {file}
        """,
        """
        {file} should lose its line {n}
        line number {n} does not belong in {file}, take it out
        """,
    ),
    define(
        GROUP,
        "append_word",
        "file:any new:otherword",
        "echo {new} >> {file}",
        """
        (add|append) {new} to the end of {file}
        add a line {new} to {file}
        append the line {new} to {file}
        write {new} at the end of {file}
        could you add {new} as a last line to {file}?
        put {new} at the bottom of {file}
        i want {new} added to {file}
        please append {new} to the file {file}
        {file} needs one more line: {new}
        one more line for {file}: {new}
        """,
        """
        {file} should end with a new line that says {new}
        after the last line of {file}, write {new}
        """,
    ),
    define(
        GROUP,
        "write_word",
        "word:otherword file:new",
        "echo {word} > {file}",
        """
        (write|save) {word} (to|into) a new file {file}
        create a file {file} that says {word}
        make {file} with the word {word} in it
        new file {file} with the text {word}
        could you write the word {word} into {file}?
        put the word {word} into a new file {file}
        save the text {word} as {file}
        i need a file {file} containing {word}
        please create {file} with {word} inside
        store the word {word} in a file called {file}
        """,
        """
        there should be a file {file} in which {word} is written
        the word {word} should be saved as {file}
        """,
    ),
    define(
        GROUP,
        "merge_files",
        "file:text other:text new",
        "cat {file} {other} > {new}",
        """
        (join|merge|combine) {file} and {other} into {new}
        put {file} and {other} together in {new}
        {file} followed by {other}, saved as {new}
        could you combine {file} and {other} as {new}?
        write {file} and then {other} into {new}
        make {new} from {file} and {other}
        glue {file} and {other} together as {new}
        please merge the files {file} and {other} into {new}
        i want {file} and {other} in one file {new}
        one file {new} out of {file} and {other}
        """,
        """
        {new} should hold {file} and after it {other}
        take {file}, add {other}, and save both as {new}
        """,
    ),
)
