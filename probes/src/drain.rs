//! Takes records out of the rings and hands them on in order of time.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use aya::maps::{MapData, RingBuf};
use nix::time::{ClockId, clock_gettime};
use taffrail_probes_abi::{Header, Kind, process::Exec};

use crate::{
    decode::Record,
    load::Probes,
    merge::{HOLD_NS, Merge},
    plain,
};

/// What one drain did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Records handed on.
    pub delivered: u64,
    /// Records that were none: see [`crate::DecodeError`].
    pub malformed: u64,
    /// The newest time among the records handed on, `CLOCK_BOOTTIME` nanoseconds; 0 where there was none.
    pub newest_time_ns: u64,
}

/// Why a drain failed.
#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    /// The clock could not be read.
    #[error("cannot read CLOCK_BOOTTIME: {0}")]
    Clock(nix::errno::Errno),
    /// A hook could not be taken off.
    #[error("cannot detach {hook}: {source}")]
    Detach {
        /// The hook.
        hook: &'static str,
        /// The cause.
        source: Box<aya::programs::ProgramError>,
    },
}

/// The two rings and what is held back between drains.
pub(crate) struct Rings {
    pub vital: RingBuf<MapData>,
    pub bulk: RingBuf<MapData>,
    pub merge: Merge,
}

/// After the hooks are off, programs that are already running still finish. Far more than one of them takes.
const LAST_PROGRAMS: Duration = Duration::from_millis(20);

impl Probes {
    /// Takes what the rings hold and hands on every record older than 10 ms, oldest first; the younger ones wait for
    /// the next call, so that the order by time is right across CPUs and rings. Takes no record written after the
    /// call began but the first of each ring, and so ends however fast they come.
    ///
    /// # Errors
    ///
    /// When the clock can't be read. Nothing is lost then.
    pub fn drain(&mut self, each: &mut dyn FnMut(Record<'_>)) -> Result<Drained, DrainError> {
        let now_ns = boottime_ns()?;
        Ok(self.rings.drain(now_ns, now_ns.saturating_sub(HOLD_NS), each))
    }

    /// Takes what the rings hold into the order of time and hands on nothing yet. `notice` is told of each exec at once:
    /// a program can be over long before its record's turn comes, and its file is best looked at while it runs.
    ///
    /// # Errors
    ///
    /// When the clock can't be read.
    pub fn take_in(&mut self, notice: &mut dyn FnMut(&Header, &Exec)) -> Result<(), DrainError> {
        let now_ns = boottime_ns()?;
        self.rings.take_in(now_ns, &mut |bytes| {
            if let Some(header) = plain::read::<Header>(bytes).filter(|header| header.kind == Kind::Exec as u16)
                && let Some(exec) = plain::read::<Exec>(&bytes[size_of::<Header>()..])
            {
                notice(&header, &exec);
            }
        });
        Ok(())
    }

    /// Takes the hooks off and hands on everything that is left. The counters stay readable.
    ///
    /// # Errors
    ///
    /// When a hook can't be taken off; what is left is still handed on by [`Probes::drain`].
    pub fn finish(&mut self, each: &mut dyn FnMut(Record<'_>)) -> Result<Drained, DrainError> {
        self.detach()?;
        std::thread::sleep(LAST_PROGRAMS);
        Ok(self.rings.drain(u64::MAX, u64::MAX, each))
    }

    /// Readable when records wait: the vital ring at an exec, the bulk ring when it is a quarter full. Drain every 20 ms
    /// all the same.
    pub fn poll_fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.rings.vital.as_fd(), self.rings.bulk.as_fd()]
    }
}

impl Rings {
    fn drain(&mut self, take_until_ns: u64, deliver_until_ns: u64, each: &mut dyn FnMut(Record<'_>)) -> Drained {
        let mut drained = Drained::default();
        let mut each = |bytes: &[u8]| match Record::decode(bytes) {
            Ok(record) => {
                drained.delivered += 1;
                drained.newest_time_ns = drained.newest_time_ns.max(record.header.time_ns);
                each(record);
            }
            Err(_) => drained.malformed += 1,
        };
        for ring in [&mut self.vital, &mut self.bulk] {
            while let Some(time_ns) = hold_next(ring, &mut self.merge, &mut |_| {}) {
                if self.merge.is_full() {
                    self.merge.deliver(deliver_until_ns, &mut each);
                }
                if self.merge.is_full() {
                    self.merge.deliver_half(&mut each);
                }
                if time_ns > take_until_ns {
                    break;
                }
            }
        }
        self.merge.deliver(deliver_until_ns, &mut each);
        drained
    }
}

impl Rings {
    fn take_in(&mut self, take_until_ns: u64, notice: &mut dyn FnMut(&[u8])) {
        for ring in [&mut self.vital, &mut self.bulk] {
            while !self.merge.is_full()
                && let Some(time_ns) = hold_next(ring, &mut self.merge, notice)
            {
                if time_ns > take_until_ns {
                    break;
                }
            }
        }
    }
}

/// Moves a ring's next record to those that wait for their turn; gives its time.
fn hold_next(ring: &mut RingBuf<MapData>, merge: &mut Merge, notice: &mut dyn FnMut(&[u8])) -> Option<u64> {
    let item = ring.next()?;
    // What is too short for a header goes out first and is counted by the decoder.
    let time_ns = plain::read::<Header>(&item).map_or(0, |header| header.time_ns);
    notice(&item);
    merge.hold(time_ns, &item);
    Some(time_ns)
}

/// Now, on the clock of the records.
fn boottime_ns() -> Result<u64, DrainError> {
    let now = clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(DrainError::Clock)?;
    Ok(now.tv_sec().unsigned_abs() * 1_000_000_000 + now.tv_nsec().unsigned_abs())
}
