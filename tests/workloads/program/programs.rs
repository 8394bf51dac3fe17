//! The kernel programs (eBPF) that are loaded: their names, and counting what they cost.

use crate::act::{Act, Args, Told};
use crate::sys::{self, nr};
use std::io::{self, Read as _, Write as _};

pub const ACTS: &[Act] = &[("bpf-names", names), ("bpf-stats", count)];

/// Commands of `bpf`.
mod command {
    pub const PROG_GET_FD_BY_ID: usize = 13;
    pub const PROG_GET_NEXT_ID: usize = 11;
    pub const OBJ_GET_INFO_BY_FD: usize = 15;
    pub const ENABLE_STATS: usize = 32;
}

/// Makes a `bpf` call; the kernel may write to the attributes.
fn bpf(command: usize, attributes: &mut [u32; 4]) -> isize {
    // SAFETY: the attributes are as long as is said; of the commands here only OBJ_GET_INFO_BY_FD has a pointer in
    // them, to a buffer of the length that stands beside it.
    unsafe { sys::call(nr::BPF, [command, attributes.as_mut_ptr() as usize, size_of_val(attributes)]) }
}

/// `bpf-names`: one word `id=name` for every loaded program.
fn names(_: &Args) -> Told {
    let (mut line, mut id) = (String::new(), 0);
    loop {
        let mut next = [id, 0, 0, 0];
        if bpf(command::PROG_GET_NEXT_ID, &mut next) != 0 {
            break;
        }
        id = next[1];
        let fd = bpf(command::PROG_GET_FD_BY_ID, &mut [id, 0, 0, 0]);
        if fd < 0 {
            // It was unloaded meanwhile.
            continue;
        }
        // `struct bpf_prog_info` up to its name, which is 16 bytes at 64.
        let mut info = [0u8; 80];
        let address = info.as_mut_ptr() as usize as u64;
        let mut asked = [fd as u32, info.len() as u32, address as u32, (address >> 32) as u32];
        sys::need("BPF_OBJ_GET_INFO_BY_FD", bpf(command::OBJ_GET_INFO_BY_FD, &mut asked))?;
        sys::close(fd as usize);
        let name: Vec<u8> = info[64..].iter().copied().take_while(|byte| *byte != 0).collect();
        line.push_str(&format!("{id}={} ", String::from_utf8_lossy(&name)));
    }
    Ok(line.trim_end().to_owned())
}

/// `bpf-stats`: the kernel counts the runs of every program and their time until this program's input ends.
fn count(_: &Args) -> Told {
    let fd = sys::need("BPF_ENABLE_STATS", bpf(command::ENABLE_STATS, &mut [0; 4]))?;
    writeln!(io::stdout(), "counting=yes")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    sys::close(fd);
    Ok("counting=no".to_owned())
}
