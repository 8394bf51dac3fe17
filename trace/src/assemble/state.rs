//! Rows of `state_process`, `state_map`, `state_file`, `state_socket` and `state_mount`.

use super::{Rows, flags};
use crate::event::{Endpoint, FileOp, Namespaces};
use crate::ids::{ExecId, ProcessId};
use crate::schema::{self, STATE_FILE, STATE_MAP, STATE_MOUNT, STATE_PROCESS, STATE_SOCKET};
use crate::state::{File, Map, Mount, Process, Socket, State};
use crate::table::{Cell, RowError};
use crate::text;
use std::collections::HashMap;

/// The images that the processes ran when they were looked at.
type Running = HashMap<ProcessId, ExecId>;

impl Rows<'_> {
    /// The state at the trigger, where there is one. Its images are in `process` too.
    pub(super) fn state(&mut self) -> Result<(), RowError> {
        let Some(state) = self.source.state else { return Ok(()) };
        let moments = state.processes.iter().map(|process| (process.process_id, process.looked_ns)).collect();
        let running = self.processes.running(&moments);
        self.named.extend(running.values());
        for process in &state.processes {
            let actor = (process, running.get(&process.process_id).copied());
            self.state_process(state, actor)?;
            process.maps.iter().try_for_each(|map| self.state_map(state, actor, map))?;
            process.files.iter().try_for_each(|file| self.state_file(state, actor, file))?;
        }
        let known = |at: Option<u32>| at.and_then(|at| state.processes.get(at as usize));
        let actor = |process: &'_ Process, running: &Running| running.get(&process.process_id).copied();
        for socket in &state.sockets {
            let owner = known(socket.owner).map(|process| (process, actor(process, &running)));
            self.state_socket(state, owner, socket)?;
        }
        for mount in &state.mounts {
            let of = known(Some(mount.of)).map(|process| (process, actor(process, &running)));
            self.state_mount(state, of, mount)?;
        }
        Ok(())
    }

    fn push_of_state(
        &mut self,
        table: &'static schema::Table,
        state: &State,
        actor: Option<(&Process, Option<ExecId>)>,
        own: &[Cell<'_>],
    ) -> Result<(), RowError> {
        let container = self.source.container;
        let mut cells = vec![self.utc(state.from_ns), Cell::Text(&container.id), Cell::Text(&container.name)];
        match actor {
            Some((process, exec_id)) => cells.extend([
                exec_id.map(|id| id.0).into(),
                Cell::U32(process.pid),
                Cell::Text(&process.comm),
                process.exe.as_deref().into(),
                process.uid.into(),
            ]),
            None => cells.extend(std::iter::repeat_n(Cell::Null, 5)),
        }
        cells.extend_from_slice(own);
        self.tables.of(table)?.push(&cells)
    }

    fn state_process(&mut self, state: &State, actor: (&Process, Option<ExecId>)) -> Result<(), RowError> {
        let process = actor.0;
        let cmdline = text::shell_line(&process.args);
        let namespace =
            |value: fn(Namespaces) -> u32| Cell::from(Some(value(process.namespaces)).filter(|ns| *ns != 0));
        let cells = [
            Cell::U64(process.process_id.0),
            Some(process.ppid).filter(|ppid| *ppid != 0).into(),
            process.ns_pid.into(),
            self.utc(process.start_ns),
            Cell::Text(&cmdline),
            Cell::TextList(&process.args),
            Cell::Bool(process.args_cut),
            Cell::Text(&process.cwd),
            Cell::Text(&process.root),
            Cell::Text(&process.state),
            process.exe_deleted.into(),
            process.euid.into(),
            process.gid.into(),
            process.threads.into(),
            process.cpu_ns.into(),
            process.resident_bytes.into(),
            process.virtual_bytes.into(),
            process.tracer_pid.filter(|pid| *pid != 0).into(),
            process.cap_permitted.into(),
            process.cap_effective.into(),
            process.cap_bounding.into(),
            process.no_new_privs.into(),
            process.seccomp().into(),
            process.security_label.as_deref().into(),
            namespace(|ns| ns.mount),
            namespace(|ns| ns.pid),
            namespace(|ns| ns.network),
            namespace(|ns| ns.user),
            namespace(|ns| ns.uts),
            namespace(|ns| ns.ipc),
            namespace(|ns| ns.cgroup),
            process.descriptors.into(),
            process.mappings.into(),
        ];
        self.push_of_state(&STATE_PROCESS, state, Some(actor), &cells)
    }

    fn state_map(&mut self, state: &State, actor: (&Process, Option<ExecId>), map: &Map) -> Result<(), RowError> {
        let is_file = map.inode != 0;
        let dev = is_file.then(|| device(map.dev));
        let cells = [
            Cell::U64(map.start),
            Cell::U64(map.end),
            Cell::Text(&map.permissions),
            map.path.as_deref().into(),
            is_file.then_some(map.offset).into(),
            is_file.then_some(map.inode).into(),
            dev.as_deref().into(),
            Cell::Bool(map.deleted),
        ];
        self.push_of_state(&STATE_MAP, state, Some(actor), &cells)
    }

    fn state_file(&mut self, state: &State, actor: (&Process, Option<ExecId>), file: &File) -> Result<(), RowError> {
        let flags = file.flags.map(|bits| flags::shown(FileOp::Open, bits));
        let cells = [
            Cell::I32(number(file.fd)),
            Cell::Text(file.kind.as_str()),
            file.path.as_deref().into(),
            flags.as_deref().into(),
            file.offset.into(),
            file.inode.into(),
            file.mount_id.into(),
            Cell::Bool(file.deleted),
        ];
        self.push_of_state(&STATE_FILE, state, Some(actor), &cells)
    }

    fn state_socket(
        &mut self,
        state: &State,
        owner: Option<(&Process, Option<ExecId>)>,
        socket: &Socket,
    ) -> Result<(), RowError> {
        let addr = |end: Option<Endpoint>| end.map(|end| end.addr.to_string());
        // 0 is no port: of an end that is not bound yet, and of protocols without ports.
        let port = |end: Option<Endpoint>| end.map(|end| end.port).filter(|port| *port != 0);
        let (local, remote) = (addr(socket.local), addr(socket.remote));
        let cells = [
            Cell::Text(&socket.protocol),
            socket.socket_type.as_deref().into(),
            Cell::Text(&socket.state),
            local.as_deref().into(),
            port(socket.local).into(),
            remote.as_deref().into(),
            port(socket.remote).into(),
            socket.path.as_deref().into(),
            socket.protocol_number.into(),
            socket.fd.map(number).into(),
            Cell::U32(socket.owners),
            socket.uid.into(),
            socket.receive_queue.into(),
            socket.send_queue.into(),
            socket.backlog.into(),
            Some(socket.inode).filter(|inode| *inode != 0).into(),
            Cell::U32(socket.network_ns),
            Cell::Bool(socket.doubtful),
        ];
        self.push_of_state(&STATE_SOCKET, state, owner, &cells)
    }

    fn state_mount(
        &mut self,
        state: &State,
        of: Option<(&Process, Option<ExecId>)>,
        mount: &Mount,
    ) -> Result<(), RowError> {
        let dev = device(mount.dev);
        let cells = [
            Cell::U32(mount.id),
            Cell::U32(mount.parent_id),
            Cell::Text(&mount.path),
            Cell::Text(&mount.filesystem),
            Cell::Text(&mount.source),
            Cell::Text(&mount.root),
            Cell::Text(&dev),
            Cell::Text(&mount.options),
            Cell::Text(&mount.super_options),
            Cell::Text(&mount.propagation),
            Cell::U32(mount.mount_ns),
        ];
        self.push_of_state(&STATE_MOUNT, state, of, &cells)
    }
}

fn device((major, minor): (u32, u32)) -> String {
    format!("{major}:{minor}")
}

/// A descriptor's number: the kernel has none beyond the range.
fn number(fd: u32) -> i32 {
    i32::try_from(fd).unwrap_or(i32::MAX)
}
