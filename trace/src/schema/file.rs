//! Files.

use super::{COMMON, Kind, Table, has, may};

/// `file`: one row per operation on a file.
pub const FILE: Table = Table {
    name: "file",
    doc: "One row per file operation that a program asked for, failed ones included, and one (`io`) for what went \
          through an open file until it was closed or a while had passed.",
    common: COMMON,
    columns: &[
        has(
            "op",
            Kind::Text,
            "`open`, `create` (an open that made the file), `unlink`, `rmdir`, `rename`, `link`, `symlink`, `mkdir`, `mknod`, `chmod`, `chown`, `setxattr`, `removexattr`, `truncate`, or `io` (bytes read and written).",
        ),
        has(
            "path",
            Kind::Text,
            "The file's name, absolute in the process's mount namespace; empty for an `io` whose opening was not seen.",
        ),
        may("new_path", Kind::Text, "The second name of a rename or link; what a symlink says."),
        has(
            "path_source",
            Kind::Text,
            "`kernel`: walked from the kernel's file object. `user`: read from the program's memory.",
        ),
        may(
            "rewritten_from",
            Kind::Text,
            "What the program's memory held as `path` when the call began, where it held something else when it ended; else NULL.",
        ),
        may("new_rewritten_from", Kind::Text, "The same of `new_path`, or of `attribute` where there is one."),
        has(
            "other_mounts",
            Kind::Bool,
            "The file lies in a mount namespace that is not the process's; `path` is as seen there.",
        ),
        has("flags", Kind::Text, "The system call's flags by name, `|` between them."),
        may("mode", Kind::U32, "Permission bits given with a create, mkdir, mknod or chmod."),
        may("owner_uid", Kind::U32, "User id given with a chown; NULL where it was left as it is."),
        may("owner_gid", Kind::U32, "Group id given with a chown; NULL where it was left as it is."),
        may("attribute", Kind::Text, "Name of the extended attribute of a setxattr or removexattr."),
        may("size_bytes", Kind::U64, "The size given with a truncate."),
        has("made_executable", Kind::Bool, "A create or chmod succeeded whose `mode` has an execute permission."),
        may("result", Kind::I32, "0, or a negative errno; NULL for `io`, and where it never became known (io_uring)."),
        may("fd", Kind::I32, "The descriptor that an open returned, or that an `io` went through."),
        may("inode", Kind::U64, "Inode number where the kernel's object was at hand."),
        may("dev", Kind::Text, "Device of that inode as `major:minor`."),
        may(
            "bytes_read",
            Kind::U64,
            "Bytes read since the `io` row before, or since the file was opened; NULL but for `io`.",
        ),
        may(
            "bytes_written",
            Kind::U64,
            "Bytes written since the `io` row before, or since the file was opened; NULL but for `io`.",
        ),
        may(
            "closed",
            Kind::Bool,
            "The file was closed or its process ended; false while it is open. NULL but for `io`.",
        ),
        may("abi", Kind::Text, "How the call was made: `x86_64`, `i386`, `x32` or `io_uring`; NULL for `io`."),
    ],
};
