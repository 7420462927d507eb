"""Permissions and facts about files."""

from tutelage.curricula.terminal.family import define

GROUP = "permissions and facts"

FAMILIES = (
    define(
        GROUP,
        "make_executable",
        "file:script",
        "chmod +x {file}",
        """
        make {file} executable
        (let|allow) me run {file} as a program
        give {file} the right to be executed
        set the executable bit of {file}
        could you make the script {file} executable?
        mark {file} as executable
        i want to be able to execute {file}
        please allow {file} to be executed
        turn {file} into an executable script
        executable rights for {file}
        """,
        """
        the script {file} should be executable
        it should be possible to execute {file}, please allow it
        """,
    ),
    define(
        GROUP,
        "make_read_only",
        "file:any",
        "chmod a-w {file}",
        """
        make {file} read-only
        protect {file} from being changed
        nobody should be able to write to {file}
        take away the write permission of {file}
        could you make the file {file} read-only?
        forbid writing to {file}
        set {file} to read-only for all
        please remove write rights from {file}
        i want {file} safe from changes
        lock {file} against changes
        """,
        """
        the file {file} should not be changed by anybody, protect it
        from now on {file} is only to be read, not written
        """,
    ),
    define(
        GROUP,
        "show_mode",
        "file:moded",
        "stat -c %a {file}",
        """
        (show|print) the (permissions|mode) of {file}
        what are the permissions of {file}?
        permissions of {file} as a number
        which mode does {file} have?
        could you tell me the permissions of {file}?
        mode of the file {file}
        i need the permission number of {file}
        please show what mode {file} has
        numeric permissions of {file}
        tell me the octal mode of {file}
        """,
        """
        i want to know which permissions the file {file} has
        what is the number for the permissions of {file}?
        """,
    ),
    define(
        GROUP,
        "run_script",
        "file:script",
        "bash {file}",
        """
        (run|execute|start) (the script|) {file}
        run {file} with bash
        start {file} and show what it prints
        execute the shell script {file}
        could you run the script {file}?
        let bash run {file}
        i want to run {file}
        please execute {file}
        what happens when you run {file}?
        launch the script {file}
        """,
        """
        start the shell script {file} for me
        what does {file} print when it is executed?
        """,
    ),
    define(
        GROUP,
        "link_target",
        "link",
        "readlink {link}",
        """
        where does (the link|) {link} point to?
        what is the target of the link {link}?
        target of the link {link}
        which file does {link} point to?
        could you tell me where {link} points?
        show where the link {link} leads
        follow the link {link} and name its target
        i want to know what {link} links to
        please show the target of {link}
        {link} is a link, to which file?
        """,
        """
        to what file does the symbolic link {link} lead?
        tell me which file is the target of {link}
        """,
    ),
)
