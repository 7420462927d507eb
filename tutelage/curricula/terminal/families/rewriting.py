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
        in {file}, change every {word} to {new}
        swap the word {word} for {new} everywhere inside {file}
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
        show me {file} in all capital letters
        print the text of {file} with every letter big
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
        add a line saying {new} to the end of {file}
        put {new} at the bottom of {file} as a new line
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
        join {file} and then {other} into one file called {new}
        put {file} followed by {other} together in {new}
        """,
    ),
)
