"""Files and folders: make, copy, move, rename, delete, list."""

from tutelage.curricula.terminal.family import define

GROUP = "files and folders"

FAMILIES = (
    define(
        GROUP,
        "make_folder",
        "dir:newfolder",
        "mkdir {dir}",
        """
        (make|create) a folder called {dir}
        (create|add) a new directory {dir}
        new folder {dir}
        could you make the directory {dir}?
        i need a folder named {dir}
        please set up a folder {dir} here
        there should be a directory called {dir}, make it
        make me a directory with the name {dir}
        can you add a folder named {dir}?
        directory {dir}, please create it
        i want to have a fresh directory, {dir} is its name
        time to start a brand new folder, call it {dir}
        would it be okay to make another folder here called {dir}?
        we need an additional directory by the name of {dir}
        would you kindly create the folder {dir} for me?
        {dir} as a new directory, quickly
        just mkdir {dir}
        let me have an empty directory {dir} to put things in
        next, the folder {dir} has to be created
        my pictures need a place to go, so build a folder {dir}
        help me get a directory going under the name {dir}
        the thing i need is a new folder with {dir} as its name
        how about opening another folder here, {dir} for a name?
        can i get one more directory in this place, namely {dir}?
        i would like {dir} to exist as a folder
        folder wanted, name {dir}
        """,
        """
        i need a new folder called {dir}
        please create an empty directory with the name {dir}
        """,
    ),
    define(
        GROUP,
        "copy_file",
        "file:any new:newlike",
        "cp {file} {new}",
        """
        copy {file} to {new}
        make a copy of {file} called {new}
        duplicate {file} as {new}
        i want a second {file}, named {new}
        could you copy the file {file} to {new}?
        copy of {file} under the name {new}
        please (save|make) a copy of {file} as {new}
        back up {file} as {new}
        can you clone {file} into {new}?
        keep {file} and also have it as {new}
        just cp {file} to {new}
        let me have a duplicate of {file}, its name should be {new}
        before i change {file}, store a copy as {new}
        {file} is needed twice, the second time as {new}
        we need the same content as in {file} in a new file {new}
        {new} should become an exact copy of {file}
        would you produce another {file} and name the copy {new}?
        help me duplicate the document {file}, with {new} for the duplicate
        i would like to keep {file} and get a twin of it called {new}
        from {file} make an identical file {new}
        time for a backup of {file}, let its name be {new}
        can i have {file} replicated under the file name {new}?
        source {file}, copy {new}
        the thing i need is a copy of {file}, titled {new}
        now take {file} and write a duplicate of it to {new}
        to be safe, leave {file} alone and create its copy {new}
        """,
        """
        make a copy of {file} and call it {new}
        can you duplicate {file} under the name {new}
        """,
    ),
    define(
        GROUP,
        "rename_file",
        "file:any new:newlike",
        "mv {file} {new}",
        """
        rename {file} to {new}
        change the name of {file} to {new}
        call {file} {new} from now on
        give {file} the name {new}
        could you rename the file {file} to {new}?
        {file} should be called {new}
        please rename {file} as {new}
        i want {file} to be named {new}
        new name for {file}: {new}
        can you change the file name {file} into {new}?
        just change what {file} is called to {new}
        i no longer like the name {file}, make it {new}
        let {file} be known as {new} instead
        we need {file} under a different name, namely {new}
        would you switch the name of {file} over to {new}?
        is there a way to rename my file {file} so it becomes {new}?
        help me rename {file}, the better name is {new}
        old name {file}, new name {new}
        the file now called {file} ought to have the name {new}
        from {file} to {new}, rename please
        i made a typo, {file} was meant to be named {new}
        next {file} gets a new name, which is {new}
        can i have the file {file} renamed into {new}?
        replace the file name {file} by {new}
        time to retitle {file}, from today it is {new}
        what was {file} until now shall bear the name {new}
        """,
        """
        {file} should be called {new} from now on
        could you change the name of {file} to {new}
        """,
    ),
    define(
        GROUP,
        "delete_file",
        "file:any",
        "rm {file}",
        """
        (delete|remove) {file}
        please delete the file {file}
        get rid of {file}
        i do not need {file} any more, remove it
        could you remove the file {file}?
        throw away {file}
        erase the file {file}
        delete only the file {file}
        {file} can go, delete it
        can you throw {file} away?
        please rm {file}, it is of no use any longer
        i would like {file} to be gone
        let us be done with {file}, erase it
        we have no use for {file} now, so delete it
        would you wipe out the file {file}?
        any chance you could erase {file} for me?
        help me drop the file {file}, i am finished with it
        {file} is outdated, please throw it out
        off with {file}, delete
        time to discard {file}
        can i have the file {file} deleted for good?
        next, {file} should disappear from here
        see to it that {file} gets removed
        toss {file} in the trash
        the document {file} is useless, kindly remove it
        nobody needs {file}, so get it deleted
        """,
        """
        get rid of the file {file}
        would you please delete {file} for me
        """,
    ),
    define(
        GROUP,
        "list_folder",
        "dir:folder",
        "ls {dir}",
        """
        list the files in (the folder|) {dir}
        what is in the folder {dir}?
        show the contents of the directory {dir}
        which files are in {dir}?
        could you list what is inside {dir}?
        look into the folder {dir}
        contents of the folder {dir}
        please list the directory {dir}
        what does the folder {dir} hold?
        show me the files inside {dir}
        just ls the directory {dir}
        give me an overview of what the folder {dir} has inside
        let me look at what the directory {dir} contains
        we need the names of everything inside the folder {dir}
        would you tell me what is stored in the directory {dir}?
        may i know which files the folder {dir} has?
        help me find out what lies in the folder {dir}
        directory {dir}, what have we got in there?
        a listing of the folder {dir}, please
        time to take a peek inside the directory {dir}
        can i see the file names in the {dir} folder?
        next, name all files that are inside the directory {dir}
        i wonder what is kept within the folder {dir}
        print the content list of the {dir} directory
        file list of directory {dir}, thanks
        what did we put into the folder {dir} so far?
        """,
        """
        what files are in the folder {dir}
        let me see what is inside the directory {dir}
        """,
    ),
)
