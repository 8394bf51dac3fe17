//! `/proc/PID/maps`: what of a process's memory is a file, or is executable.

use crate::proc::{named, parsed};
use taffrail_trace::state::Map;
use taffrail_trace::text;

/// Code that the kernel gives every process.
const OF_THE_KERNEL: [&[u8]; 2] = [b"[vdso]", b"[vsyscall]"];

/// The lines that are told. A name has no line break in it: the kernel writes `\012`.
pub fn maps(bytes: &[u8]) -> impl Iterator<Item = Map> {
    bytes.split(|byte| *byte == b'\n').filter_map(map)
}

fn map(line: &[u8]) -> Option<Map> {
    let mut rest = line;
    let mut word = || {
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let word = &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        word
    };
    let (addresses, permissions, offset, dev) = (word(), word(), word(), word());
    let inode: u64 = parsed(word())?;
    let name = rest.trim_ascii_start();
    let is_told = inode != 0 || permissions.get(2) == Some(&b'x');
    if !is_told || OF_THE_KERNEL.contains(&name) {
        return None;
    }
    let (start, end) = pair(addresses, b'-')?;
    let (major, minor) = pair(dev, b':')?;
    let (path, deleted) = named(name);
    Some(Map {
        start,
        end,
        permissions: text::from_bytes(permissions),
        path: (!path.is_empty()).then_some(path),
        offset: hex(offset)?,
        inode,
        dev: (u32::try_from(major).ok()?, u32::try_from(minor).ok()?),
        deleted,
    })
}

fn pair(bytes: &[u8], between: u8) -> Option<(u64, u64)> {
    let at = bytes.iter().position(|byte| *byte == between)?;
    Some((hex(&bytes[..at])?, hex(&bytes[at + 1..])?))
}

fn hex(bytes: &[u8]) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(bytes).ok()?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(lines: &str) -> Vec<(String, Option<String>, bool)> {
        maps(lines.as_bytes()).map(|map| (map.permissions, map.path, map.deleted)).collect()
    }

    #[test]
    fn files_and_code_are_told_and_plain_memory_is_not() {
        let lines = "\
558ba0771000-558ba0773000 r--p 00002000 fe:01 247282                     /usr/bin/head
558ba077d000-558ba077e000 rw-p 00000000 00:00 0                          [heap]
7f00d0000000-7f00d0001000 rwxp 00000000 00:00 0
7f00d0002000-7f00d0003000 rwxp 00000000 00:00 0                          [anon:jit]
7f00d0004000-7f00d0005000 r-xp 00000000 00:01 1034                       /memfd:x (deleted)
7f00d0006000-7f00d0007000 r-xp 00000000 00:2b 99                         /tmp/a b\\012c (deleted) (deleted)
7ffcd4bd7000-7ffcd4bd9000 r-xp 00000000 00:00 0                          [vdso]
ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]
";
        let expected = [
            ("r--p", Some("/usr/bin/head"), false),
            ("rwxp", None, false),
            ("rwxp", Some("[anon:jit]"), false),
            ("r-xp", Some("/memfd:x"), true),
            ("r-xp", Some("/tmp/a b\\012c (deleted)"), true),
        ];
        let expected =
            expected.map(|(permissions, path, deleted)| (permissions.to_owned(), path.map(str::to_owned), deleted));
        assert_eq!(told(lines), expected);
        let first = maps(lines.as_bytes()).next().expect("a map");
        assert_eq!((first.start, first.end, first.offset), (0x558b_a077_1000, 0x558b_a077_3000, 0x2000));
        assert_eq!((first.inode, first.dev), (247_282, (0xfe, 1)));
    }

    #[test]
    fn a_line_that_is_cut_short_is_passed_over() {
        assert_eq!(told("558ba0771000-558ba0773000 r-xp 0000"), []);
        assert_eq!(told("x-y r-xp 00000000 fe:00 1 /a\n1-2 r-xp 0 fe:00 1 /b\n").len(), 1);
    }

    #[test]
    fn this_program_finds_itself_in_its_own_memory() {
        let exe = std::env::current_exe().expect("its file").to_string_lossy().into_owned();
        let bytes = std::fs::read("/proc/self/maps").expect("its maps");
        let own: Vec<Map> = maps(&bytes).filter(|map| map.path.as_ref() == Some(&exe)).collect();
        assert!(own.iter().any(|map| map.permissions.starts_with("r-x") && !map.deleted), "{own:?}");
    }

    proptest! {
        #[test]
        fn a_path_comes_out_as_it_went_in(name in "/[^\n\\x00]{0,40}[^\n )\\x00]") {
            let line = format!("1000-2000 r-xp 00000000 fe:00 7      {name}\n");
            prop_assert_eq!(told(&line), [("r-xp".to_owned(), Some(name), false)]);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = maps(&bytes).count();
        }
    }
}
