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
        """,
        """
        i would like to have a new folder, its name should be {dir}
        {dir} should become a new directory
        """,
    ),
    define(
        GROUP,
        "make_file",
        "file:new",
        "touch {file}",
        """
        (make|create) an empty file called {file}
        new empty file {file}
        touch a file named {file}
        could you create {file} with nothing in it?
        i need an empty file {file}
        please add an empty file named {file}
        start a blank file {file}
        make {file}, empty for now
        can you make a blank file called {file}?
        add a file {file} without any content
        """,
        """
        there should be an empty {file} here
        please set up {file} as a blank file
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
        """,
        """
        {new} should be a copy of {file}
        i need {file} twice, the second one called {new}
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
        """,
        """
        the name {file} is wrong, it should be {new}
        from now on the file {file} is to be known as {new}
        """,
    ),
    define(
        GROUP,
        "move_into",
        "file:any dir:folder",
        "mv {file} {dir}",
        """
        move {file} into (the folder|) {dir}
        put {file} in the {dir} folder
        please move the file {file} to the directory {dir}
        {file} belongs in {dir}, move it
        could you put {file} into {dir}?
        take {file} and move it into {dir}
        i want {file} inside the folder {dir}
        shift {file} into {dir}
        can you move {file} to the folder {dir}?
        file {file} into the folder {dir}, please
        """,
        """
        {file} is in the wrong place, it belongs inside {dir}
        the folder {dir} is where {file} should go
        """,
    ),
    define(
        GROUP,
        "copy_into",
        "file:any dir:folder",
        "cp {file} {dir}",
        """
        copy {file} into (the folder|) {dir}
        put a copy of {file} in {dir}
        place a copy of {file} inside the folder {dir}
        could you copy {file} into the directory {dir}?
        i want a copy of {file} in the {dir} folder
        keep {file} here but copy it into {dir} too
        please copy the file {file} into {dir}
        add a copy of {file} to the folder {dir}
        can you drop a copy of {file} into {dir}?
        a copy of {file} should go into {dir}
        """,
        """
        {dir} should get a copy of {file} too
        i need {file} here and also inside the folder {dir}
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
        """,
        """
        i have no use for {file} any more, get rid of it
        the file {file} is old, please throw it away
        """,
    ),
    define(
        GROUP,
        "delete_folder",
        "dir:folder",
        "rm -r {dir}",
        """
        (delete|remove) the folder {dir}
        remove the directory {dir} and what is in it
        get rid of the folder {dir}
        please delete the directory {dir} with all its files
        throw away the folder {dir}
        could you delete the folder {dir}?
        i do not need the folder {dir} any more, remove it
        erase the directory {dir}
        the folder {dir} can go, files and all
        can you remove the whole folder {dir}?
        """,
        """
        i have no use for the folder {dir}, throw it away
        the directory {dir} and its files are old, delete them
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
        """,
        """
        tell me what the directory {dir} has in it
        i want to know which files the folder {dir} holds
        """,
    ),
)
