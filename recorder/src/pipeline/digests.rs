//! Which executables are hashed, and where the answer goes.

use super::{Pipeline, own_actor};
use crate::enrich::digest::{Answer, Digests, Question};
use crate::enrich::processes::Known;
use std::sync::Arc;
use taffrail_probes::abi::Header;
use taffrail_probes::abi::process::Exec;
use taffrail_trace::event::{Body, Event};
use taffrail_trace::ids::ContainerKey;

impl Pipeline {
    /// Hashes executables from now on.
    pub fn hash_with(&mut self, digests: Digests) {
        self.digests = Some(digests);
    }

    /// An exec was noticed before its record's turn.
    pub fn notice(&mut self, header: &Header, exec: &Exec) {
        if let Some(digests) = &mut self.digests {
            digests.notice(header, exec);
        }
    }

    /// Puts the hash of an executable into its container's history.
    pub fn digested(&mut self, answer: Answer) {
        let event = Event {
            time_ns: self.now.boot_ns,
            actor: Some(answer.question.actor),
            body: Body::Digest(Box::new(answer.digest)),
        };
        self.append(answer.question.container, event, None);
    }

    /// Has an executable hashed that is new to its container.
    pub(super) fn hash(&mut self, key: ContainerKey, known: &Arc<Known>, header: &Header) {
        let Some(digests) = &mut self.digests else { return };
        let open = digests.opened(&header.image);
        let since = i64::try_from(self.now.boot_ns.saturating_sub(header.time_ns)).unwrap_or(i64::MAX);
        let utc_ns = self.now.utc_ns.saturating_sub(since);
        let Some(file) = known.image.exe_file.filter(|file| digests.is_new(key, file, utc_ns)) else { return };
        // The program may be over before its file is read; another process of the container sees the same file.
        let neighbour = self.processes.live().find(|other| other.home == key && other.image.pid != known.image.pid);
        let question = Question {
            container: key,
            actor: own_actor(&known.image),
            file,
            path: known.image.exe.clone(),
            open,
            other_pid: neighbour.map(|other| other.image.pid),
        };
        if let Some(answer) = digests.ask(question) {
            self.digested(answer);
        }
    }
}
