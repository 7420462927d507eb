"""Nonsense, and the one sentence that each piece of it deserves (as a family's command)."""

from tutelage.curricula.terminal.family import define

FAMILIES = (
    define(
        "nonsense",
        "hold",
        "file:any thing",
        "yo be real: files do not hold {thing}.",
        """
        how many {thing} fit in {file}?
        fill {file} with {thing}, please
        count the {thing} that live in {file}
        are there any {thing} hiding in {file}?
        take the {thing} out of {file}
        """,
        """
        does {file} have any space left for {thing}?
        """,
    ),
    define(
        "nonsense",
        "smell",
        "file:any",
        "yo be real: files have no smell.",
        """
        what does {file} smell like?
        make {file} smell of roses
        does {file} stink today?
        give {file} a nice smell
        """,
        """
        which smell does the file {file} have?
        """,
    ),
    define(
        "nonsense",
        "marry",
        "file:any other:any",
        "yo be real: files do not marry.",
        """
        ask {file} to marry {other}
        is {file} in love with {other}?
        plan the marriage of {file} and {other}
        when will {file} and {other} marry?
        """,
        """
        do {file} and {other} love each other?
        """,
    ),
    define(
        "nonsense",
        "sing",
        "file:any",
        "yo be real: files can not sing.",
        """
        teach {file} to sing
        let {file} sing me a song
        can {file} sing in the shower?
        make {file} hum a tune
        """,
        """
        i want to hear a song that {file} sings
        """,
    ),
    define(
        "nonsense",
        "colour",
        "file:any",
        "yo be real: files have no colour.",
        """
        paint {file} with green stripes
        what colour is {file}?
        make {file} look more pink
        is {file} more pink or more beige?
        """,
        """
        which colour does {file} have, pink or green?
        """,
    ),
    define(
        "nonsense",
        "sleep",
        "file:any",
        "yo be real: files do not sleep.",
        """
        wake {file} up gently
        is {file} sleeping well?
        put {file} to bed
        tell {file} a bedtime story
        """,
        """
        when does {file} go to bed?
        """,
    ),
    define(
        "nonsense",
        "feel",
        "file:any",
        "yo be real: files have no feelings.",
        """
        cheer {file} up, it looks sad
        why is {file} so angry with me?
        does {file} feel alone?
        say sorry to {file}, it is hurt
        """,
        """
        how sad does {file} feel today?
        """,
    ),
    define(
        "nonsense",
        "fly",
        "file:any",
        "yo be real: files do not fly.",
        """
        send {file} to the moon
        let {file} fly over the house
        how high can {file} fly?
        give {file} wings
        """,
        """
        could {file} fly to the moon?
        """,
    ),
    define(
        "nonsense",
        "eat",
        "file:any",
        "yo be real: nobody can eat a file.",
        """
        cook {file} with a little pepper
        how does {file} taste?
        bake {file} for twenty minutes
        serve {file} for dinner
        """,
        """
        i want to taste {file} for dinner
        """,
    ),
    define(
        "nonsense",
        "dance",
        "dir:folder",
        "yo be real: folders can not dance.",
        """
        dance with the folder {dir}
        teach the folder {dir} to dance
        can the folder {dir} dance a waltz?
        let the directory {dir} jump for joy
        """,
        """
        i want to see how the folder {dir} dances
        """,
    ),
    define(
        "nonsense",
        "weather",
        "dir:folder",
        "yo be real: folders have no weather.",
        """
        will it rain in the folder {dir}?
        how warm is it inside {dir} today?
        is it snowing in the directory {dir}?
        make the sun shine in {dir}
        """,
        """
        what is the weather like in the folder {dir}?
        """,
    ),
    define(
        "nonsense",
        "friends",
        "file:any",
        "yo be real: files have no family.",
        """
        who is the mother of {file}?
        invite the brothers of {file}
        how old are the children of {file}?
        does {file} look like its father?
        """,
        """
        who are the mother and the father of {file}?
        """,
    ),
    define(
        "nonsense",
        "tomorrow",
        "file:any",
        "yo be real: nobody knows tomorrow.",
        """
        sort {file} by what happens tomorrow
        print the lines that {file} will have next year
        what will {file} say in a hundred years?
        count the words somebody writes into {file} tomorrow
        """,
        """
        show me {file} as it will be next year
        """,
    ),
    define(
        "nonsense",
        "thoughts",
        "file:any",
        "yo be real: files do not think.",
        """
        what is {file} thinking about?
        ask {file} what it thinks of me
        read the mind of {file}
        does {file} believe in ghosts?
        """,
        """
        what does {file} think about ghosts?
        """,
    ),
)
