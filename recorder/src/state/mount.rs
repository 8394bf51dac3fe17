//! `/proc/PID/mountinfo`.

use crate::proc::parsed;
use taffrail_trace::state::Mount;
use taffrail_trace::text;

/// Bytes kept of one option or source: overlays name all their layers.
const TEXT_MAX_BYTES: usize = 4096;

/// The mounts of one namespace. Blanks and line breaks in names are `\040` and `\012` there.
pub fn mounts(bytes: &[u8]) -> impl Iterator<Item = Mount> {
    bytes.split(|byte| *byte == b'\n').filter_map(mount)
}

/// `36 35 98:0 /root /path rw,noatime master:1 - ext3 /dev/root rw,errors=continue`, see `proc_pid_mountinfo(5)`.
fn mount(line: &[u8]) -> Option<Mount> {
    let mut words = line.split(|byte| *byte == b' ');
    let (id, parent_id) = (parsed(words.next()?)?, parsed(words.next()?)?);
    let dev = words.next()?;
    let at = dev.iter().position(|byte| *byte == b':')?;
    let (root, path, options) = (words.next()?, words.next()?, words.next()?);
    let propagation: Vec<&[u8]> = words.by_ref().take_while(|word| *word != b"-").collect();
    let (filesystem, source) = (words.next()?, words.next()?);
    let super_options = words.next().unwrap_or_default();
    Some(Mount {
        of: 0,
        mount_ns: 0,
        id,
        parent_id,
        dev: (parsed(&dev[..at])?, parsed(&dev[at + 1..])?),
        root: plain(root),
        path: plain(path),
        filesystem: plain(filesystem),
        source: plain(source),
        options: plain(options),
        super_options: plain(super_options),
        propagation: text::from_bytes(&propagation.join(&b' ')),
    })
}

/// A name with its `\ooo` taken back.
fn plain(escaped: &[u8]) -> String {
    let mut bytes = Vec::with_capacity(escaped.len().min(TEXT_MAX_BYTES));
    let mut rest = escaped;
    while let Some((first, behind)) = rest.split_first() {
        if bytes.len() >= TEXT_MAX_BYTES {
            bytes.extend_from_slice("…".as_bytes());
            break;
        }
        let octal = (*first == b'\\').then(|| behind.get(..3)).flatten();
        let octal = octal.filter(|digits| digits.iter().all(|digit| matches!(digit, b'0'..=b'7')));
        let value = octal.and_then(|digits| std::str::from_utf8(digits).ok());
        match value.and_then(|digits| u8::from_str_radix(digits, 8).ok()) {
            Some(byte) => (bytes.push(byte), rest = &behind[3..]),
            None => (bytes.push(*first), rest = behind),
        };
    }
    text::from_bytes(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mount_is_read_with_any_number_of_optional_fields() {
        let line = b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 shared:7 - ext3 /dev/root rw,errors=continue";
        let mount = mount(line).expect("a mount");
        assert_eq!((mount.id, mount.parent_id, mount.dev), (36, 35, (98, 0)));
        assert_eq!(
            (mount.root.as_str(), mount.path.as_str(), mount.options.as_str()),
            ("/mnt1", "/mnt2", "rw,noatime")
        );
        assert_eq!((mount.filesystem.as_str(), mount.source.as_str()), ("ext3", "/dev/root"));
        assert_eq!(
            (mount.propagation.as_str(), mount.super_options.as_str()),
            ("master:1 shared:7", "rw,errors=continue")
        );
        let private = super::mount(b"22 27 0:21 / /proc rw - proc proc rw").expect("a mount");
        assert_eq!((private.propagation.as_str(), private.source.as_str()), ("", "proc"));
    }

    #[test]
    fn names_with_blanks_lines_and_backslashes_are_what_they_are() {
        let line =
            b"1 2 0:1 /a\\134040b /m\\040n\\012o\\011p rw - tmpfs x\\043y rw\n1 2 0:1 / /\xff rw - fuse.a evil\\ rw";
        let found: Vec<Mount> = mounts(line).collect();
        assert_eq!((found[0].root.as_str(), found[0].path.as_str()), ("/a\\040b", "/m n\no\tp"));
        assert_eq!(found[0].source, "x#y");
        assert_eq!((found[1].path.as_str(), found[1].source.as_str()), ("/\\xff", "evil\\"));
    }

    #[test]
    fn a_source_may_be_empty_and_a_cut_line_is_none() {
        // `mount -t tmpfs '' /x` leaves two blanks.
        let line = b"1 2 0:1 / /x rw - tmpfs  rw,size=1k";
        let found = mount(line).expect("a mount");
        assert_eq!((found.source.as_str(), found.super_options.as_str()), ("", "rw,size=1k"));
        assert_eq!(mount(b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1"), None);
        assert_eq!(mount(b"36 35 98 /mnt1 /mnt2 rw - a b c"), None);
    }

    #[test]
    fn this_process_has_a_root() {
        let bytes = std::fs::read("/proc/self/mountinfo").expect("its mounts");
        assert_eq!(mounts(&bytes).count(), String::from_utf8_lossy(&bytes).lines().count());
        assert!(mounts(&bytes).any(|mount| mount.path == "/"));
    }

    proptest! {
        #[test]
        fn a_path_comes_out_as_the_kernel_took_it_in(path in "/[ -~\n\t]{0,40}") {
            let escape = |ch: char| match ch {
                ' ' | '\n' | '\t' | '\\' => format!("\\{:03o}", ch as u32),
                ch => ch.to_string(),
            };
            let escaped: String = path.chars().map(escape).collect();
            let line = format!("1 2 0:1 / {escaped} rw - a b c");
            prop_assert_eq!(mount(line.as_bytes()).map(|mount| mount.path), Some(path));
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            let _ = mounts(&bytes).count();
        }
    }
}
