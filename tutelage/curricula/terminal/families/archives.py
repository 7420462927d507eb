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
        """,
        """
        {new} should be an archive that holds the folder {dir}
        take the directory {dir} and make the archive {new} of it
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
        """,
        """
        tell me which files the archive {file} has in it
        do not unpack {file}, just list what it holds
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
        """,
        """
        i need the files that are packed in {file}, get them out
        {file} should be extracted in this folder
        """,
    ),
    define(
        GROUP,
        "compress",
        "file:any",
        "gzip {file}",
        """
        (compress|gzip) (the file|) {file}
        make {file} smaller with gzip
        zip up the file {file} with gzip
        squeeze {file} into a gz file
        could you compress {file}?
        shrink {file} with gzip
        i want {file} compressed
        please gzip the file {file}
        turn {file} into {file}.gz
        compressed version of {file} in its place
        """,
        """
        {file} is too big, please compress it
        use gzip to make the file {file} smaller
        """,
    ),
    define(
        GROUP,
        "md5",
        "file:any",
        "md5sum {file}",
        """
        (compute|show|print) the md5 (checksum|sum|hash) of {file}
        md5 of {file}
        what is the md5 sum of {file}?
        md5 checksum for {file}
        could you give me the md5 of {file}?
        i need the md5 hash of {file}
        calculate the md5 sum for the file {file}
        please make an md5 checksum of {file}
        tell me the md5 checksum of {file}
        hash {file} with md5
        """,
        """
        which md5 hash does {file} have?
        i want to know the md5 sum for {file}
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
        """,
        """
        which sha256 hash does {file} have?
        i want to know the sha256 sum for {file}
        """,
    ),
)
