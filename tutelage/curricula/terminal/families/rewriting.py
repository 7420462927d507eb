"""Rewriting text: replacing, changing case, dropping, joining; printed or in the file itself."""

from tutelage.curricula.terminal.family import define

GROUP = "rewriting text"

FAMILIES = (
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
        can you edit {file} so that every {word} is now {new}?
        {word} is wrong in {file}, correct it to {new}
        the file {file} should say {new} wherever it says {word}, fix that
        rewrite {file} with {new} in all places where {word} stands and save
        would you update {file}, making each {word} a {new}?
        i made a mistake in {file}, {word} has to become {new}
        is there a way to replace {word} with {new} directly inside {file}?
        overwrite all occurrences of {word} in {file} with {new}
        {file} needs editing, {word} out and {new} in
        just exchange {word} for {new} throughout {file} and keep the change
        we need {file} modified in place, {word} to {new}
        next, put {new} where {word} is in {file} and store it
        help me fix {file}, it must have {new} and not {word}
        make the change from {word} to {new} in {file} permanent
        do a search and replace in {file}, {word} to {new}, and save the file
        update the contents of {file} by replacing each {word} with {new}
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
        can i see {file} with every letter in caps?
        let me read {file} in block capitals
        {file}, all caps please
        what does {file} look like in capital letters?
        make the letters big when you print {file}
        would you output {file} with the small letters turned into capitals?
        just list {file} in caps
        is there a way to view {file} completely in uppercase?
        i would like the text of {file} displayed in large letters
        shout {file} at me, capitals only
        next, output {file} uppercased
        no small letters, show me {file} in capitals
        help me read {file}, print it with big letters throughout
        raise all letters of {file} to upper case on the screen
        the contents of {file} in upper case, please
        {file} with lower case letters changed to upper case, print that
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
        can i see {file} with the empty rows left out?
        let me read {file} without all those gaps
        just the rows in {file} that contain something
        what is in {file} if you ignore the blank rows?
        would you list {file}, leaving out lines with nothing on them?
        is there a way to view {file} minus the empty lines?
        i would like {file} printed with blank rows skipped
        only filled lines of {file}, please
        {file} has too many gaps, display it with no blank rows
        output {file}, but drop the empty lines from the output
        next, list every line in {file} that has something in it
        show me the lines from {file} which are not empty
        help me read {file}, hiding rows that have no text
        leave the file alone but print {file} with its blank lines skipped
        when you show {file}, pass over the empty rows
        the lines with content in {file}, print those
        """,
        """
        let me read {file} with the blank lines left out
        skip what is empty and show the other lines of {file}
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
        can you drop row {n} from {file}?
        line {n} in {file} is wrong, take it away
        edit {file} so that line {n} is gone
        would you cut row number {n} out of {file}?
        just strike line {n} from the file {file}
        there is a mistake in row {n} of {file}, so erase that row
        is there a way to remove the line numbered {n} in {file}?
        i would like row {n} of {file} deleted
        {file}, line {n}, get rid of it
        we have no use for line {n} in {file}, delete it there
        next, kick line {n} out of {file}
        help me get line {n} removed from {file}
        row {n} should not be in {file} any more
        rewrite {file} leaving out line {n}
        keep all of {file} except row {n}, save it that way
        now please wipe row {n} from {file}
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
        can you stick {new} onto the end of {file}?
        let {file} finish with a further line saying {new}
        {new} is missing in {file}, put it after the last row
        would you tack {new} on at the bottom of {file}?
        just add {new} below everything else in {file}
        is there a way to append a row with {new} to {file}?
        i forgot {new} in {file}, please add it at the end
        extend {file} by a line that says {new}
        {new} should be the final row of {file}, add it
        next, write another row into {file} reading {new}, keep the others
        help me get {new} in at the end of {file}
        keep what {file} has and add {new} underneath
        the list in {file} is not complete, append {new}
        now {new} goes to the bottom of {file} as an extra line
        we need an additional entry {new} in {file}
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
        can you start a file {file} with nothing but {word} in it?
        let there be a file {file} whose only text is {word}
        would you put down {word} in a fresh file called {file}?
        just store {word} as the contents of {file}
        is there a way to save {word} under the file name {file}?
        i would like a brand new file named {file} that reads {word}
        {word}, save that in a new file named {file}
        {file} does not exist yet, create it holding the word {word}
        next, make a text file {file} saying {word}
        help me create {file}, its content should be {word}
        note down {word} in a newly made file {file}
        we need a file by the name of {file} with {word} as its only line
        generate {file} containing the single word {word}
        now a new file, name {file}, content {word}
        write out the text {word} to a fresh {file}
        open a new file {file} and type {word} into it
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
        can you stick {file} and {other} together and call the result {new}?
        let {new} hold everything from {file} and after it {other}
        {file} plus {other} makes {new}, create it
        would you join {file} with {other} and save that under {new}?
        just concatenate {file} and {other} to {new}
        is there a way to have {file} and {other} as a single file {new}?
        i would like {new} to be {file} with {other} after it
        take {file}, add {other} behind it, store both in {new}
        two files {file} and {other}, turn them into one called {new}
        next, save {file} and {other} one after the other in {new}
        help me unite {file} and {other} in a new file {new}
        the contents of {file} and of {other} should go into {new}
        we need a combined file {new} with {file} first and {other} second
        create {new} by putting {other} after {file}
        now copy the text of {file} and then that of {other} into {new}
        both {file} and {other} belong together, write them to {new}
        """,
        """
        {new} should hold {file} and after it {other}
        take {file}, add {other}, and save both as {new}
        """,
    ),
)
