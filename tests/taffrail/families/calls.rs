//! Privileges and the kernel itself, allowed in one container and denied in another: what failed is recorded too.

use crate::support::stage::{CAPABLE, Evidence, Said, Stage};
use serde_json::{Value, json};

/// An act, the row's operation and system call, and what its detail must contain.
type Expected = (&'static [&'static str], &'static str, &'static str, &'static str);

const PRIVILEGE: [Expected; 13] = [
    (&["setuid"], "setuid", "setuid", "uid 1000"),
    (&["setgid"], "setgid", "setgid", "gid 1001"),
    (&["setgroups"], "setgroups", "setgroups", "2 groups"),
    (&["capset"], "capset", "capset", ""),
    (&["no-new-privs"], "prctl", "prctl", "PR_SET_NO_NEW_PRIVS"),
    (&["set-name"], "prctl", "prctl", "PR_SET_NAME renamed-thread"),
    (&["securebits"], "prctl", "prctl", "PR_SET_SECUREBITS"),
    (&["unshare"], "unshare", "unshare", "CLONE_NEWUTS"),
    (&["setns"], "setns", "setns", "CLONE_NEWUTS"),
    (&["keyctl"], "keyctl", "keyctl", "KEYCTL_JOIN_SESSION_KEYRING"),
    (&["add-key"], "keyctl", "add_key", "taffrail-key"),
    (&["seccomp"], "seccomp", "seccomp", "SECCOMP_SET_MODE_FILTER"),
    (&["chroot", "/tmp"], "chroot", "chroot", "/tmp"),
];

const KERNEL: [Expected; 17] = [
    (&["memfd"], "memfd_create", "memfd_create", "taffrail-memfd"),
    (&["mmap-wx"], "mmap_wx", "mmap", "PROT_WRITE|PROT_EXEC"),
    (&["mprotect-wx"], "mprotect_wx", "mprotect", "PROT_WRITE|PROT_EXEC"),
    (&["ptrace-traceme"], "ptrace", "ptrace", "PTRACE_TRACEME"),
    (&["ptrace-attach"], "ptrace", "ptrace", "PTRACE_ATTACH"),
    (&["process-vm-writev"], "process_vm_writev", "process_vm_writev", ""),
    (&["perf-event-open"], "perf_event_open", "perf_event_open", ""),
    (&["userfaultfd"], "userfaultfd", "userfaultfd", ""),
    (&["io-uring-setup"], "io_uring_setup", "io_uring_setup", "4 entries"),
    (&["personality"], "personality", "personality", "0x40000"),
    (&["mount", "/data/mounted"], "mount", "mount", "tmpfs"),
    (&["umount", "/data/mounted"], "umount", "umount2", ""),
    (&["pivot-root"], "pivot_root", "pivot_root", ""),
    (&["bpf"], "bpf", "bpf", "BPF_MAP_CREATE"),
    (&["module"], "module_load", "finit_module", "parameter=1"),
    (&["kexec"], "kexec", "kexec_load", ""),
    (&["iopl"], "ioport", "iopl", "level 3"),
];

/// Runs every act.
fn play(stage: &Stage) -> (Vec<Said>, Vec<Said>) {
    let run = |all: &[Expected]| all.iter().map(|(act, ..)| stage.act(act)).collect();
    (run(&PRIVILEGE), run(&KERNEL))
}

/// Every act has exactly its row, whose result is what the act saw.
fn check(evidence: &Evidence, table: &str, all: &[Expected], said: &[Said]) {
    for ((act, op, syscall, detail), said) in all.iter().zip(said) {
        let mut rows = evidence.of(act[0], table);
        // A filter needs PR_SET_NO_NEW_PRIVS before.
        rows.retain(|row| row["syscall"] == *syscall);
        assert_eq!(rows.len(), 1, "{act:?}: {rows:#?}");
        let row = &rows[0];
        assert_eq!((&row["op"], &row["abi"]), (&json!(op), &json!("x86_64")), "{act:?}");
        assert_eq!(row["result"], said.number("result"), "{act:?}: {row}");
        assert!(row["detail"].as_str().is_some_and(|text| text.contains(detail)), "{act:?}: {row}");
    }
}

fn one(evidence: &Evidence, act: &str, table: &str) -> Value {
    let rows = evidence.of(act, table);
    assert_eq!(rows.len(), 1, "{act}: {rows:#?}");
    rows[0].clone()
}

#[test]
fn every_privileged_call_that_succeeds_is_a_row_with_what_it_changed() {
    let stage = Stage::new("capable", CAPABLE);
    let (privilege, kernel) = play(&stage);
    let evidence = stage.evidence();
    for said in &privilege {
        assert!(said.number("result") >= 0, "an act of a capable container was denied");
    }
    check(&evidence, "privilege", &PRIVILEGE, &privilege);
    check(&evidence, "kernel", &KERNEL, &kernel);

    assert_eq!(one(&evidence, "setuid", "privilege")["euid"], 1000);
    let (capset, row) = (&privilege[3], one(&evidence, "capset", "privilege"));
    assert_eq!(
        (&row["cap_effective"], &row["cap_permitted"]),
        (&json!(capset.number("effective")), &json!(capset.number("permitted")))
    );
    assert_eq!(evidence.of("seccomp", "privilege").len(), 2, "the filter, and what it needs");

    for (act, said) in [("ptrace-attach", &kernel[4]), ("process-vm-writev", &kernel[5])] {
        assert_eq!(one(&evidence, act, "kernel")["target_pid"], said.number("target"), "{act}");
    }
    let mount = one(&evidence, "mount", "kernel");
    assert_eq!((&mount["path"], &mount["target"]), (&json!("taffrail-tmpfs"), &json!("/data/mounted")));
    assert_eq!(one(&evidence, "umount", "kernel")["path"], "/data/mounted");
    let module = one(&evidence, "module", "kernel");
    assert_eq!((&module["path"], &module["path_source"]), (&json!("/bin/workloads"), &json!("kernel")));
}

#[test]
fn what_a_plain_container_is_denied_is_recorded_with_its_errno() {
    let stage = Stage::new("denied", &[]);
    let (privilege, kernel) = play(&stage);
    let evidence = stage.evidence();
    check(&evidence, "privilege", &PRIVILEGE, &privilege);
    check(&evidence, "kernel", &KERNEL, &kernel);
    let denied = |said: &[Said]| said.iter().filter(|said| said.number("result") < 0).count();
    assert!(denied(&privilege) >= 2, "docker denies unshare and setns by default");
    assert!(denied(&kernel) >= 6, "docker denies mounts, modules, bpf and more by default");
}
