"""Archives and checksums."""

from tutelage.curricula.terminal.family import define

GROUP = "archives and checksums"

FAMILIES = (
    define(
        GROUP,
        "pack_folder",
        "dir:folder new:newarchive",
        "tar -czf {new} {dir}",
        """
        (pack|put) the folder {dir} into {new}
        make an archive {new} of the folder {dir}
        archive {dir} as {new}
        create {new} from the directory {dir}
        could you pack {dir} into the archive {new}?
        compress the folder {dir} into {new}
        bundle the directory {dir} up as {new}
        i want {dir} packed as {new}
        please archive the folder {dir} in {new}
        new archive {new} with the folder {dir} inside
        can you turn the directory {dir} into an archive called {new}?
        let me have {dir} as a tarball named {new}
        would you tar up {dir} and call it {new}?
        i want to send {dir} to someone, so pack it into {new}
        just zip the directory {dir} into {new}
        is there a way to store the whole folder {dir} as one archive {new}?
        everything in the folder {dir} should go in an archive {new}
        {dir} is a folder, make a compressed archive {new} of it
        next, wrap up the {dir} folder in {new}
        help me get all of the directory {dir} packed into {new}
        we need an archive of {dir}, name it {new}
        build the tar archive {new} from the folder {dir}
        save the complete {dir} directory as the archive {new}
        the folder {dir}, archived and compressed, under the name {new}
        now generate {new} with all the files of folder {dir} packed in it
        tar and gzip {dir} to {new}
        """,
        """
        pack the folder {dir} into an archive named {new}
        make an archive {new} out of the directory {dir}
        """,
    ),
    define(
        GROUP,
        "list_archive",
        "file:archive",
        "tar -tzf {file}",
        """
        (list|show) (the contents of|what is in) the archive {file}
        what is inside {file}?
        which files are in the archive {file}?
        look into {file} without unpacking it
        could you list the files in {file}?
        contents of the archive {file}
        names of the files packed in {file}
        i want to see what {file} holds
        please show which files are packed in {file}
        what does the archive {file} hold?
        can i see which files the archive {file} contains?
        let me peek inside {file} but do not extract it
        would you tell me what is packed into {file}?
        just the file names in the archive {file}
        i wonder what somebody put in the archive {file}
        is there a way to view the contents of {file} without extracting?
        before i unpack {file}, show what it includes
        display the table of contents for the archive {file}
        {file} is an archive, what does it include?
        next, name everything stored in the archive {file}
        help me find out what the tarball {file} has in it
        do not unpack {file}, only list what is in it
        print a listing of the packed archive {file}
        we need to know what files come with the archive {file}
        give me an overview of the archive {file}
        what would i get if i unpacked {file}?
        """,
        """
        what is inside the archive {file}, do not unpack it
        list the contents of the archive {file} without extracting anything
        """,
    ),
    define(
        GROUP,
        "unpack",
        "file:archive",
        "tar -xzf {file}",
        """
        (unpack|extract) (the archive|) {file}
        unpack {file} here
        get the files out of {file}
        open the archive {file} and extract everything
        could you extract all files from {file}?
        take everything out of the archive {file}
        i want {file} unpacked
        please unpack the files of {file}
        expand the archive {file}
        extract what is packed in {file}
        can you unzip the archive {file} for me?
        let me have all the files that are in {file}, unpacked right here
        would you untar {file}?
        i got an archive {file}, please get its contents out
        just decompress and extract {file}
        is there a way to open up {file} and put its files here?
        {file} is packed, undo that
        i need the contents of {file} as real files, so extract it
        next, unwrap the tarball {file}
        help me unpack what is in {file}
        everything in {file} should be extracted to this folder
        restore all the files from the archive {file}
        put all that the archive {file} contains into the current directory
        we need the things stored in {file}, extract them all
        now extract the whole archive named {file}
        the archive {file} has to be unpacked here
        """,
        """
        extract the archive {file} in this folder
        please unpack {file} right here
        """,
    ),
    define(
        GROUP,
        "sha256",
        "file:any",
        "sha256sum {file}",
        """
        (compute|show|print) the sha256 (checksum|sum|hash) of {file}
        sha256 of {file}
        what is the sha256 sum of {file}?
        sha256 checksum for {file}
        could you give me the sha256 of {file}?
        i need the sha256 hash of {file}
        calculate the sha256 sum for the file {file}
        please make a sha256 checksum of {file}
        tell me the sha256 checksum of {file}
        hash {file} with sha256
        can you print a sha256 fingerprint for the file {file}?
        let me know the sha256 value of {file}
        sha256 please, and the file is {file}
        would you run sha256 on {file} and show what comes out?
        just give the sha256 digest of {file}
        is there a way to see which sha256 sum {file} has?
        someone sent me {file}, i have to check its sha256 sum
        what does sha256 give for {file}?
        next, work out the sha256 hash of the file {file}
        help me with a sha256 check, output the sum of {file}
        i would like to compare the sha256 of {file}, so display it
        {file} needs a checksum, use sha256
        we want the sha256 checksum of {file} on the screen
        get me a sha256 digest from {file}
        find out the sha256 hash belonging to {file}
        now checksum {file}, with the sha256 method
        """,
        """
        give me the sha256 checksum for {file}
        i need to check {file}, please compute its sha256
        """,
    ),
)
