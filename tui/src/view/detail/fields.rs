//! The fields of an event's own table.

use super::{Pairs, Sheet, moment, powers};
use crate::state::recording::{Body, Call, Dns, Event, File, Flow, Gap, Io, Recording, Terminal};
use crate::state::words;
use crate::view::text::wrap_lines;
use ratatui::text::Line;

impl Sheet {
    /// The fields of the event's own table. A row that is not there cannot come from Draft; it shows as nothing.
    pub(super) fn own(&mut self, recording: &Recording, event: &Event) {
        match event.body {
            Body::Start(_) | Body::End(_) => {}
            Body::File(at) => recording.files.get(at as usize).into_iter().for_each(|row| self.file(recording, row)),
            Body::Io(at) => recording.ios.get(at as usize).into_iter().for_each(|row| self.io(recording, row)),
            Body::FlowBegin(at) | Body::FlowEnd(at) => {
                recording.flows.get(at as usize).into_iter().for_each(|row| self.flow(recording, row));
            }
            Body::Dns(at) => recording.messages.get(at as usize).into_iter().for_each(|row| self.dns(recording, row)),
            Body::Privilege(at) | Body::Kernel(at) => {
                recording.calls.get(at as usize).into_iter().for_each(|row| self.call(recording, row));
            }
            Body::Terminal(at) => {
                recording.terminal.get(at as usize).into_iter().for_each(|row| self.terminal(recording, row));
            }
            Body::Lifecycle(at) => {
                let Some(moment) = recording.moments.get(at as usize) else { return };
                self.field("cgroup", recording.text(moment.cgroup));
            }
            Body::Finding(at) => {
                let Some(finding) = recording.findings.get(at as usize) else { return };
                let text = |sym| recording.text(sym).to_owned();
                let mut pairs = vec![("rule", text(finding.rule)), ("severity", text(finding.severity))];
                pairs.extend(finding.source.map(|source| ("said by", text(source))));
                pairs.extend(finding.techniques.map(|techniques| ("ATT&CK", text(techniques))));
                self.pairs("finding", &pairs);
            }
            Body::Gap(at) => recording.gaps.get(at as usize).into_iter().for_each(|row| self.gap(recording, row)),
        }
    }

    fn file(&mut self, recording: &Recording, file: &File) {
        let text = |sym| recording.text(sym).to_owned();
        let mut pairs = vec![("op", text(file.op)), ("path from", text(file.source))];
        pairs.extend(Some(("flags", text(file.flags))).filter(|(_, flags)| !flags.is_empty()));
        pairs.push(("result", file.result.map_or_else(|| "never known".to_owned(), |code| result(i64::from(code)))));
        pairs.extend(file.mode.map(|mode| ("mode", format!("{mode:04o}"))));
        pairs.extend(file.given.map(|given| ("given", text(given))));
        pairs.extend(file.fd.map(|fd| ("fd", fd.to_string())));
        pairs.extend(file.inode.map(|inode| ("inode", inode.to_string())));
        pairs.extend(file.other_mounts.then(|| ("path in", "another mount namespace".to_owned())));
        pairs.extend(unusual(recording.text_of(file.abi)));
        self.field("path", recording.text(file.path));
        for (label, sym) in [("new path", file.new_path), ("began as", file.rewritten_from)] {
            if let Some(sym) = sym {
                self.field(label, recording.text(sym));
            }
        }
        self.pairs("file", &pairs);
    }

    fn io(&mut self, recording: &Recording, io: &Io) {
        let mut pairs = vec![("read", words::bytes(io.read)), ("wrote", words::bytes(io.written))];
        pairs.push(("file", if io.closed { "closed" } else { "still open" }.to_owned()));
        pairs.extend(io.fd.map(|fd| ("fd", fd.to_string())));
        pairs.extend(io.inode.map(|inode| ("inode", inode.to_string())));
        self.field("path", recording.text(io.path));
        self.pairs("io", &pairs);
    }

    fn flow(&mut self, recording: &Recording, flow: &Flow) {
        let text = |sym| recording.text(sym).to_owned();
        let bytes = |count: Option<u64>| count.map_or_else(|| "not known yet".to_owned(), words::bytes);
        let mut pairs = vec![("op", text(flow.op)), ("protocol", text(flow.protocol))];
        pairs.extend(Some(("local", text(flow.local))).filter(|(_, local)| !local.is_empty()));
        pairs.extend(flow.remote.map(|remote| ("remote", text(remote))));
        pairs.extend(flow.server_name.map(|name| ("server name", text(name))));
        pairs.push(("result", result(i64::from(flow.result))));
        pairs.extend(Some(("from", text(flow.source))).filter(|(_, source)| source == "user"));
        let Some(flow_id) = flow.flow_id else {
            self.pairs("socket", &pairs);
            return;
        };
        pairs.push(("start", moment(recording, flow.start)));
        pairs.push(("end", flow.end.map_or_else(|| "still open".to_owned(), |end| moment(recording, end))));
        pairs.extend([("sent", bytes(flow.sent)), ("received", bytes(flow.received))]);
        pairs.push(("flow_id", flow_id.to_string()));
        self.pairs("flow", &pairs);
    }

    fn dns(&mut self, recording: &Recording, message: &Dns) {
        let text = |sym| recording.text(sym).to_owned();
        let mut pairs = vec![("op", text(message.op)), ("type", text(message.qtype))];
        pairs.extend(message.rcode.map(|rcode| ("code", text(rcode))));
        pairs.extend([("local", text(message.local)), ("remote", text(message.remote))]);
        pairs.extend(message.id.map(|id| ("id", format!("{id:04x}"))));
        pairs.extend(message.flow_id.map(|id| ("flow_id", id.to_string())));
        self.field("name", recording.text(message.name));
        if !recording.text(message.answers).is_empty() {
            self.field("answers", recording.text(message.answers));
        }
        self.pairs("dns", &pairs);
    }

    fn call(&mut self, recording: &Recording, call: &Call) {
        let text = |sym| recording.text(sym).to_owned();
        let mut pairs: Pairs = vec![("op", text(call.op)), ("syscall", text(call.syscall))];
        pairs.push(("result", result(call.result)));
        pairs.extend(call.source.map(|source| ("path from", text(source))));
        pairs.extend(call.target_pid.map(|pid| ("target pid", pid.to_string())));
        pairs.extend(call.euid.map(|euid| ("euid after", euid.to_string())));
        pairs.extend(unusual(Some(recording.text(call.abi))));
        for (label, sym) in [("path", call.path), ("target", call.target)] {
            if let Some(sym) = sym {
                self.field(label, recording.text(sym));
            }
        }
        self.pairs("call", &pairs);
        if let Some(set) = call.capabilities {
            self.field("after it", &powers(set));
        }
    }

    /// The text as lines, each made safe: a bundle that lies has anything in it.
    fn terminal(&mut self, recording: &Recording, row: &Terminal) {
        let mut pairs = vec![("bytes", words::count(row.bytes))];
        pairs.extend(row.cut.then(|| ("text", "not all of it was kept".to_owned())));
        pairs.extend(row.fd.map(|fd| ("fd", fd.to_string())));
        pairs.extend(row.session.map(|session| ("session", session.to_string())));
        self.pairs("terminal", &pairs);
        let lines = wrap_lines(recording.text(row.text), self.width.saturating_sub(2));
        self.lines.extend(lines.into_iter().map(|line| Line::from(format!("| {line}"))));
    }

    fn gap(&mut self, recording: &Recording, gap: &Gap) {
        let text = |sym| recording.text(sym).to_owned();
        let lost = gap.lost.map_or_else(|| "unknown".to_owned(), words::count);
        let own = if gap.own { "this container" } else { "any container" };
        let pairs = vec![
            ("class", text(gap.class)),
            ("cause", text(gap.cause)),
            ("lost", lost),
            ("of", own.to_owned()),
            ("from", moment(recording, gap.from)),
            ("to", moment(recording, gap.to)),
        ];
        self.pairs("gap", &pairs);
    }
}

/// The way a call was made, where it is not the way of 64-bit programs.
fn unusual(abi: Option<&str>) -> Option<(&'static str, String)> {
    abi.filter(|abi| !matches!(*abi, "" | "x86_64")).map(|abi| ("made as", abi.to_owned()))
}

fn result(result: i64) -> String {
    match (result, words::errno(result)) {
        (0, _) => "ok".to_owned(),
        (_, Some(name)) => format!("{name} ({result})"),
        (_, None) => result.to_string(),
    }
}
