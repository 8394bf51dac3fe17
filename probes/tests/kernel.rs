//! System calls that ask the kernel itself for something.

mod support;

use nix::libc;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, fork, pause};
use support::{Recorded, call, in_child, record};
use taffrail_probes::abi::{Kind, call::nr};

/// Records a child that does this.
fn record_child(action: impl FnOnce()) -> (Recorded, u32) {
    let mut pid = 0;
    let recorded = record(|| pid = in_child(action));
    for it in recorded.calls(pid) {
        assert!(it.kind != Kind::Kernel || it.credentials.is_none());
    }
    (recorded, pid)
}

#[test]
fn a_file_in_memory_is_told_with_its_name() {
    let (recorded, pid) = record_child(|| {
        assert!(call(nr::MEMFD_CREATE, &[&c"payload", &1]) >= 0);
    });
    let it = recorded.only(pid, nr::MEMFD_CREATE);
    assert_eq!((it.kind, &it.data[..]), (Kind::Kernel, &b"payload"[..]));
}

#[test]
fn memory_is_told_only_where_it_is_writable_and_executable() {
    let (recorded, pid) = record_child(|| {
        let map = |protection: i32| {
            call(nr::MMAP, &[&0, &4096, &protection, &(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS), &-1, &0])
        };
        let (plain, both) = (map(3), map(7));
        assert!(plain > 0 && both > 0);
        for protection in [1, 5, 7] {
            assert_eq!(call(nr::MPROTECT, &[&plain, &4096, &protection]), 0);
        }
    });
    assert_eq!(recorded.only(pid, nr::MMAP).call.args[2], 7);
    let it = recorded.only(pid, nr::MPROTECT);
    assert_eq!((it.call.args[2], it.call.result), (7, 0));
}

#[test]
fn a_mapping_of_a_file_that_may_run_is_told_with_the_file() {
    let (_directory, place) = support::place();
    let path = place.join("library");
    std::fs::write(&path, [0; 4096]).expect("a file");
    let file = std::fs::File::open(&path).expect("the file");
    let (recorded, pid) = record_child(|| {
        assert!(call(nr::MMAP, &[&0, &4096, &7, &libc::MAP_PRIVATE, &file, &0]) > 0);
    });
    assert_eq!(recorded.only(pid, nr::MMAP).base, support::text(&path));
}

#[test]
fn whoever_reaches_into_another_process_is_told_with_its_number() {
    const PTRACE_ATTACH: u32 = 16;
    const PTRACE_PEEKDATA: u32 = 2;
    const PTRACE_DETACH: u32 = 17;
    static TARGET: [u8; 8] = [1; 8];
    #[expect(unsafe_code, reason = "a process to reach into")]
    // SAFETY: the child only waits.
    let victim = match unsafe { fork() }.expect("a fork") {
        ForkResult::Child => loop {
            pause();
        },
        ForkResult::Parent { child } => child,
    };
    let number = u64::from(victim.as_raw().unsigned_abs());
    let (recorded, pid) = record_child(|| {
        assert_eq!(call(nr::PTRACE, &[&PTRACE_ATTACH, &number, &0, &0]), 0);
        waitpid(Pid::from_raw(victim.as_raw()), None).expect("it stops");
        let mut word = [0_u8; 8];
        assert_eq!(call(nr::PTRACE, &[&PTRACE_PEEKDATA, &number, &TARGET.as_ptr().addr(), &&mut word[..]]), 0);
        assert_eq!(call(nr::PTRACE, &[&PTRACE_DETACH, &number, &0, &0]), 0);
        // struct iovec: where from, how much; and where to
        let (bytes, mut stack) = ([7_u8; 8], [0_u8; 8]);
        let from = [bytes.as_ptr() as u64, 8];
        let to = [stack.as_mut_ptr() as u64, 8];
        let written = call(nr::PROCESS_VM_WRITEV, &[&number, &&from[..], &1, &&to[..], &1, &0]);
        assert!(written == 8 || written == -14, "{written}");
        assert_eq!(call(nr::PROCESS_VM_READV, &[&999_999_999, &&from[..], &1, &&to[..], &1, &0]), -3);
    });
    kill(victim, Signal::SIGKILL).expect("a signal");
    waitpid(victim, None).expect("its end");
    let it = recorded.only(pid, nr::PTRACE);
    assert_eq!((it.kind, &it.call.args[..2], it.call.result), (Kind::Kernel, &[16, number][..], 0));
    assert_eq!(recorded.only(pid, nr::PROCESS_VM_WRITEV).call.args[0], number);
    assert_eq!(recorded.only(pid, nr::PROCESS_VM_READV).call.result, -3);
}

#[test]
fn what_opens_the_kernel_is_told_whether_it_works_or_not() {
    const BPF_PROG_GET_NEXT_ID: u32 = 11;
    let (recorded, pid) = record_child(|| {
        let mut memory = [0_u8; 128];
        call(nr::BPF, &[&BPF_PROG_GET_NEXT_ID, &&mut memory[..], &16]);
        assert!(call(nr::USERFAULTFD, &[&1]) >= 0 || std::path::Path::new("/dev/userfaultfd").exists());
        assert!(call(nr::PERF_EVENT_OPEN, &[&0, &0, &-1, &-1, &0]) < 0);
        memory.fill(0);
        assert!(call(nr::IO_URING_SETUP, &[&1, &&mut memory[..]]) >= 0);
        // On the heap, which is there even where the kernel has no modules and does not look.
        let name = std::ffi::CString::new("no_such_module").expect("a text");
        assert!(call(nr::DELETE_MODULE, &[&name, &0o4000]) < 0);
        assert_eq!(call(nr::PERSONALITY, &[&0x0004_0000]), 0);
    });
    for number in [nr::BPF, nr::USERFAULTFD, nr::PERF_EVENT_OPEN, nr::IO_URING_SETUP, nr::PERSONALITY] {
        assert_eq!(recorded.only(pid, number).kind, Kind::Kernel);
    }
    assert_eq!(recorded.only(pid, nr::BPF).call.args[0], 11);
    assert_eq!(recorded.only(pid, nr::DELETE_MODULE).data, b"no_such_module");
}

#[test]
fn a_mount_is_told_with_what_where_and_which_kind() {
    let (_directory, place) = support::place();
    let target = support::c_path(&place);
    let (recorded, pid) = record_child(|| {
        assert_eq!(call(nr::MOUNT, &[&c"/dev/none", &c"/no/such/place", &c"ext4", &1, &0]), -2);
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNS).expect("a mount namespace");
        assert_eq!(call(nr::MOUNT, &[&c"none", &c"/", &0, &(libc::MS_REC | libc::MS_PRIVATE), &0]), 0);
        assert_eq!(call(nr::MOUNT, &[&c"scratch", &target, &c"tmpfs", &0, &0]), 0);
        assert_eq!(call(nr::UMOUNT2, &[&target, &2]), 0);
        assert!(call(nr::PIVOT_ROOT, &[&c"new", &c"old"]) < 0);
    });
    let mounts = recorded.calls_of(pid, nr::MOUNT);
    let told: Vec<_> =
        mounts.iter().map(|it| (it.path.as_str(), it.new_path.as_str(), &it.data[..], it.call.result)).collect();
    let place = support::text(&place);
    assert_eq!(
        told,
        [("/dev/none", "/no/such/place", &b"ext4"[..], -2), ("none", "/", b"", 0), ("scratch", &place, b"tmpfs", 0),]
    );
    assert_eq!(mounts[0].call.args[3], 1);
    assert_eq!(recorded.only(pid, nr::UMOUNT2).path, place);
    let it = recorded.only(pid, nr::PIVOT_ROOT);
    assert_eq!((it.path.as_str(), it.new_path.as_str()), ("new", "old"));
}
