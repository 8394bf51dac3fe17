//! How many events a second one core packs into segments and unpacks, beside a plain copy of the same events.

use crate::Result;
use crate::{form, longer};
use serde::Serialize;
use std::hint::black_box;
use std::time::Instant;
use taffrail_trace::segment::{self, Content, Label, Whole};

/// About how many events are kept in memory: enough to leave every cache behind, little enough for any machine.
const SAMPLE_EVENTS: u64 = 400_000;

/// Every so many segments of a ring, unpacked.
pub struct Sample {
    every: u64,
    seen: u64,
    segments: Vec<(Label, Content)>,
    framed: Vec<Vec<u8>>,
    events: u64,
}

/// Events a second, a round each.
#[derive(Default, Serialize)]
pub struct Figures {
    events: u64,
    row_bytes: u64,
    encode: Vec<f64>,
    decode: Vec<f64>,
    copy: Vec<f64>,
}

impl Sample {
    /// A sample of a ring of so many events.
    pub fn of(events: u64) -> Self {
        let every = events.div_ceil(SAMPLE_EVENTS).max(1);
        Self { every, seen: 0, segments: Vec::new(), framed: Vec::new(), events: 0 }
    }

    /// Keeps a segment where it is one's turn. It must be what encoding its content makes now: what is timed is then
    /// what the recorder did.
    pub fn take(&mut self, whole: &Whole<'_>, content: Content) -> Result<()> {
        self.seen += 1;
        if !self.seen.is_multiple_of(self.every) {
            return Ok(());
        }
        let label = longer::label(&whole.head);
        let framed = segment::encode(&label, &content)?;
        if framed.sha256 != whole.sha256() {
            return Err("the ring was written by another encoder than this one".into());
        }
        self.events += content.events.len() as u64;
        self.segments.push((label, content));
        self.framed.push(framed.bytes);
        Ok(())
    }

    /// Times it, in rounds.
    pub fn measure(&self, rounds: u32) -> Result<Figures> {
        let rows = self.segments.iter().map(|(_, content)| form::rows(content)).collect::<Result<Vec<_>>>()?.concat();
        let mut copy = vec![1; rows.len()];
        let mut figures = Figures { events: self.events, row_bytes: rows.len() as u64, ..Figures::default() };
        let rate = |start: Instant| self.events as f64 / start.elapsed().as_secs_f64();
        for _ in 0..rounds {
            let start = Instant::now();
            for (label, content) in &self.segments {
                black_box(segment::encode(label, content)?);
            }
            figures.encode.push(rate(start));
            let start = Instant::now();
            for bytes in &self.framed {
                black_box(segment::decode(bytes)?);
            }
            figures.decode.push(rate(start));
            let start = Instant::now();
            copy.copy_from_slice(black_box(&rows));
            black_box(&copy);
            figures.copy.push(rate(start));
        }
        Ok(figures)
    }
}
