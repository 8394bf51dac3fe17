//! Puts programs on their hooks and takes them off.

use std::fs::File;

use aya::{
    Btf, Ebpf,
    maps::ProgramArray,
    programs::{
        BtfTracePoint, CgroupAttachMode, CgroupSkb, CgroupSkbAttachType, CgroupSock, FEntry, Program, ProgramError,
        RawTracePoint, cgroup_skb::CgroupSkbLinkId, cgroup_sock::CgroupSockLinkId, fentry::FEntryLinkId,
        raw_trace_point::RawTracePointLinkId, tp_btf::BtfTracePointLinkId,
    },
};

use crate::{
    hook::{Point, TAILS, Target},
    load_error::{LoadError, map_error},
};

/// A program on its hook.
pub(crate) enum Link {
    Raw(RawTracePointLinkId),
    Typed(BtfTracePointLinkId),
    Function(FEntryLinkId),
    Packets(CgroupSkbLinkId),
    Sockets(CgroupSockLinkId),
}

/// Asks the verifier for a program.
pub(crate) fn load(ebpf: &mut Ebpf, target: &'static Target, btf: &Btf) -> Result<(), ProgramError> {
    let program = program(ebpf, target.program)?;
    match target.point {
        Point::Raw(_) | Point::Renamed { .. } => <&mut RawTracePoint>::try_from(program)?.load(),
        Point::Typed(tracepoint) => <&mut BtfTracePoint>::try_from(program)?.load(tracepoint, btf),
        Point::Function(function) => <&mut FEntry>::try_from(program)?.load(function, btf),
        Point::Egress | Point::Ingress => <&mut CgroupSkb>::try_from(program)?.load(),
        Point::SocketCreate => <&mut CgroupSock>::try_from(program)?.load(),
    }
}

/// Puts a loaded program on its hook. `cgroups` is the root of the unified hierarchy.
pub(crate) fn attach(ebpf: &mut Ebpf, target: &'static Target, cgroups: Option<&File>) -> Result<Link, ProgramError> {
    let program = program(ebpf, target.program)?;
    // A link lets others be, whatever the mode; the kernel takes none of the flags with it.
    let mode = CgroupAttachMode::Single;
    let root = || cgroups.ok_or(ProgramError::NotLoaded);
    match target.point {
        Point::Raw(tracepoint) => <&mut RawTracePoint>::try_from(program)?.attach(tracepoint).map(Link::Raw),
        Point::Renamed { name, before, .. } => {
            let program = <&mut RawTracePoint>::try_from(program)?;
            program.attach(name).or_else(|_| program.attach(before)).map(Link::Raw)
        }
        Point::Typed(_) => <&mut BtfTracePoint>::try_from(program)?.attach().map(Link::Typed),
        Point::Function(_) => <&mut FEntry>::try_from(program)?.attach().map(Link::Function),
        Point::Egress => {
            let program = <&mut CgroupSkb>::try_from(program)?;
            program.attach(root()?, CgroupSkbAttachType::Egress, mode).map(Link::Packets)
        }
        Point::Ingress => {
            let program = <&mut CgroupSkb>::try_from(program)?;
            program.attach(root()?, CgroupSkbAttachType::Ingress, mode).map(Link::Packets)
        }
        Point::SocketCreate => <&mut CgroupSock>::try_from(program)?.attach(root()?, mode).map(Link::Sockets),
    }
}

/// Takes a program off its hook; it stays loaded.
pub(crate) fn detach(ebpf: &mut Ebpf, target: &'static Target, link: Link) -> Result<(), ProgramError> {
    let program = program(ebpf, target.program)?;
    match link {
        Link::Raw(link) => <&mut RawTracePoint>::try_from(program)?.detach(link),
        Link::Typed(link) => <&mut BtfTracePoint>::try_from(program)?.detach(link),
        Link::Function(link) => <&mut FEntry>::try_from(program)?.detach(link),
        Link::Packets(link) => <&mut CgroupSkb>::try_from(program)?.detach(link),
        Link::Sockets(link) => <&mut CgroupSock>::try_from(program)?.detach(link),
    }
}

/// Loads the programs behind `sys_exit` and fills the array that leads to them, which the caller must keep: the kernel
/// empties it when nobody holds it any more.
pub(crate) fn tails(ebpf: &mut Ebpf, btf: &Btf) -> Result<ProgramArray<aya::maps::MapData>, LoadError> {
    let array = ebpf.take_map("TAILS").ok_or(LoadError::Incomplete("TAILS"))?;
    let mut array = ProgramArray::try_from(array).map_err(map_error)?;
    for (slot, name) in (0_u32..).zip(TAILS) {
        let refused = |error: ProgramError| crate::load_error::tail_refusal(name, error);
        let program: &mut BtfTracePoint = program(ebpf, name).and_then(TryInto::try_into).map_err(refused)?;
        program.load("sys_exit", btf).map_err(refused)?;
        array.set(slot, program.fd().map_err(refused)?, 0).map_err(map_error)?;
    }
    Ok(array)
}

fn program<'a>(ebpf: &'a mut Ebpf, name: &str) -> Result<&'a mut Program, ProgramError> {
    ebpf.program_mut(name).ok_or(ProgramError::NotLoaded)
}
