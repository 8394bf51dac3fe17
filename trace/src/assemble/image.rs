//! Rows of `process`.

use super::Rows;
use super::file::device;
use super::process::Life;
use crate::event::{Credentials, ExeFile, Namespaces};
use crate::schema::PROCESS;
use crate::table::{Cell, RowError};
use crate::text;

impl Rows<'_> {
    /// The images that the window or a row needs, with their ancestors.
    pub(super) fn processes(&mut self) -> Result<(), RowError> {
        let processes = self.processes;
        for life in processes.within(self.source.window, &self.named) {
            if self.source.ancestors_outside || life.image.container_id == self.source.container.id {
                self.image(&life)?;
            }
        }
        Ok(())
    }

    fn image(&mut self, life: &Life<'_>) -> Result<(), RowError> {
        let image = life.image;
        let own = image.container_id == self.source.container.id;
        // A name can be bound after the image was seen.
        let container_name = if own { &self.source.container.name } else { &image.container_name };
        let end = life.end.filter(|end| end.time_ns <= self.source.window.to_ns);
        let exit = end.and_then(|end| end.exit);
        let file = image.exe_file;
        let cmdline = text::shell_line(&image.args);
        let dev = file.map(|file| device(file.dev));
        let sha256 = self.processes.digest(image).map(|digest| text::hex(digest));
        let [stdin, stdout, stderr] = image.stdio.map(|end| end.to_string());
        let of_file = |value: fn(ExeFile) -> bool| Cell::from(file.map(value));
        let credential = |value: fn(Credentials) -> u32| Cell::from(image.credentials.map(value));
        let capabilities = |value: fn(Credentials) -> u64| Cell::from(image.credentials.map(value));
        let namespace = |value: fn(Namespaces) -> u32| Cell::from(image.namespaces.map(value).filter(|ns| *ns != 0));
        let cells = [
            self.utc(image.time_ns),
            Cell::Text(&image.container_id),
            Cell::Text(container_name),
            Cell::U64(image.exec_id.0),
            Cell::U32(image.pid),
            Cell::U32(image.pid),
            Cell::Text(&image.comm),
            Cell::Text(&image.exe),
            Cell::U32(image.uid),
            Cell::Text(image.origin.as_str()),
            Cell::U64(image.process_id.0),
            image.parent_exec_id.map(|id| id.0).into(),
            Some(image.ppid).filter(|ppid| *ppid != 0).into(),
            Cell::Text(&cmdline),
            Cell::TextList(&image.args),
            Cell::Bool(image.args_cut),
            Cell::Text(&image.cwd),
            Cell::U32(image.gid),
            self.utc(image.time_ns),
            end.map_or(Cell::Null, |end| self.utc(end.time_ns)),
            exit.and_then(|exit| exit.code).into(),
            exit.and_then(|exit| exit.signal).into(),
            file.map(|file| file.inode).into(),
            dev.as_deref().into(),
            file.map(|file| u32::from(file.mode)).into(),
            of_file(|file| file.deleted),
            of_file(|file| file.memfd),
            of_file(|file| file.upper),
            sha256.as_deref().into(),
            image.script.as_deref().into(),
            Cell::TextList(&image.environment),
            credential(|who| who.euid),
            credential(|who| who.suid),
            credential(|who| who.fsuid),
            credential(|who| who.egid),
            credential(|who| who.sgid),
            credential(|who| who.fsgid),
            capabilities(|who| who.permitted),
            capabilities(|who| who.effective),
            capabilities(|who| who.bounding),
            namespace(|ns| ns.mount),
            namespace(|ns| ns.pid),
            namespace(|ns| ns.network),
            namespace(|ns| ns.user),
            namespace(|ns| ns.uts),
            namespace(|ns| ns.ipc),
            namespace(|ns| ns.cgroup),
            image.tty.as_deref().into(),
            image.login_uid.into(),
            exit.map(|exit| exit.threads).into(),
            image.entered.map(|entered| entered.way.as_str()).into(),
            image.entered.and_then(|entered| entered.by).map(|by| by.0).into(),
            Cell::Text(&stdin),
            Cell::Text(&stdout),
            Cell::Text(&stderr),
        ];
        self.tables.of(&PROCESS)?.push(&cells)
    }
}
