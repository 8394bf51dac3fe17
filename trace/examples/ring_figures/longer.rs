//! The events of some segments in fewer and longer ones: what being on disk soon costs.

use crate::Result;
use std::collections::HashSet;
use taffrail_trace::ids::ExecId;
use taffrail_trace::segment::{self, Content, Head, Label};

/// Segments of one class of a history, brought together until they have so many events.
pub struct Longer {
    at_least: usize,
    label: Option<Label>,
    content: Content,
    named: HashSet<ExecId>,
    bytes: u64,
}

impl Longer {
    /// Of at least so many events, but the last.
    pub fn of(at_least: usize) -> Self {
        Self { at_least, label: None, content: Content::default(), named: HashSet::new(), bytes: 0 }
    }

    /// Takes one in.
    pub fn take(&mut self, head: &Head, content: &Content) -> Result<()> {
        self.label = Some(label(head));
        let named = &mut self.named;
        self.content.live.extend(content.live.iter().filter(|image| named.insert(image.exec_id)).cloned());
        self.content.events.extend(content.events.iter().cloned());
        if self.content.events.len() >= self.at_least { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<()> {
        if let Some(label) = self.label.take() {
            self.bytes += segment::encode(&label, &self.content)?.bytes.len() as u64;
        }
        self.content = Content::default();
        self.named.clear();
        Ok(())
    }

    /// Bytes of all of them.
    pub fn end(mut self) -> Result<u64> {
        self.write()?;
        Ok(self.bytes)
    }
}

/// What the writer of a segment said about it.
pub fn label(head: &Head) -> Label {
    Label {
        class: head.class,
        seq: head.seq,
        anchor: head.anchor,
        container: head.container,
        nonce: head.nonce,
        previous: head.previous,
    }
}
