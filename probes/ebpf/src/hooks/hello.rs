//! The first words of TLS clients, in which they name the server.

use aya_ebpf::{macros::map, maps::PerCpuArray};
use taffrail_probes_abi::{
    Kind,
    io::{Descriptor, HELLO_MAX_BYTES, Hello, Leads},
};

use crate::{
    descriptor::{self, File},
    hooks::network,
    kernel::read_user,
    record::{Memory, Record, Scratch},
};

#[map]
static HELLO_SCRATCH: PerCpuArray<Scratch> = PerCpuArray::with_max_entries(1, 0);

/// The first bytes that a client wrote: kept where they begin a TLS handshake.
#[inline(never)]
pub fn written(entry: *mut Descriptor, fd: u32, buffer: u64, moved: u64) {
    // SAFETY: map memory.
    unsafe { (*entry).leads = Leads::Nowhere as u32 };
    // A handshake record (22) of SSL 3 or TLS 1, and in it a client's hello (1).
    let Some([kind, major, _, _, _, message]) = read_user::<[u8; 6]>(buffer) else {
        return;
    };
    if kind != 22 || major != 3 || message != 1 {
        return;
    }
    let file = descriptor::file(fd as i32);
    if file == 0 {
        return;
    }
    let Some(flow_id) = network::flow_of(File::load(file).map_or(0, File::sock)) else {
        return;
    };
    let Some(record) = Record::<Hello>::begin(HELLO_SCRATCH.get_ptr_mut(0), Kind::Hello) else {
        return;
    };
    let kept = if moved < HELLO_MAX_BYTES as u64 { moved } else { HELLO_MAX_BYTES as u64 };
    let data = record.strings().push_bytes(buffer, kept, Memory::User).unwrap_or(0);
    // SAFETY: the body is in the record's memory.
    unsafe {
        let body = record.body();
        (*body).flow_id = flow_id;
        (*body).data_len = data as u16;
    }
    record.send(Kind::Hello);
}
