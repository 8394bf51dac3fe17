//! UDP: packets of a cgroup's sockets, counted by socket and remote end, and DNS messages in full.
//!
//! A packet is the kernel's truth about an address, whichever system call or io_uring request sent it. Who owns the
//! socket is known since it was made; packets that arrive belong to that process.

use aya_ebpf::{
    helpers::generated,
    macros::{cgroup_skb, cgroup_sock, map},
    maps::{HashMap, LruHashMap, PerCpuArray},
    programs::{SkBuffContext, SockContext},
};
use taffrail_probes_abi::{
    Class, Header, Kind,
    counters::Cause,
    header_flags::NO_ACTOR,
    level::Level,
    network::{DNS_MAX_BYTES, Dns, FLOWS_MAX, Flow, FlowOwner, UDP_FLOWS_MAX, UdpFlow, UdpKey},
};

use crate::{
    globals::{IGNORE_TGID, global, offset},
    header::{cgroup_id, cpu, image, now},
    hooks::network::flow_id,
    kernel::{below_4_kib, current},
    level,
    output::{Fixed, add, lost, send},
    socket::{AF_INET, AF_INET6},
};

/// Who made each UDP socket, by its cookie.
#[map]
static UDP_OWNERS: LruHashMap<u64, FlowOwner> = LruHashMap::with_max_entries(FLOWS_MAX, 0);

/// Flows by socket and remote end. The host reads it, and takes out what is over.
#[map]
static UDP_FLOWS: HashMap<UdpKey, UdpFlow> = HashMap::with_max_entries(UDP_FLOWS_MAX, 0);

/// A packet goes its way.
const PASS: i32 = 1;

const SOCK_DGRAM: u32 = 2;
const IPPROTO_UDP: u8 = 17;
const IPV4_HEADER: usize = 20;
const UDP_HEADER: u32 = 8;
const DNS_PORT: u16 = 53;

/// A socket was made (`BPF_CGROUP_INET_SOCK_CREATE`, since Linux 4.10).
#[cgroup_sock(sock_create)]
pub fn sock_create(ctx: SockContext) -> i32 {
    // SAFETY: the context is the kernel's `struct bpf_sock`.
    let kind = unsafe { (*ctx.sock).type_ };
    if kind != SOCK_DGRAM {
        return PASS;
    }
    let task = current();
    let now = now();
    let mut owner = FlowOwner {
        flow_id: 0,
        start_ns: now,
        cgroup_id: cgroup_id(task),
        image: image(task),
        tid: task.at(offset!(task_pid)),
        ..FlowOwner::default()
    };
    if let Some(credentials) = task.follow(offset!(task_cred)) {
        owner.uid = credentials.at(offset!(cred_uid));
        owner.gid = credentials.at(offset!(cred_gid));
    }
    let comm: [u64; 2] = [task.at(offset!(task_comm)), task.at(offset!(task_comm) + 8)];
    // SAFETY: sixteen bytes each; the context is a socket's.
    let cookie = unsafe {
        owner.comm = core::mem::transmute::<[u64; 2], [u8; 16]>(comm);
        generated::bpf_get_socket_cookie(ctx.sock.cast())
    };
    // Without it the flow has no actor, and says so.
    let _ = UDP_OWNERS.insert(&cookie, &owner, 0);
    PASS
}

/// A packet of one of the cgroup's sockets leaves (`BPF_CGROUP_INET_EGRESS`, since Linux 4.10).
#[cgroup_skb(egress)]
pub fn udp_egress(ctx: SkBuffContext) -> i32 {
    let _ = packet(&ctx, false);
    PASS
}

/// A packet for one of the cgroup's sockets arrives (`BPF_CGROUP_INET_INGRESS`, since Linux 4.10).
#[cgroup_skb(ingress)]
pub fn udp_ingress(ctx: SkBuffContext) -> i32 {
    let _ = packet(&ctx, true);
    PASS
}

/// The first byte of a packet, and the protocol that follows its IP header; extension headers are not followed. As plain
/// loads: most packets are TCP's, and every one of them comes here.
#[inline(always)]
fn beginning(ctx: &SkBuffContext) -> Option<(u8, u8)> {
    // SAFETY: the context is the kernel's `struct __sk_buff`.
    let (start, end) = unsafe { ((*ctx.skb.skb).data as usize, (*ctx.skb.skb).data_end as usize) };
    if start + IPV4_HEADER > end {
        return None;
    }
    let packet = start as *const u8;
    // SAFETY: the verifier saw the comparison.
    unsafe {
        let version = *packet;
        match version >> 4 {
            4 => Some((version, *packet.add(9))),
            6 => Some((version, *packet.add(6))),
            _ => None,
        }
    }
}

/// The packet begins with its IP header.
#[inline(always)]
fn packet(ctx: &SkBuffContext, received: bool) -> Option<()> {
    let (version, protocol) = beginning(ctx)?;
    if protocol != IPPROTO_UDP {
        return None;
    }
    let (family, udp_at) = match version >> 4 {
        4 => (u32::from(AF_INET), u32::from(version & 15) * 4),
        _ => (u32::from(AF_INET6), 40),
    };
    let mut key = UdpKey { family, ..UdpKey::default() };
    let (source, destination) = if received {
        (&mut key.remote_addr, &mut key.local_addr)
    } else {
        (&mut key.local_addr, &mut key.remote_addr)
    };
    if family == u32::from(AF_INET) {
        // A later fragment has no UDP header.
        if u16::from_be(ctx.load(6).ok()?) & 0x1FFF != 0 {
            return None;
        }
        source[..4].copy_from_slice(&ctx.load::<[u8; 4]>(12).ok()?);
        destination[..4].copy_from_slice(&ctx.load::<[u8; 4]>(16).ok()?);
    } else {
        *source = ctx.load(8).ok()?;
        *destination = ctx.load(24).ok()?;
    }
    let [from, to, len, _]: [u16; 4] = ctx.load(udp_at as usize).ok()?;
    let (from, to) = (u16::from_be(from), u16::from_be(to));
    (key.local_port, key.remote_port) = if received { (to, from) } else { (from, to) };
    let bytes = u64::from(u16::from_be(len)).saturating_sub(u64::from(UDP_HEADER));
    // SAFETY: the context is a packet's.
    key.cookie = unsafe { generated::bpf_get_socket_cookie(ctx.skb.skb.cast()) };

    // SAFETY: the entry of a socket that is there changes no more.
    let owner = match unsafe { UDP_OWNERS.get(&key.cookie) } {
        Some(owner) => owner,
        None => nobody(ctx, received)?,
    };
    let ignored = global(&IGNORE_TGID);
    if ignored != 0 && owner.image.pid == ignored || level::of(owner.cgroup_id) == Level::Off as u32 {
        return None;
    }
    let id = match flow(&key, owner, received) {
        // SAFETY: map memory.
        Some(flow) => unsafe {
            (*flow).last_ns = now();
            add(if received { &raw mut (*flow).bytes_received } else { &raw mut (*flow).bytes_sent }, bytes);
            (*flow).flow_id
        },
        None => {
            lost(owner.cgroup_id, Class::Vital, Cause::FlowTableFull);
            0
        }
    };
    if from == DNS_PORT || to == DNS_PORT {
        dns(ctx, &key, owner, id, udp_at + UDP_HEADER, received, bytes as u16);
    }
    Some(())
}

/// Who owns sockets from before the recorder, one for each direction: see [`MESSAGES`].
#[map]
static NOBODY: PerCpuArray<[FlowOwner; 2]> = PerCpuArray::with_max_entries(1, 0);

/// The owner of a socket from before the recorder: its cgroup is all that is known.
#[inline(always)]
fn nobody(ctx: &SkBuffContext, received: bool) -> Option<&'static FlowOwner> {
    let owners = NOBODY.get_ptr_mut(0)?;
    // SAFETY: map memory of this CPU; the context is a packet's.
    unsafe {
        let owner = owners.cast::<FlowOwner>().add(usize::from(received));
        (*owner).cgroup_id = generated::bpf_skb_cgroup_id(ctx.skb.skb);
        Some(&*owner)
    }
}

/// The flow of a packet; tells of one that is new.
#[inline(never)]
fn flow(key: &UdpKey, owner: &FlowOwner, received: bool) -> Option<*mut UdpFlow> {
    if let Some(flow) = UDP_FLOWS.get_ptr_mut(key) {
        return Some(flow);
    }
    let now = now();
    let flow = UdpFlow {
        flow_id: flow_id(key.cookie ^ u64::from(key.remote_port) << 40, now),
        last_ns: now,
        ..UdpFlow::default()
    };
    let inserted = UDP_FLOWS.insert(key, &flow, u64::from(aya_ebpf::bindings::BPF_NOEXIST));
    if inserted.is_ok() {
        let kind = if received { Kind::Accept } else { Kind::Connect };
        let body = Flow {
            flow_id: flow.flow_id,
            start_ns: now,
            local_addr: key.local_addr,
            remote_addr: key.remote_addr,
            local_port: key.local_port,
            remote_port: key.remote_port,
            family: key.family as u16,
            begun_as: kind as u16,
            protocol: u16::from(IPPROTO_UDP),
            ..Flow::default()
        };
        Fixed { header: header(owner, kind, size_of::<Fixed<Flow>>(), now), body }.send(kind);
    }
    UDP_FLOWS.get_ptr_mut(key)
}

/// A header in the name of a socket's owner.
#[inline(always)]
fn header(owner: &FlowOwner, kind: Kind, len: usize, now: u64) -> Header {
    Header {
        len: len as u32,
        kind: kind as u16,
        flags: if owner.image.pid == 0 { NO_ACTOR } else { 0 },
        time_ns: now,
        cgroup_id: owner.cgroup_id,
        image: owner.image,
        tid: owner.tid,
        uid: owner.uid,
        gid: owner.gid,
        cpu: cpu(),
        comm: owner.comm,
    }
}

/// A message, its payload in an area of one size.
#[repr(C)]
struct Message {
    header: Header,
    body: Dns,
    payload: [u8; DNS_MAX_BYTES],
}

/// Built here because a packet can come in the middle of another one on the same CPU.
#[map]
static MESSAGES: PerCpuArray<[Message; 2]> = PerCpuArray::with_max_entries(1, 0);

#[inline(always)]
fn dns(ctx: &SkBuffContext, key: &UdpKey, owner: &FlowOwner, flow_id: u64, at: u32, received: bool, bytes: u16) {
    let Some(messages) = MESSAGES.get_ptr_mut(0) else {
        return;
    };
    let kept = if (bytes as usize) < DNS_MAX_BYTES { bytes } else { DNS_MAX_BYTES as u16 };
    if kept == 0 {
        return;
    }
    // SAFETY: map memory of this CPU: one for each direction.
    unsafe {
        let message = messages.cast::<Message>().add(usize::from(received));
        (*message).header = header(owner, Kind::Dns, size_of::<Message>(), now());
        (*message).body = Dns {
            flow_id,
            local_addr: key.local_addr,
            remote_addr: key.remote_addr,
            local_port: key.local_port,
            remote_port: key.remote_port,
            family: key.family as u16,
            received: u16::from(received),
            bytes,
            data_len: kept,
            pad: [0; 2],
        };
        let to = (&raw mut (*message).payload).cast::<u8>();
        // The mask changes nothing; behind it the compiler leaves the comparison for the verifier to see. One more than
        // a number that may be zero is not zero, which older verifiers do not learn from a comparison.
        let less = below_4_kib(u64::from(kept) - 1);
        if less >= DNS_MAX_BYTES as u64 {
            return;
        }
        let size = less + 1;
        if generated::bpf_skb_load_bytes(ctx.skb.skb.cast(), at, to.cast(), size as u32) != 0 {
            return;
        }
        let record = core::slice::from_raw_parts(message.cast::<u8>(), size_of::<Message>());
        send(Kind::Dns, record, owner.cgroup_id);
    }
}
