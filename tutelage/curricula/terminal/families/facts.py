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
        can you change {file} so that i may execute it?
        let me start {file} like a program, it needs the permission
        {file} will not run, give it execute permission
        would you add the execute right to {file}?
        just make the file {file} runnable
        is there a way to have {file} be executable?
        i would like {file} to have execute rights
        it says permission denied when i start {file}, make it executable
        {file} should be allowed to run as a program
        next, switch on the x bit for {file}
        help me turn {file} into something i can execute
        we need execute permission on {file}
        grant {file} permission to be run
        the script {file} has to become executable
        add x to the permissions of {file}
        now chmod {file} so that it is executable
        """,
        """
        make it possible to run {file} as a program
        please make the file {file} executable
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
        can you stop everyone from writing to {file}?
        let {file} be only readable, not writable
        {file} must not be edited any more, protect it
        would you write protect {file}?
        just take the write rights off {file}
        is there a way to keep people from changing {file}?
        i do not want anyone to modify {file}, so make it read only
        from now on {file} may be read but not written
        drop write permission on {file} for everybody
        next, turn off writing for {file}
        help me protect {file} against being overwritten
        the file {file} should allow reading only
        we need {file} locked so no one can edit it
        {file}, remove the w permission
        withdraw the right to write to {file} from all users
        now guard {file} from edits by making it read only
        """,
        """
        make {file} read only for everybody
        nobody should be able to write to {file} any more
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
        can i see the permissions of {file} in octal?
        let me know the mode number {file} has
        are the permissions of {file} 644 or what is the number?
        would you print the access rights of {file} as a number?
        just the numeric mode of {file}
        is there a way to view the octal permissions on {file}?
        i wonder what the permission bits of {file} are
        {file}, which permissions does it have?
        next, display the permission mode for the file {file}
        help me check the rights set on {file}, as a number
        which chmod number would {file} have at the moment?
        we need to know the access mode of {file}
        look up the permissions that {file} has now
        what number stands for the rights of {file}?
        output the three digit mode of {file}
        the current permission setting of {file}, please
        """,
        """
        what are the permissions of {file} as an octal number
        i need the permission number of {file}, like 644
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
        can you start up {file} for me?
        let me see what the script {file} does when started
        {file} is a shell script, run it
        would you execute {file} now?
        just run the shell script called {file}
        is there a way to launch {file} with bash?
        i would like the script {file} to be started
        go ahead and run {file}
        next, have bash execute {file}
        help me start the bash script {file}
        time to run the script in {file}
        we need {file} to be executed now
        carry out the commands written in {file}
        {file}, run it please
        do what the script {file} says
        pass {file} to bash and let it go
        """,
        """
        please start the script {file} for me
        i want you to execute the script in {file} now
        """,
    ),
)
