//! Connects that make no flow: unix sockets, and those that fail before a packet is sent.

use aya_ebpf::{
    macros::map,
    maps::{LruHashMap, PerCpuArray},
};
use taffrail_probes_abi::{
    Kind,
    call::{Call as Body, call_flags, nr},
};

use crate::{
    descriptor::{self, File},
    globals::offset,
    kernel::{current, read},
    path::walk_at,
    record::{Memory, Record, Scratch},
    socket::{self, AF_UNIX},
    sys_exit::Call,
};

#[map]
static CONNECT_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// Threads inside a connect that sent a packet, and their sockets: its failure is the flow's to tell.
#[map]
static CONNECTING: LruHashMap<u32, u64> = LruHashMap::with_max_entries(4096, 0);

/// `EINPROGRESS`, `EALREADY`, `EISCONN`, `EINTR`: nothing has failed.
const NO_FAILURE: [i64; 4] = [-115, -114, -106, -4];

/// Bytes of the longest `sockaddr` that tells something: `sockaddr_un`.
const ADDRESS_MAX: u64 = 110;

/// The running thread's connect sends a packet.
#[inline(always)]
pub fn connecting(sock: u64) {
    let tid: u32 = current().at(offset!(task_pid));
    // Without it a failure is told twice.
    let _ = CONNECTING.insert(&tid, &sock, 0);
}

/// `connect(int fd, struct sockaddr *addr, int len)` ended.
#[inline(always)]
pub fn connected(call: &Call) {
    let file = descriptor::file(call.first() as i32);
    if file == 0 {
        return;
    }
    let sock = File::load(file).map_or(0, File::sock);
    let tid: u32 = current().at(offset!(task_pid));
    // SAFETY: copied at once.
    let sent = match unsafe { CONNECTING.get(&tid) } {
        Some(sent) => *sent,
        None => 0,
    };
    if sent != 0 {
        let _ = CONNECTING.remove(&tid);
    }
    if sock == 0 || sent == sock {
        return;
    }
    if call.result == 0 {
        if socket::family(sock) == AF_UNIX {
            let _ = report(call.flags, call.args(), call.result, sock);
        }
    } else if !NO_FAILURE.contains(&call.result) {
        let mut args = call.args();
        // What the socket speaks, behind the call's own three.
        args[3] = u64::from(read::<u16>(sock + offset!(sock_protocol)));
        let _ = report(call.flags, args, call.result, 0);
    }
}

/// Reports a connect; `peer_of` is the unix socket that has one, or 0.
#[inline(never)]
pub fn report(flags: u16, args: [u64; 6], result: i64, peer_of: u64) -> Option<()> {
    let record = Record::<Body>::begin(CONNECT_SCRATCH.get_ptr_mut(0), Kind::Socket)?;
    let strings = record.strings();
    strings.flag(flags);
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).result = result;
        (*body).args = args;
        (*body).nr = nr::CONNECT;
        if peer_of == 0 {
            let len = if args[2] < ADDRESS_MAX { args[2] } else { ADDRESS_MAX };
            (*body).lens[5] = strings.push_bytes(args[1], len, Memory::User).unwrap_or(0) as u16;
        } else {
            (*body).what |= call_flags::KERNEL_PATH;
            let peer: u64 = read(peer_of + offset!(unix_peer));
            let named = peer + offset!(unix_path);
            if read::<u64>(named + offset!(path_dentry)) != 0 {
                (*body).lens[0] = walk_at(strings, named) as u16;
            }
            let address: u64 = read(peer + offset!(unix_addr));
            if address != 0 {
                let len: u32 = read(address + offset!(unix_address_len));
                let len = if u64::from(len) < ADDRESS_MAX { u64::from(len) } else { ADDRESS_MAX };
                let name = address + offset!(unix_address_name);
                (*body).lens[5] = strings.push_bytes(name, len, Memory::Kernel).unwrap_or(0) as u16;
            }
        }
    }
    record.send(Kind::Socket);
    Some(())
}
