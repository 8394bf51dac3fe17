//! TCP flows: begun, answered, ended.

use aya_ebpf::{
    macros::{map, raw_tracepoint},
    maps::HashMap,
    programs::RawTracePointContext,
};
use taffrail_probes_abi::{
    Class, Header, Kind,
    counters::Cause,
    level::Level,
    network::{FLOWS_MAX, Flow, FlowOwner},
};

use crate::{
    descriptor::{self, File},
    globals::offset,
    header::{cpu, now},
    hooks::unix,
    kernel::read,
    level, output,
    output::Fixed,
    socket,
};

/// Open flows and their owners, by the address of their `struct sock`.
#[map]
static FLOWS: HashMap<u64, FlowOwner> = HashMap::with_max_entries(FLOWS_MAX, 0);

const IPPROTO_TCP: u16 = 6;

/// TCP states, the kernel's numbering.
const ESTABLISHED: u32 = 1;
const SYN_SENT: u32 = 2;
const SYN_RECV: u32 = 3;
const CLOSE: u32 = 7;
const LISTEN: u32 = 10;

/// Bit of `sock.sk_flags`: a FIN was received (enum `sock_flags`).
const SOCK_DONE: u32 = 1;

type FlowRecord = Fixed<Flow>;

/// `inet_sock_set_state(const struct sock *sk, const int oldstate, const int newstate)`, since Linux 4.16
#[raw_tracepoint(tracepoint = "inet_sock_set_state")]
pub fn inet_sock_set_state(ctx: RawTracePointContext) -> u32 {
    let sock: u64 = ctx.arg(0);
    let old: u32 = ctx.arg(1);
    let new: u32 = ctx.arg(2);
    if !is_tcp(sock) {
        return 0;
    }
    match (old, new) {
        (CLOSE, SYN_SENT) => begin(sock, Kind::Connect, old),
        (CLOSE, LISTEN) => begin(sock, Kind::Listen, old),
        (SYN_SENT | SYN_RECV, ESTABLISHED) => established(sock, old),
        (_, CLOSE) => end(sock, old),
        _ => {}
    }
    0
}

/// `accept` gave a descriptor.
#[inline(always)]
pub fn accepted(result: i64) {
    let file = descriptor::file(result as i32);
    if file != 0 {
        accepted_file(file);
    }
}

/// `accept` gave the file at an address.
#[inline(always)]
pub fn accepted_file(file: u64) {
    let sock = File::load(file).map_or(0, File::sock);
    if sock == 0 || !is_tcp(sock) || !socket::is_internet(socket::family(sock)) {
        return;
    }
    begin(sock, Kind::Accept, u32::from(state(sock)));
    // It may have been closed before its owner was known. If it closes now on another CPU, one of the two ends it.
    if u32::from(state(sock)) == CLOSE {
        end(sock, CLOSE);
    }
}

/// Whether a socket (or 0) is that of a TCP client.
#[inline(always)]
pub fn is_client(sock: u64) -> bool {
    if sock == 0 {
        return false;
    }
    // SAFETY: copied at once.
    unsafe { FLOWS.get(&sock) }.is_some_and(|owner| owner.begun_as == Kind::Connect as u32)
}

/// The flow of a socket.
#[inline(always)]
pub fn flow_of(sock: u64) -> Option<u64> {
    // SAFETY: copied at once.
    unsafe { FLOWS.get(&sock) }.map(|owner| owner.flow_id)
}

#[inline(always)]
fn is_tcp(sock: u64) -> bool {
    read::<u16>(sock + offset!(sock_protocol)) == IPPROTO_TCP
}

#[inline(always)]
fn state(sock: u64) -> u8 {
    read(sock + offset!(sock_state))
}

/// Remembers the running task as the owner and reports the beginning.
#[inline(never)]
fn begin(sock: u64, kind: Kind, old_state: u32) {
    let mut record = FlowRecord::new(kind, Flow::default());
    if level::of(record.header.cgroup_id) == Level::Off as u32 {
        return;
    }
    if let Kind::Connect = kind {
        unix::connecting(sock);
    }
    let header = &record.header;
    let owner = FlowOwner {
        flow_id: flow_id(sock, header.time_ns),
        start_ns: header.time_ns,
        cgroup_id: header.cgroup_id,
        image: header.image,
        tid: header.tid,
        uid: header.uid,
        gid: header.gid,
        begun_as: kind as u32,
        comm: header.comm,
    };
    if FLOWS.insert(&sock, &owner, 0).is_err() {
        output::lost(owner.cgroup_id, Class::Vital, Cause::FlowTableFull);
    }
    fill(&mut record.body, sock, &owner, old_state);
    record.send(kind);
}

/// Reports that a connect was answered, in whatever context that happens.
#[inline(never)]
fn established(sock: u64, old_state: u32) {
    // SAFETY: the entry is copied at once; it is deleted only when this socket closes.
    let Some(owner) = (unsafe { FLOWS.get(&sock) }).copied() else {
        return;
    };
    if owner.begun_as == Kind::Connect as u32 {
        report(sock, Kind::Established, &owner, old_state);
    }
}

/// Reports the end and forgets the owner.
#[inline(never)]
fn end(sock: u64, old_state: u32) {
    // SAFETY: the entry is copied at once, and whoever deletes it is the one to report.
    let Some(owner) = (unsafe { FLOWS.get(&sock) }).copied() else {
        return;
    };
    if FLOWS.remove(&sock).is_ok() {
        report(sock, Kind::FlowEnd, &owner, old_state);
    }
}

/// Writes a record in the owner's name.
#[inline(always)]
fn report(sock: u64, kind: Kind, owner: &FlowOwner, old_state: u32) {
    let mut record = FlowRecord {
        header: Header {
            len: size_of::<FlowRecord>() as u32,
            kind: kind as u16,
            flags: 0,
            time_ns: now(),
            cgroup_id: owner.cgroup_id,
            image: owner.image,
            tid: owner.tid,
            uid: owner.uid,
            gid: owner.gid,
            cpu: cpu(),
            comm: owner.comm,
        },
        body: Flow::default(),
    };
    fill(&mut record.body, sock, owner, old_state);
    if let Kind::FlowEnd = kind {
        let sent: u64 = read(sock + offset!(tcp_bytes_sent));
        let again: u64 = read(sock + offset!(tcp_bytes_retrans));
        let received: u64 = read(sock + offset!(tcp_bytes_received));
        let flags: u64 = read(sock + offset!(sock_flags));
        record.body.bytes_sent = sent.wrapping_sub(again);
        // The kernel counts a FIN as one byte.
        record.body.bytes_received = received.saturating_sub(flags >> SOCK_DONE & 1);
        record.body.error = read(sock + offset!(sock_err));
    }
    record.send(kind);
}

/// What every record of a flow tells.
#[inline(always)]
fn fill(flow: &mut Flow, sock: u64, owner: &FlowOwner, old_state: u32) {
    let family = socket::family(sock);
    flow.flow_id = owner.flow_id;
    flow.start_ns = owner.start_ns;
    flow.begun_as = owner.begun_as as u16;
    flow.old_state = old_state;
    flow.protocol = IPPROTO_TCP;
    flow.family = family;
    (flow.local_port, flow.remote_port) = socket::ports(sock);
    // SAFETY: two arrays of 16 bytes on the stack.
    unsafe { socket::addresses(sock, family, flow.local_addr.as_mut_ptr(), flow.remote_addr.as_mut_ptr()) };
}

/// The socket's address alone comes again when its memory is used again; with the time it does not.
#[inline(always)]
pub fn flow_id(sock: u64, start_ns: u64) -> u64 {
    (sock ^ start_ns.rotate_left(32)).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ start_ns
}
