//! System calls made the 32-bit way, whose numbers and registers are others.

mod support;

use std::num::NonZeroUsize;

use nix::sys::mman::{MapFlags, ProtFlags, mmap_anonymous};
use support::{Called, c_path, in_child, own, place, record, text};
use taffrail_probes::abi::{Kind, call::nr, header_flags::ABI_I386, syscall::Syscall};

/// Numbers of `unistd_32.h`.
mod nr32 {
    pub const READ: u32 = 3;
    pub const WRITE: u32 = 4;
    pub const OPEN: u32 = 5;
    pub const CLOSE: u32 = 6;
    pub const UNLINK: u32 = 10;
    pub const SOCKETCALL: u32 = 102;
    pub const WRITEV: u32 = 146;
    pub const GETPID: u32 = 20;
    pub const UMOUNT: u32 = 22;
    pub const MMAP: u32 = 90;
    pub const TRUNCATE64: u32 = 193;
    pub const SETRESUID: u32 = 208;
}

/// Memory that a 32-bit pointer reaches.
struct Low {
    start: *mut u8,
    used: usize,
}

impl Low {
    fn new() -> Low {
        let size = NonZeroUsize::new(16_384).expect("a size");
        let (protection, flags) =
            (ProtFlags::PROT_READ | ProtFlags::PROT_WRITE, MapFlags::MAP_PRIVATE | MapFlags::MAP_32BIT);
        #[expect(unsafe_code, reason = "std maps no memory")]
        // SAFETY: a mapping of its own, which stays.
        let start = unsafe { mmap_anonymous(None, size, protection, flags) }.expect("memory below 4 GiB");
        Low { start: start.as_ptr().cast(), used: 0 }
    }

    /// Puts bytes there and gives their address.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        assert!(self.used + bytes.len() <= 16_384);
        #[expect(unsafe_code, reason = "memory of the kernel's choosing")]
        // SAFETY: within the mapping, of which nobody else knows.
        let at = unsafe {
            let at = self.start.add(self.used);
            at.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
            at
        };
        self.used += bytes.len().next_multiple_of(8);
        u32::try_from(at.addr()).expect("below 4 GiB")
    }

    fn put_words(&mut self, words: &[u32]) -> u32 {
        let bytes: Vec<u8> = words.iter().flat_map(|word| word.to_ne_bytes()).collect();
        self.put(&bytes)
    }
}

/// Makes a system call through `int 0x80`.
fn call32(number: u32, [a, b, c]: [u32; 3]) -> i32 {
    let result: i32;
    #[expect(unsafe_code, reason = "the instruction is the test")]
    // SAFETY: the kernel keeps every register but the first, and r8 to r11, which are said to change.
    unsafe {
        std::arch::asm!(
            "xchg {b:r}, rbx",
            "int 0x80",
            "xchg {b:r}, rbx",
            b = inout(reg) u64::from(a) => _,
            inlateout("eax") number => result,
            in("ecx") b,
            in("edx") c,
            in("esi") 0,
            in("edi") 0,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result
}

fn is_32(it: &Called) -> bool {
    it.header.flags & ABI_I386 != 0
}

#[test]
fn files_of_32_bit_calls_have_their_names_and_bytes() {
    let (_directory, place) = place();
    let path = place.join("file");
    let recorded = record(|| {
        let mut low = Low::new();
        let name = low.put(c_path(&path).as_bytes_with_nul());
        let fd = call32(nr32::OPEN, [name, 0o102, 0o600]);
        assert!(fd >= 0, "{fd}");
        let fd = fd.unsigned_abs();
        let bytes = low.put(b"thirty-two");
        assert_eq!(call32(nr32::WRITE, [fd, bytes, 10]), 10);
        assert_eq!(call32(nr32::READ, [fd, bytes, 10]), 0);
        assert_eq!(call32(nr32::CLOSE, [fd, 0, 0]), 0);
        assert_eq!(call32(nr32::UNLINK, [name, 0, 0]), 0);
    });
    let name = text(&path);
    let opens = recorded.own(Kind::Open);
    let open = opens.iter().find(|it| it.base == name).expect("the open");
    assert!(is_32(open) && open.call.nr == nr::OPEN && open.call.args[1..3] == [0o102, 0o600]);
    let unlink = recorded.only(own(), nr::UNLINK);
    assert!(is_32(unlink));
    assert_eq!((unlink.name(), unlink.call.result, &unlink.entered), (name.clone(), 0, &name));
    assert_eq!(recorded.totals_of(own(), &path), [(0, 10)]);
}

#[test]
fn sockets_of_32_bit_calls_are_told() {
    let (_directory, place) = place();
    let path = place.join("socket");
    let _listener = std::os::unix::net::UnixListener::bind(&path).expect("a listener");
    let recorded = record(|| {
        let mut low = Low::new();
        let raw = low.put_words(&[2, 3, 1]);
        assert!(call32(nr32::SOCKETCALL, [1, raw, 0]) >= 0);
        let unix = low.put_words(&[1, 1, 0]);
        let fd = call32(nr32::SOCKETCALL, [1, unix, 0]);
        let address = [&[1, 0], c_path(&path).as_bytes_with_nul()].concat();
        let address = (low.put(&address), address.len() as u32);
        let connect = low.put_words(&[fd.unsigned_abs(), address.0, address.1]);
        assert_eq!(call32(nr32::SOCKETCALL, [3, connect, 0]), 0);
    });
    let socket = recorded.only(own(), nr::SOCKET);
    assert!(is_32(socket));
    assert_eq!((socket.kind, &socket.call.args[..3]), (Kind::Socket, &[2, 3, 1][..]));
    let connect = recorded.only(own(), nr::CONNECT);
    assert!(is_32(connect));
    assert_eq!((connect.base.as_str(), connect.call.result), (text(&path).as_str(), 0));
}

#[test]
fn arguments_that_32_bit_calls_have_elsewhere_are_put_in_their_places() {
    let (_directory, place) = place();
    let path = place.join("file");
    std::fs::write(&path, "").expect("a file");
    let recorded = record(|| {
        let mut low = Low::new();
        let name = low.put(c_path(&path).as_bytes_with_nul());
        // Four GiB and two bytes: low word, high word.
        assert_eq!(call32(nr32::TRUNCATE64, [name, 2, 1]), 0);
        assert!(call32(nr32::UMOUNT, [name, 0xDEAD, 0]) < 0);
        // address, length, protection, flags, descriptor, offset
        let map = low.put_words(&[0, 4096, 7, 0x22, u32::MAX, 0]);
        assert_ne!(call32(nr32::MMAP, [map, 0, 0]), -14);
    });
    let size = recorded.only(own(), nr::TRUNCATE);
    assert_eq!((&size.path, size.call.args[1]), (&text(&path), (4 << 30) + 2));
    let umount = recorded.only(own(), nr::UMOUNT2);
    assert_eq!((&umount.path, umount.call.args[1]), (&text(&path), 0));
    assert_eq!(recorded.only(own(), nr::MMAP).call.args[..4], [0, 4096, 7, 0x22]);
}

#[test]
fn ids_of_32_bit_calls_are_those_after_the_call() {
    let mut pid = 0;
    let recorded = record(|| pid = in_child(|| assert_eq!(call32(nr32::SETRESUID, [7, 8, 9]), 0)));
    let it = recorded.only(pid, nr::SETRESUID);
    assert!(is_32(it));
    let now = it.credentials.expect("credentials");
    assert_eq!((it.kind, now.uid, now.euid, now.suid), (Kind::Privilege, 7, 8, 9));
}

#[test]
fn what_a_32_bit_vector_prints_on_a_terminal_is_kept() {
    let pty = nix::pty::openpty(None, None).expect("a terminal");
    let recorded = record(|| {
        let mut low = Low::new();
        let (one, two) = (low.put(b"one "), low.put(b"two"));
        let vector = low.put_words(&[one, 4, two, 3]);
        let fd = std::os::fd::AsRawFd::as_raw_fd(&pty.slave).unsigned_abs();
        assert_eq!(call32(nr32::WRITEV, [fd, vector, 2]), 7);
    });
    let printed = recorded.pick(own(), |what| match what {
        support::What::Terminal { bytes, .. } => Some(bytes.clone()),
        _ => None,
    });
    assert_eq!(printed, [b"one two".to_vec()]);
}

#[test]
fn at_level_full_a_32_bit_call_keeps_its_own_number() {
    let group = support::Group::make("taffrail-i386");
    let mut pid = 0;
    let recorded = support::record_live(|probes| {
        probes.set_level(group.id(), taffrail_probes::abi::level::Level::Full).expect("level full");
        pid = in_child(|| {
            group.enter();
            assert!(call32(nr32::GETPID, [1, 2, 3]) > 0);
        });
    });
    let calls: Vec<(u16, Syscall)> = recorded
        .of(pid)
        .filter_map(|event| match event.what {
            support::What::Syscall(call) => Some((event.header.flags, call)),
            _ => None,
        })
        .collect();
    let (_, it) = calls.iter().find(|(flags, _)| flags & ABI_I386 != 0).expect("the 32-bit call");
    assert_eq!((it.nr, &it.args[..3], it.result), (nr32::GETPID, &[1, 2, 3][..], pid.into()));
}
