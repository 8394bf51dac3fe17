//! Words of the tables back to what they stand for.

use crate::event::{
    Abi, Endpoint, EnteredBy, FileOp, FlowOp, KernelOp, LifecycleOp, Origin, PathSource, PrivilegeOp, Protocol,
    SocketOp, Stdio,
};
use std::net::SocketAddr;

/// What is written as one of a few words.
pub trait Word: Copy + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;

    /// The one that is written like this.
    fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|it| it.word() == word)
    }
}

macro_rules! words {
    ($($name:ident: $all:expr;)*) => {
        $(impl Word for $name {
            const ALL: &'static [Self] = $all;
            fn word(self) -> &'static str {
                self.as_str()
            }
        })*
    };
}

words! {
    Abi: &[Abi::X86_64, Abi::I386, Abi::X32, Abi::IoUring];
    EnteredBy: &[EnteredBy::Cgroup, EnteredBy::Namespaces];
    FileOp: FileOp::ALL;
    FlowOp: &[FlowOp::Connect, FlowOp::Accept, FlowOp::Listen];
    KernelOp: KernelOp::ALL;
    LifecycleOp: &[LifecycleOp::Found, LifecycleOp::Created, LifecycleOp::Removed, LifecycleOp::Entered, LifecycleOp::Level];
    Origin: &[Origin::Exec, Origin::Fork, Origin::Scan];
    PathSource: &[PathSource::Kernel, PathSource::User];
    PrivilegeOp: PrivilegeOp::ALL;
    Protocol: Protocol::ALL;
    SocketOp: SocketOp::ALL;
}

/// `major:minor` in the kernel's encoding.
pub fn device(text: &str) -> Option<u32> {
    let (major, minor) = text.split_once(':')?;
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    (major < 1 << 12 && minor < 1 << 20).then_some(major << 20 | minor)
}

/// An address and a port.
pub fn endpoint(addr: Option<&str>, port: Option<u16>) -> Option<Endpoint> {
    Some(Endpoint { addr: addr?.parse().ok()?, port: port.unwrap_or(0) })
}

/// What a standard descriptor led to.
pub fn stdio(text: &str) -> Stdio {
    let plain = [
        Stdio::Closed,
        Stdio::File,
        Stdio::Directory,
        Stdio::CharDevice,
        Stdio::BlockDevice,
        Stdio::Pipe,
        Stdio::Socket,
    ];
    let inet = |text: &str| {
        let (local, remote) = text.strip_prefix("inet ")?.split_once(" -> ")?;
        let end = |text: &str| {
            let end: SocketAddr = text.parse().ok()?;
            Some(Endpoint { addr: end.ip(), port: end.port() })
        };
        Some(Stdio::Inet { local: end(local)?, remote: end(remote)? })
    };
    plain.into_iter().find(|it| it.to_string() == text).or_else(|| inet(text)).unwrap_or(Stdio::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assemble::flags;

    fn all<T: Word + PartialEq + std::fmt::Debug>() {
        for it in T::ALL {
            assert_eq!(T::named(it.word()), Some(*it));
        }
        assert_eq!(T::named("no such word"), None);
    }

    #[test]
    fn every_word_means_what_it_was_written_for() {
        all::<Abi>();
        all::<EnteredBy>();
        all::<FileOp>();
        all::<FlowOp>();
        all::<KernelOp>();
        all::<LifecycleOp>();
        all::<Origin>();
        all::<PathSource>();
        all::<PrivilegeOp>();
        all::<Protocol>();
        all::<SocketOp>();
    }

    #[test]
    fn what_a_descriptor_led_to_is_read_as_it_was_written() {
        let end = |addr: &str, port| Endpoint { addr: addr.parse().expect("an address"), port };
        for stdio in [
            Stdio::Unknown,
            Stdio::Pipe,
            Stdio::CharDevice,
            Stdio::Inet { local: end("10.0.0.1", 1), remote: end("10.0.0.2", 2) },
            Stdio::Inet { local: end("::1", 1), remote: end("fe80::2", 65535) },
        ] {
            assert_eq!(super::stdio(&stdio.to_string()), stdio);
        }
        assert_eq!(super::stdio("inet nowhere -> 1"), Stdio::Unknown);
    }

    #[test]
    fn a_device_is_read_as_it_was_written_and_no_other() {
        assert_eq!(device("8:1"), Some(8 << 20 | 1));
        for wrong in ["", "8", "4096:0", "0:1048576", "-1:0", "8:1:1"] {
            assert_eq!(device(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn flags_are_read_as_they_were_written() {
        for op in FileOp::ALL {
            for value in [0, 1, 2, 0o1101, 0o20_200_002, 0x8200, 0x1100, u32::MAX, 0o4_010_000] {
                let shown = flags::shown(*op, value);
                assert_eq!(flags::read(*op, &shown), Some(value), "{op:?} {shown}");
            }
        }
        assert_eq!(flags::read(FileOp::Open, "O_NO_SUCH"), None);
    }
}
