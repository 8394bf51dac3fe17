//! Kernel programs (eBPF): the names of those that are loaded, counting what they cost, and empty ones.

use crate::act::{Act, Args, Told};
use crate::sys::{self, nr};
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;

pub const ACTS: &[Act] = &[("bpf-names", names), ("bpf-stats", count), ("bpf-empty", empty)];

/// Commands of `bpf`.
mod command {
    pub const PROG_LOAD: usize = 5;
    pub const RAW_TRACEPOINT_OPEN: usize = 17;
    pub const LINK_CREATE: usize = 28;
    pub const PROG_GET_FD_BY_ID: usize = 13;
    pub const PROG_GET_NEXT_ID: usize = 11;
    pub const OBJ_GET_INFO_BY_FD: usize = 15;
    pub const ENABLE_STATS: usize = 32;
}

/// Makes a `bpf` call; the kernel may write to the attributes.
fn bpf<const N: usize>(command: usize, attributes: &mut [u32; N]) -> isize {
    // SAFETY: the attributes are as long as is said; the pointers in them lead to buffers of the length that stands
    // beside them, or to texts and instructions that outlive the call.
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

/// `bpf-empty HOOK...`: programs that only return, on raw tracepoints by their names and, as `egress` and `ingress`, on
/// the packets of all cgroups, until this program's input ends.
fn empty(args: &Args) -> Told {
    /// `BPF_PROG_TYPE_RAW_TRACEPOINT`, `BPF_PROG_TYPE_CGROUP_SKB`
    const RAW_TRACEPOINT: u32 = 17;
    const PACKETS: u32 = 8;
    let mounts = std::fs::read_to_string("/proc/mounts")?;
    let unified = mounts.lines().find_map(|line| line.strip_prefix("cgroup2 ")?.split(' ').next());
    let root = File::open(unified.unwrap_or("/sys/fs/cgroup"))?;
    let mut held = Vec::new();
    for hook in args.0 {
        held.push(match hook.as_str() {
            "ingress" | "egress" => {
                let attach_type = u32::from(hook == "egress");
                let program = load(PACKETS, attach_type)?;
                let mut asked = [program as u32, root.as_raw_fd() as u32, attach_type, 0];
                sys::need("BPF_LINK_CREATE", bpf(command::LINK_CREATE, &mut asked))?
            }
            tracepoint => {
                let program = load(RAW_TRACEPOINT, 0)?;
                let name = crate::act::c(tracepoint)?;
                let [low, high] = halves(name.as_ptr() as usize);
                let mut asked = [low, high, program as u32, 0];
                sys::need("BPF_RAW_TRACEPOINT_OPEN", bpf(command::RAW_TRACEPOINT_OPEN, &mut asked))?
            }
        });
    }
    writeln!(io::stdout(), "attached={}", held.len())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    held.into_iter().for_each(sys::close);
    Ok("attached=0".to_owned())
}

/// Loads a program that returns 1, which lets a packet pass.
fn load(kind: u32, attach_type: u32) -> io::Result<usize> {
    /// `r0 = 1; exit`
    static INSTRUCTIONS: [u64; 2] = [0x0000_0001_0000_00B7, 0x95];
    let ([code, code_high], [licence, licence_high]) =
        (halves(INSTRUCTIONS.as_ptr() as usize), halves(c"GPL".as_ptr() as usize));
    // `union bpf_attr` up to `expected_attach_type`.
    let mut asked = [0; 18];
    asked[..6].copy_from_slice(&[kind, INSTRUCTIONS.len() as u32, code, code_high, licence, licence_high]);
    asked[17] = attach_type;
    sys::need("BPF_PROG_LOAD", bpf(command::PROG_LOAD, &mut asked))
}

/// An address as two attributes.
fn halves(address: usize) -> [u32; 2] {
    [address as u32, (address as u64 >> 32) as u32]
}
