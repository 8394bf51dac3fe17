//! What the same events take: in the ring, as lines of JSON, as rows, and as records with parameters.

use crate::Result;
use crate::form;
use crate::longer::{self, Longer};
use crate::ring::History;
use serde::Serialize;
use std::io::{self, Write};
use taffrail_trace::event::Class;
use taffrail_trace::segment::{self, Content, Whole, ZSTD_LEVEL};

/// Bytes of some histories.
#[derive(Clone, Copy, Default, Serialize)]
pub struct Sizes {
    events: u64,
    /// All files, descriptions included.
    file_bytes: u64,
    vital: Share,
    bulk: Share,
    segments: Segments,
    /// A line of JSON each.
    json: Bytes,
    /// One after another, the live images before each batch.
    rows: Bytes,
    /// With parameters, the events alone.
    records: Bytes,
}

/// One class in the ring.
#[derive(Clone, Copy, Default, Serialize)]
struct Share {
    segments: u64,
    events: u64,
    bytes: u64,
}

/// Bytes of the segments, and of longer ones of the same events.
#[derive(Clone, Copy, Default, Serialize)]
struct Segments {
    as_written: u64,
    /// Without the live images, which make a segment readable alone.
    no_images: u64,
    of_4096: u64,
    of_65536: u64,
}

/// Bytes of another form.
#[derive(Clone, Copy, Default, Serialize)]
struct Bytes {
    raw: u64,
    /// Packed in the ring's batches.
    batches: u64,
    /// The events of each class of a history packed as one stream.
    stream: u64,
}

/// One class of a history on its way through every form.
struct Lane {
    json: Stream,
    rows: Stream,
    records: Stream,
    longer: [Longer; 2],
}

impl Sizes {
    /// Measures a history; `each` is given every segment besides.
    pub fn of(history: &History, each: &mut dyn FnMut(&Whole<'_>, Content) -> Result<()>) -> Result<Self> {
        let mut sizes = Self { file_bytes: history.file_bytes, ..Self::default() };
        for class in Class::ALL {
            let mut lane = Lane::new()?;
            for whole in history.segments(class) {
                let whole = whole?;
                let content = whole.content()?;
                sizes.segment(&whole, &content, &mut lane)?;
                each(&whole, content)?;
            }
            sizes.end(lane)?;
        }
        Ok(sizes)
    }

    fn segment(&mut self, whole: &Whole<'_>, content: &Content, lane: &mut Lane) -> Result<()> {
        let (events, bytes) = (u64::from(whole.head.events), whole.head.frame_bytes() as u64);
        self.events += events;
        self.segments.as_written += bytes;
        self.share(whole.head.class).add(Share { segments: 1, events, bytes });

        let (mut json, mut records) = (Vec::new(), Vec::new());
        for event in &content.events {
            serde_json::to_writer(&mut json, event)?;
            json.push(b'\n');
            records.extend(form::record(event)?);
        }
        self.json.batch(&json)?;
        self.rows.batch(&form::rows(content)?)?;
        self.records.batch(&records)?;
        lane.json.write(&json)?;
        lane.rows.write(&form::rows(&content.events)?)?;
        lane.records.write(&records)?;
        let events = Content { live: Vec::new(), events: content.events.clone() };
        self.segments.no_images += segment::encode(&longer::label(&whole.head), &events)?.bytes.len() as u64;
        lane.longer.iter_mut().try_for_each(|longer| longer.take(&whole.head, content))
    }

    fn end(&mut self, lane: Lane) -> Result<()> {
        self.json.stream += lane.json.end()?;
        self.rows.stream += lane.rows.end()?;
        self.records.stream += lane.records.end()?;
        let [of_4096, of_65536] = lane.longer;
        self.segments.of_4096 += of_4096.end()?;
        self.segments.of_65536 += of_65536.end()?;
        Ok(())
    }

    fn share(&mut self, class: Class) -> &mut Share {
        match class {
            Class::Vital => &mut self.vital,
            Class::Bulk => &mut self.bulk,
        }
    }

    /// Those of more histories.
    pub fn add(&mut self, more: &Self) {
        self.events += more.events;
        self.file_bytes += more.file_bytes;
        self.vital.add(more.vital);
        self.bulk.add(more.bulk);
        self.segments.as_written += more.segments.as_written;
        self.segments.no_images += more.segments.no_images;
        self.segments.of_4096 += more.segments.of_4096;
        self.segments.of_65536 += more.segments.of_65536;
        self.json.add(more.json);
        self.rows.add(more.rows);
        self.records.add(more.records);
    }
}

impl Share {
    fn add(&mut self, more: Self) {
        self.segments += more.segments;
        self.events += more.events;
        self.bytes += more.bytes;
    }
}

impl Bytes {
    fn batch(&mut self, raw: &[u8]) -> Result<()> {
        self.raw += raw.len() as u64;
        self.batches += zstd::bulk::compress(raw, ZSTD_LEVEL)?.len() as u64;
        Ok(())
    }

    fn add(&mut self, more: Self) {
        self.raw += more.raw;
        self.batches += more.batches;
        self.stream += more.stream;
    }
}

impl Lane {
    fn new() -> Result<Self> {
        let [json, rows, records] = [Stream::new()?, Stream::new()?, Stream::new()?];
        Ok(Self { json, rows, records, longer: [Longer::of(4096), Longer::of(65536)] })
    }
}

/// Bytes that are packed as they come and only counted.
struct Stream(zstd::Encoder<'static, Count>);

impl Stream {
    fn new() -> Result<Self> {
        Ok(Self(zstd::Encoder::new(Count(0), ZSTD_LEVEL)?))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.0.write_all(bytes)?)
    }

    fn end(self) -> Result<u64> {
        Ok(self.0.finish()?.0)
    }
}

struct Count(u64);

impl Write for Count {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
