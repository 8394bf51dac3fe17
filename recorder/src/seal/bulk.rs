//! The bulk events of a window, unpacked as they are asked for: a flood fits into a bundle whatever it takes unpacked.

use super::{belongs, damaged};
use crate::ring::RingFile;
use std::collections::VecDeque;
use std::sync::Arc;
use taffrail_trace::clock::BootNs;
use taffrail_trace::event::{Class, Event};
use taffrail_trace::manifest::Window;
use taffrail_trace::segment::Head;

/// Where a segment is.
#[derive(Debug)]
struct Place {
    file: Arc<RingFile>,
    at: u64,
    first_ns: BootNs,
    last_ns: BootNs,
    /// Nothing in it or behind it is older.
    least_ns: BootNs,
}

/// Events in the order of their times, out of segments whose times overlap a little.
#[derive(Debug)]
pub struct Bulk {
    window: Window,
    places: VecDeque<Place>,
    /// Unpacked, and by time.
    ready: VecDeque<Event>,
    /// Unpacked, and not older than what is still packed may be.
    held: Vec<Event>,
}

impl Bulk {
    /// The events of a window.
    pub fn of(window: Window) -> Self {
        Self { window, places: VecDeque::new(), ready: VecDeque::new(), held: Vec::new() }
    }

    /// One more segment that has some.
    pub fn add(&mut self, file: &Arc<RingFile>, at: u64, head: &Head) {
        let Head { first_ns, last_ns, .. } = *head;
        self.places.push_back(Place { file: Arc::clone(file), at, first_ns, last_ns, least_ns: first_ns });
    }

    /// All segments are known: what may be told when.
    pub fn begin(&mut self) {
        let mut least_ns = BootNs::MAX;
        for place in self.places.iter_mut().rev() {
            least_ns = least_ns.min(place.first_ns);
            place.least_ns = least_ns;
        }
    }

    fn unpack(&mut self, place: &Place) {
        match place.file.content_at(place.at) {
            Ok(content) => {
                self.held.extend(content.events.into_iter().filter(|event| belongs(event, self.window)));
            }
            Err(error) => {
                tracing::error!(%error, "a segment was there and is not any more");
                self.held.push(damaged(Class::Bulk, place.first_ns, place.last_ns));
            }
        }
        // Held ones first: of the same moment they were there first.
        self.held.sort_by_key(|event| event.time_ns);
        let until_ns = self.places.front().map_or(BootNs::MAX, |next| next.least_ns);
        let told = self.held.partition_point(|event| event.time_ns < until_ns);
        self.ready.extend(self.held.drain(..told));
    }
}

impl Iterator for Bulk {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        while self.ready.is_empty() {
            let place = self.places.pop_front()?;
            self.unpack(&place);
        }
        self.ready.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::clock::Anchor;
    use taffrail_trace::event::{Body, Lifecycle, LifecycleOp};
    use taffrail_trace::ids::ContainerKey;
    use taffrail_trace::segment::{self, Content, Label};

    fn frame(seq: u64, times: &[BootNs]) -> Vec<u8> {
        let moment = || Lifecycle { op: LifecycleOp::Level, cgroup_path: String::new(), detail: None };
        let event = |time: &BootNs| Event { time_ns: *time, actor: None, body: Body::Lifecycle(moment()) };
        let content = Content { live: Vec::new(), events: times.iter().map(event).collect() };
        let anchor = Anchor { boot_ns: 100, utc_ns: 0 };
        let label = Label { class: Class::Bulk, seq, anchor, container: ContainerKey(1), nonce: 7, previous: [0; 32] };
        segment::encode(&label, &content).expect("a segment").bytes
    }

    #[test]
    fn events_come_by_time_out_of_segments_that_overlap_and_none_is_missing() {
        let segments: [&[BootNs]; 5] = [&[10, 11, 30], &[12, 20, 31], &[9, 40], &[41, 42], &[39, 50, 99]];
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("bulk-0-7.ring");
        let frames: Vec<_> = (0..).zip(segments).map(|(seq, times)| frame(seq, times)).collect();
        std::fs::write(&path, frames.concat()).expect("written");
        let file = Arc::new(RingFile::open(&path, 7).expect("open"));
        let mut bulk = Bulk::of(Window { from_ns: 10, to_ns: 98 });
        crate::ring::find_segments(&file, &mut |at, whole| {
            bulk.add(&file, at, &whole.head);
            Ok(())
        })
        .expect("read");
        bulk.begin();
        let mut most_held = 0;
        let mut times = Vec::new();
        while let Some(event) = bulk.next() {
            most_held = most_held.max(bulk.held.len() + bulk.ready.len());
            times.push(event.time_ns);
        }
        // 9 and 99 lie outside of the window.
        assert_eq!(times, [10, 11, 12, 20, 30, 31, 39, 40, 41, 42, 50]);
        assert!(most_held < times.len(), "not all of it was unpacked at once");
    }

    #[test]
    fn a_segment_that_is_gone_when_it_is_asked_for_is_a_gap() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("bulk-0-7.ring");
        let whole = frame(0, &[10, 20]);
        std::fs::write(&path, &whole).expect("written");
        let file = Arc::new(RingFile::open(&path, 7).expect("open"));
        let mut bulk = Bulk::of(Window { from_ns: 0, to_ns: 98 });
        bulk.add(&file, 0, &segment::check(&whole).expect("whole").head);
        std::fs::write(&path, vec![0; whole.len()]).expect("overwritten");
        bulk.begin();
        let told: Vec<_> = bulk.collect();
        let [Event { body: Body::Gap(gap), .. }] = &told[..] else { panic!("{told:?}") };
        assert_eq!((gap.from_ns, gap.to_ns, gap.class), (10, 20, Class::Bulk));
    }
}
