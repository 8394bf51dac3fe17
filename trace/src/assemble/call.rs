//! Rows of `privilege`, `kernel`, `terminal` and `syscall`.

use super::{Rows, syscall};
use crate::event::{Event, KernelEvent, PathSource, PrivilegeEvent, SyscallEvent, TerminalEvent};
use crate::schema::{KERNEL, PRIVILEGE, SYSCALL, TERMINAL};
use crate::table::{Cell, RowError};
use crate::text;

impl Rows<'_> {
    pub(super) fn privilege(&mut self, event: &Event, call: &PrivilegeEvent) -> Result<(), RowError> {
        let after = call.credentials;
        let cells = [
            Cell::Text(call.op.as_str()),
            Cell::Text(&call.syscall),
            Cell::Text(&call.detail),
            Cell::I64(call.result),
            after.map(|after| after.euid).into(),
            after.map(|after| after.permitted).into(),
            after.map(|after| after.effective).into(),
            Cell::Text(call.abi.as_str()),
        ];
        self.push_event(&PRIVILEGE, event, &cells)
    }

    pub(super) fn kernel(&mut self, event: &Event, call: &KernelEvent) -> Result<(), RowError> {
        let cells = [
            Cell::Text(call.op.as_str()),
            Cell::Text(&call.syscall),
            Cell::Text(&call.detail),
            call.path.as_deref().into(),
            call.target.as_deref().into(),
            call.path_source.map(PathSource::as_str).into(),
            call.rewritten_from.as_deref().into(),
            call.target_rewritten_from.as_deref().into(),
            call.target_pid.into(),
            Cell::I64(call.result),
            Cell::Text(call.abi.as_str()),
        ];
        self.push_event(&KERNEL, event, &cells)
    }

    pub(super) fn terminal(&mut self, event: &Event, terminal: &TerminalEvent) -> Result<(), RowError> {
        let text = text::of_terminal(&terminal.data);
        let cells = [
            Cell::U64(terminal.session_id),
            Cell::Text(if terminal.typed { "typed" } else { "printed" }),
            Cell::I32(terminal.fd),
            Cell::Text(&text),
            Cell::Binary(&terminal.data),
            Cell::U64(terminal.bytes),
            Cell::Bool(terminal.bytes > terminal.data.len() as u64),
        ];
        self.push_event(&TERMINAL, event, &cells)
    }

    pub(super) fn syscall(&mut self, event: &Event, call: &SyscallEvent) -> Result<(), RowError> {
        let name = syscall::name(call.nr, call.abi);
        let mut cells = vec![Cell::Text(&name), Cell::U32(call.nr), Cell::Text(call.abi.as_str())];
        cells.extend(call.args.map(Cell::U64));
        cells.extend([Cell::I64(call.result), call.duration_ns.into()]);
        self.push_event(&SYSCALL, event, &cells)
    }
}
