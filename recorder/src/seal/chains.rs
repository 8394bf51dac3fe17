//! The chains of segments that a bundle is made of, as its manifest tells them.

use taffrail_trace::manifest::{ChainHead, SegmentRef};
use taffrail_trace::segment::Whole;
use taffrail_trace::text::hex;

/// Both classes' segments, in the order in which they lie on disk.
#[derive(Debug, Default)]
pub struct Chains {
    classes: [Vec<Link>; 2],
}

#[derive(Debug)]
struct Link {
    segment: SegmentRef,
    is_inside: bool,
}

impl Chains {
    /// One more segment, and whether its times touch the window.
    pub fn take(&mut self, segment: &Whole<'_>, is_inside: bool) {
        let head = segment.head;
        let segment = SegmentRef {
            class: head.class,
            seq: head.seq,
            events: head.events,
            sha256: hex(&segment.sha256()),
            previous: Some(hex(&head.previous)),
        };
        self.classes[head.class as usize].push(Link { segment, is_inside });
    }

    /// The segments from the first to the last that touch the window, those between them included whatever their times,
    /// so that nothing in the chain is missing that was there; and the newest of each class.
    pub fn told(self) -> (Vec<SegmentRef>, Vec<ChainHead>) {
        let (mut segments, mut heads) = (Vec::new(), Vec::new());
        for links in self.classes {
            if let Some(SegmentRef { class, seq, sha256, .. }) = links.last().map(|link| &link.segment) {
                heads.push(ChainHead { class: *class, seq: *seq, sha256: sha256.clone() });
            }
            let first = links.iter().position(|link| link.is_inside);
            let last = links.iter().rposition(|link| link.is_inside);
            if let (Some(first), Some(last)) = (first, last) {
                segments.extend(links.into_iter().skip(first).take(last - first + 1).map(|link| link.segment));
            }
        }
        (segments, heads)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::clock::Anchor;
    use taffrail_trace::event::Class;
    use taffrail_trace::ids::ContainerKey;
    use taffrail_trace::segment::{self, Content, Label};

    #[test]
    fn the_chain_of_a_window_has_no_hole_where_a_segment_tells_of_other_times() {
        let mut chains = Chains::default();
        let mut previous = [0; 32];
        for (seq, is_inside) in (0..).zip([false, true, false, true, false]) {
            let anchor = Anchor { boot_ns: seq, utc_ns: 0 };
            let label = Label { class: Class::Bulk, seq, anchor, container: ContainerKey(7), nonce: 1, previous };
            let framed = segment::encode(&label, &Content::default()).expect("a segment");
            chains.take(&segment::check(&framed.bytes).expect("whole"), is_inside);
            previous = framed.sha256;
        }
        let (segments, heads) = chains.told();
        assert_eq!(segments.iter().map(|segment| segment.seq).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(segments.windows(2).all(|pair| pair[1].previous.as_ref() == Some(&pair[0].sha256)));
        assert_eq!((heads.len(), heads[0].seq, heads[0].sha256.clone()), (1, 4, hex(&previous)));
    }
}
