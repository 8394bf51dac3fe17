//! Segments: a stretch of one container's events of one class, framed, compressed, checksummed and chained.
//!
//! ```text
//! | head, 112 bytes                                              | body: zstd of columns |
//! magic 4 | version 2 | class 1 | 0 1 | body_len 4 | raw_len 4
//! events 4 | crc32 4 | seq 8 | first_ns 8 | last_ns 8
//! anchor_boot_ns 8 | anchor_utc_ns 8 | container_key 8 | nonce 8 | previous SHA-256 32
//! ```
//!
//! All numbers are little-endian. The CRC covers the head with its own field as zero, and the body. A segment whose
//! CRC is wrong never existed: a reader passes over it and counts. The SHA-256 of head and body is the segment's name in
//! its chain; the next segment of the same container and class carries it. The nonce stands in the file's name too: what a
//! program put into an event, a whole segment even, is never taken for one.
//!
//! The content begins with the images alive when the segment began, so that a segment alone can name every actor in
//! it, whatever older segments the ring has let go. Then come the actors, each once, and the events, which say which.
//! Every place of that structure is a column ([`shred`], [`column`]): what is alike lies together, and times are the
//! steps from one to the next.
//!
//! Not here: files, budgets and retention (the recorder's ring).

mod column;
pub(crate) mod gather;
pub(crate) mod shred;

use crate::clock::{Anchor, BootNs};
use crate::event::{Actor, Body, Class, Event, Image};
use crate::ids::ContainerKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use zstd::bulk::{Compressor, Decompressor};

/// First bytes of every segment.
pub const MAGIC: [u8; 4] = *b"TFSG";
/// Bytes of the head.
pub const HEAD_BYTES: usize = 112;
/// The longest body, compressed or not, that is believed: sixteen times what a writer makes.
pub const BODY_MAX_BYTES: usize = 64 << 20;
/// Level 1: the ring is written all day and read once; higher levels buy under 5 % here.
pub const ZSTD_LEVEL: i32 = 1;
const VERSION: u16 = 4;
/// Memory that the content of a segment may take, roughly: columns of one value cost nothing to write, and must not fill
/// the memory of who reads them. A writer's batch is far below.
const MEMORY_MAX_BYTES: u64 = 1 << 30;
const CRC_AT: usize = 20;

/// What a segment states about itself before it is unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Which share of the budget.
    pub class: Class,
    /// Number in its chain, from 0.
    pub seq: u64,
    /// Events in it.
    pub events: u32,
    /// Time of its first event; with no event, of its making.
    pub first_ns: BootNs,
    /// Time of its last event; with no event, of its making.
    pub last_ns: BootNs,
    /// The two clocks when it was written.
    pub anchor: Anchor,
    /// Whose events.
    pub container: ContainerKey,
    /// Of the file that it was written to.
    pub nonce: u64,
    /// SHA-256 of the segment before it in the chain; zero for the first.
    pub previous: [u8; 32],
    body_len: u32,
    raw_len: u32,
    crc: u32,
}

/// What a segment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// Images alive when the segment began, with their ancestors.
    pub live: Vec<Image>,
    /// The events, by time.
    pub events: Vec<Event>,
}

/// What the writer says about a segment; the rest of the head is computed.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// Which share of the budget.
    pub class: Class,
    /// Number in its chain.
    pub seq: u64,
    /// The two clocks now.
    pub anchor: Anchor,
    /// Whose events.
    pub container: ContainerKey,
    /// In the name of the file that it goes to; nobody who is recorded can know it.
    pub nonce: u64,
    /// SHA-256 of the segment before it.
    pub previous: [u8; 32],
}

/// Why bytes are not a segment.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// Fewer bytes than the head states: a write that was cut short.
    #[error("segment cut short: {have} of {want} bytes")]
    Short {
        /// Bytes there.
        have: usize,
        /// Bytes needed.
        want: usize,
    },
    /// Not the first bytes of a segment, or a version or length that no writer makes.
    #[error("not a segment: {0}")]
    Foreign(&'static str),
    /// The bytes are not what was written.
    #[error("segment {seq} is damaged: its checksum does not match")]
    Checksum {
        /// The number its head states.
        seq: u64,
    },
    /// The checksum is right and the content is not: a fault of the writer.
    #[error("segment {seq} cannot be unpacked: {reason}")]
    Content {
        /// Its number.
        seq: u64,
        /// What the decoder said.
        reason: String,
    },
    /// The content could not be packed.
    #[error("cannot pack a segment: {0}")]
    Pack(String),
}

/// A segment's bytes and its SHA-256.
#[derive(Clone, Debug)]
pub struct Framed {
    /// Head and body.
    pub bytes: Vec<u8>,
    /// Name in the chain.
    pub sha256: [u8; 32],
}

/// Packs a segment.
///
/// # Errors
/// [`SegmentError::Pack`] where the content is longer than [`BODY_MAX_BYTES`] or zstd fails.
pub fn encode(label: &Label, content: &Content) -> Result<Framed, SegmentError> {
    let pack = |error: &dyn std::fmt::Display| SegmentError::Pack(error.to_string());
    let raw = shred::shred(&Packed::of(content)).map_err(|error| pack(&error))?;
    if raw.len() > BODY_MAX_BYTES {
        return Err(SegmentError::Pack(format!("{} bytes of events", raw.len())));
    }
    let body = packer(|packer| packer.compress(&raw)).map_err(|error| pack(&error))?;
    let now = label.anchor.boot_ns;
    let first_ns = content.events.first().map_or(now, |event| event.time_ns);
    let last_ns = content.events.last().map_or(now, |event| event.time_ns);

    let mut bytes = Vec::with_capacity(HEAD_BYTES + body.len());
    bytes.extend(MAGIC);
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend([label.class as u8, 0]);
    bytes.extend((body.len() as u32).to_le_bytes());
    bytes.extend((raw.len() as u32).to_le_bytes());
    bytes.extend((content.events.len() as u32).to_le_bytes());
    bytes.extend([0; 4]);
    for number in [label.seq, first_ns, last_ns, now, label.anchor.utc_ns as u64, label.container.0, label.nonce] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(label.previous);
    bytes.extend(body);
    let crc = crc32fast::hash(&bytes);
    bytes[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
    let sha256 = Sha256::digest(&bytes).into();
    Ok(Framed { bytes, sha256 })
}

// Making zstd's tables costs more than packing a small segment with them, so each thread keeps its own.
thread_local! {
    static PACKER: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

fn packer<T>(pack: impl FnOnce(&mut Compressor<'static>) -> io::Result<T>) -> io::Result<T> {
    PACKER.with_borrow_mut(|kept| match kept {
        Some(packer) => pack(packer),
        none => pack(none.insert(Compressor::new(ZSTD_LEVEL)?)),
    })
}

fn unpacker<T>(unpack: impl FnOnce(&mut Decompressor<'static>) -> io::Result<T>) -> io::Result<T> {
    UNPACKER.with_borrow_mut(|kept| match kept {
        Some(unpacker) => unpack(unpacker),
        none => unpack(none.insert(Decompressor::new()?)),
    })
}

/// The content as it is written. [`Unpacked`] is the same shape.
#[derive(Serialize)]
struct Packed<'a> {
    live: &'a [Image],
    actors: Vec<&'a Actor>,
    events: Vec<(BootNs, Option<u32>, &'a Body)>,
}

#[derive(Deserialize)]
struct Unpacked {
    live: Vec<Image>,
    actors: Vec<Actor>,
    events: Vec<(BootNs, Option<u32>, Body)>,
}

impl<'a> Packed<'a> {
    fn of(content: &'a Content) -> Self {
        let mut packed = Self { live: &content.live, actors: Vec::new(), events: Vec::new() };
        let mut known: HashMap<&Actor, u32> = HashMap::new();
        let mut last: Option<(&Actor, u32)> = None;
        packed.events.reserve(content.events.len());
        for event in &content.events {
            let actor = event.actor.as_ref().map(|actor| match last {
                // Most events are of the actor of the event before.
                Some((before, index)) if before == actor => index,
                _ => {
                    let index = *known.entry(actor).or_insert_with(|| {
                        packed.actors.push(actor);
                        packed.actors.len() as u32 - 1
                    });
                    last = Some((actor, index));
                    index
                }
            });
            packed.events.push((event.time_ns, actor, &event.body));
        }
        packed
    }
}

impl Unpacked {
    /// The content; none where an event names an actor that is not there.
    fn content(self) -> Option<Content> {
        let actors = self.actors;
        let actor = |index: Option<u32>| match index {
            Some(index) => actors.get(index as usize).cloned().map(Some),
            None => Some(None),
        };
        let event = |(time_ns, index, body)| Some(Event { time_ns, actor: actor(index)?, body });
        Some(Content { live: self.live, events: self.events.into_iter().map(event).collect::<Option<_>>()? })
    }
}

impl Head {
    /// Reads and checks the head at the beginning of `bytes`, lengths before anything else.
    ///
    /// # Errors
    /// [`SegmentError::Short`] and [`SegmentError::Foreign`].
    pub fn read(bytes: &[u8]) -> Result<Self, SegmentError> {
        let Some(head) = bytes.first_chunk::<HEAD_BYTES>() else {
            return Err(SegmentError::Short { have: bytes.len(), want: HEAD_BYTES });
        };
        if head[..4] != MAGIC {
            return Err(SegmentError::Foreign("other first bytes"));
        }
        if u16::from_le_bytes([head[4], head[5]]) != VERSION {
            return Err(SegmentError::Foreign("another version"));
        }
        let class = match head[6] {
            0 => Class::Vital,
            1 => Class::Bulk,
            _ => return Err(SegmentError::Foreign("an unknown class")),
        };
        let mut previous = [0; 32];
        previous.copy_from_slice(&head[80..]);
        let head = Self {
            class,
            body_len: u32_at(head, 8),
            raw_len: u32_at(head, 12),
            events: u32_at(head, 16),
            crc: u32_at(head, CRC_AT),
            seq: u64_at(head, 24),
            first_ns: u64_at(head, 32),
            last_ns: u64_at(head, 40),
            anchor: Anchor { boot_ns: u64_at(head, 48), utc_ns: u64_at(head, 56) as i64 },
            container: ContainerKey(u64_at(head, 64)),
            nonce: u64_at(head, 72),
            previous,
        };
        if head.body_len as usize > BODY_MAX_BYTES || head.raw_len as usize > BODY_MAX_BYTES {
            return Err(SegmentError::Foreign("a length that no writer makes"));
        }
        Ok(head)
    }

    /// Bytes of the whole segment.
    pub fn frame_bytes(&self) -> usize {
        HEAD_BYTES + self.body_len as usize
    }
}

/// A segment whose checksum is right, not yet unpacked.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a> {
    /// What it states about itself.
    pub head: Head,
    frame: &'a [u8],
}

/// Checks the segment at the beginning of `bytes`, which may go on behind it.
///
/// # Errors
/// [`SegmentError`]: what is wrong with it.
pub fn check(bytes: &[u8]) -> Result<Whole<'_>, SegmentError> {
    let head = Head::read(bytes)?;
    let want = head.frame_bytes();
    let Some(frame) = bytes.get(..want) else {
        return Err(SegmentError::Short { have: bytes.len(), want });
    };
    let mut crc = crc32fast::Hasher::new();
    crc.update(&frame[..CRC_AT]);
    crc.update(&[0; 4]);
    crc.update(&frame[CRC_AT + 4..]);
    if crc.finalize() != head.crc {
        return Err(SegmentError::Checksum { seq: head.seq });
    }
    Ok(Whole { head, frame })
}

impl Whole<'_> {
    /// Its name in the chain.
    pub fn sha256(&self) -> [u8; 32] {
        Sha256::digest(self.frame).into()
    }

    /// Unpacks it.
    ///
    /// # Errors
    /// [`SegmentError::Content`], though its checksum is right: a fault of the writer.
    pub fn content(&self) -> Result<Content, SegmentError> {
        let unpacked: Unpacked = self.unpack()?;
        if unpacked.events.len() != self.head.events as usize {
            return Err(self.fault(&"another number of events than its head says"));
        }
        unpacked.content().ok_or_else(|| self.fault(&"an event of an actor that is not there"))
    }

    /// Unpacks the images that were alive when it began, and no event.
    ///
    /// # Errors
    /// As [`Whole::content`].
    pub fn live(&self) -> Result<Vec<Image>, SegmentError> {
        /// The first place of [`Packed`].
        #[derive(Deserialize)]
        struct Live {
            live: Vec<Image>,
        }
        self.unpack::<Live>().map(|unpacked| unpacked.live)
    }

    fn unpack<T: for<'a> Deserialize<'a>>(&self) -> Result<T, SegmentError> {
        let raw = unpacker(|unpacker| unpacker.decompress(&self.frame[HEAD_BYTES..], self.head.raw_len as usize))
            .map_err(|error| self.fault(&error))?;
        gather::gather(&raw, MEMORY_MAX_BYTES).map_err(|error| self.fault(&error))
    }

    fn fault(&self, reason: &dyn std::fmt::Display) -> SegmentError {
        SegmentError::Content { seq: self.head.seq, reason: reason.to_string() }
    }
}

/// Checks and unpacks the segment at the beginning of `bytes`.
///
/// # Errors
/// [`SegmentError`]: what is wrong with it.
pub fn decode(bytes: &[u8]) -> Result<(Head, Content, [u8; 32]), SegmentError> {
    let whole = check(bytes)?;
    Ok((whole.head, whole.content()?, whole.sha256()))
}

fn u32_at(bytes: &[u8; HEAD_BYTES], at: usize) -> u32 {
    let mut number = [0; 4];
    number.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(number)
}

fn u64_at(bytes: &[u8; HEAD_BYTES], at: usize) -> u64 {
    let mut number = [0; 8];
    number.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Body, Exit, Gap, GapCause};
    use proptest::prelude::*;

    fn label() -> Label {
        Label {
            class: Class::Vital,
            seq: 3,
            anchor: Anchor { boot_ns: 9, utc_ns: -4 },
            container: ContainerKey(77),
            nonce: 99,
            previous: [5; 32],
        }
    }

    fn content(times: &[u64]) -> Content {
        let gap = |time_ns| {
            Body::Gap(Gap {
                class: Class::Bulk,
                cause: GapCause::RingFull,
                lost: Some(time_ns),
                from_ns: 1,
                to_ns: time_ns,
                own: true,
            })
        };
        let events = times.iter().map(|&time_ns| Event { time_ns, actor: None, body: gap(time_ns) }).collect();
        Content { live: Vec::new(), events }
    }

    proptest! {
        #[test]
        fn what_was_packed_is_what_is_unpacked(times in proptest::collection::vec(any::<u64>(), 0..50)) {
            let content = content(&times);
            let framed = encode(&label(), &content).expect("encode");
            let (head, back, sha256) = decode(&framed.bytes).expect("decode");
            prop_assert_eq!(back, content);
            prop_assert_eq!(head.seq, 3);
            prop_assert_eq!(head.anchor, label().anchor);
            prop_assert_eq!(head.previous, [5; 32]);
            prop_assert_eq!(head.nonce, 99);
            prop_assert_eq!(sha256, framed.sha256);
        }

        #[test]
        fn foreign_bytes_are_refused_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(decode(&bytes).is_err());
        }
    }

    #[test]
    fn every_flipped_byte_and_every_cut_is_detected() {
        let exit =
            Event { time_ns: 4, actor: None, body: Body::Exit(Exit { code: Some(0), signal: None, threads: 0 }) };
        let framed = encode(&label(), &Content { live: Vec::new(), events: vec![exit] }).expect("encode");
        for at in 0..framed.bytes.len() {
            let mut bytes = framed.bytes.clone();
            bytes[at] ^= 0x10;
            assert!(decode(&bytes).is_err(), "flipped byte {at} was not seen");
            assert!(decode(&framed.bytes[..at]).is_err(), "cut at {at} was not seen");
        }
    }
}
