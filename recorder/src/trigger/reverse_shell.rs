//! The rule `reverse_shell`: a shell whose standard input or output is a network socket.
//!
//! What it does not see: a shell behind a pipe or a pseudo-terminal that another process copies to a socket.

use taffrail_trace::event::{Finding, FindingSource, Image, Origin, Severity, Stdio};
use taffrail_trace::text;

const SHELLS: [&str; 10] = ["sh", "bash", "dash", "ash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh"];

/// The finding, where `image` is such a shell.
pub fn judge(image: &Image) -> Option<Finding> {
    if image.origin != Origin::Exec || !is_shell(image) {
        return None;
    }
    let names = ["stdin", "stdout"];
    let (name, socket) = names.iter().zip(&image.stdio).find(|(_, stdio)| matches!(stdio, Stdio::Inet { .. }))?;
    let message = format!("{} (pid {}) has {socket} as its {name}", text::shell_line(&image.args), image.pid);
    Some(Finding::new("reverse_shell", FindingSource::Rule, Severity::Critical, message))
}

/// By the executable's name, which the kernel walked, or by the name it was called (busybox and links to it).
fn is_shell(image: &Image) -> bool {
    let base = |path: &str| path.rsplit('/').next().map(|name| name.trim_start_matches('-').to_owned());
    let called = image.args.first().and_then(|name| base(name));
    [base(&image.exe), called].into_iter().flatten().any(|name| SHELLS.contains(&name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::event::Endpoint;
    use taffrail_trace::ids::{ExecId, ProcessId};

    fn image(exe: &str, args: &[&str], stdio: [Stdio; 2]) -> Image {
        Image {
            exec_id: ExecId(1),
            process_id: ProcessId(1),
            parent_exec_id: None,
            origin: Origin::Exec,
            time_ns: 1,
            pid: 7,
            ppid: 1,
            uid: 0,
            gid: 0,
            comm: "sh".to_owned(),
            exe: exe.to_owned(),
            credentials: None,
            namespaces: None,
            login_uid: None,
            tty: None,
            exe_file: None,
            script: None,
            environment: Vec::new(),
            entered: None,
            args: args.iter().map(|arg| (*arg).to_owned()).collect(),
            args_cut: false,
            cwd: "/".to_owned(),
            stdio: [stdio[0], stdio[1], Stdio::Unknown],
            container_id: "c".to_owned(),
            container_name: "c".to_owned(),
        }
    }

    fn inet() -> Stdio {
        let end = |port| Endpoint { addr: [127, 0, 0, 1].into(), port };
        Stdio::Inet { local: end(40_000), remote: end(4444) }
    }

    #[test]
    fn a_shell_on_a_network_socket_is_found_by_either_end_and_either_name() {
        for (exe, args, stdio) in [
            ("/bin/bash", &["bash", "-i"][..], [inet(), Stdio::Pipe]),
            ("/usr/bin/dash", &["sh"], [Stdio::Pipe, inet()]),
            ("/bin/busybox", &["-sh"], [inet(), inet()]),
            ("/bin/dash", &["[kworker/0:1]"], [inet(), inet()]),
        ] {
            let finding = judge(&image(exe, args, stdio)).expect(exe);
            assert!(finding.message.contains("127.0.0.1:4444"), "{}", finding.message);
        }
    }

    #[test]
    fn other_programs_and_other_sockets_are_left_alone() {
        assert_eq!(judge(&image("/usr/bin/nc", &["nc"], [inet(), inet()])), None);
        assert_eq!(judge(&image("/bin/sh", &["sh"], [Stdio::Socket, Stdio::Pipe])), None, "journald's unix socket");
        assert_eq!(judge(&image("/bin/sh", &["sh"], [Stdio::CharDevice, Stdio::CharDevice])), None);
    }
}
