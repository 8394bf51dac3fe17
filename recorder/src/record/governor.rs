//! Cost caps: where recording costs more than it may, less is recorded, and when the load falls more again.
//!
//! What is lowered, in this order, a step at a time:
//! 1. containers at level full, to standard;
//! 2. containers at level standard, to vital: their bulk events are refused and counted.
//!
//! In each the one that causes most events comes first. Vital events are never refused for their cost. What was lowered
//! last comes back first, when load was below half of the cap for a while; a relapse doubles that while.
//!
//! Not here: which container it is, and how a level is set.

use std::collections::VecDeque;

/// What the cap on CPU time is averaged over.
const WINDOW_NS: u64 = 10_000_000_000;
/// How long load must be low before something comes back, and how long at most after relapses.
const PAUSE_NS: u64 = 10_000_000_000;
const PAUSE_MAX_NS: u64 = 640_000_000_000;
/// A step down within this time after a step up is a relapse.
const RELAPSE_NS: u64 = 60_000_000_000;
/// Memory is given back slowly: this long passes between two steps for its sake.
const MEMORY_STEP_NS: u64 = 3_000_000_000;

/// The caps. 0 is none.
#[derive(Clone, Copy, Debug)]
pub struct Caps {
    /// Percent of one CPU.
    pub cpu_percent: u64,
    /// Bytes.
    pub memory_bytes: u64,
}

/// What recording costs, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Load {
    /// When, by the boot clock.
    pub now_ns: u64,
    /// CPU time since the start.
    pub cpu_ns: u64,
    /// Memory now.
    pub memory_bytes: u64,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Nothing.
    Stay,
    /// Record less; which cap says so.
    Lower(Cap),
    /// Record more again.
    Raise,
}

/// A cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    /// On CPU time.
    Cpu,
    /// On memory.
    Memory,
}

impl Cap {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "CPU",
            Self::Memory => "memory",
        }
    }
}

/// Holds recording below its caps.
#[derive(Debug)]
pub struct Governor {
    caps: Caps,
    /// Loads of the last ten seconds, and none from before the last step down.
    window: VecDeque<Load>,
    lowered_ns: u64,
    raised_ns: Option<u64>,
    /// Since when load is low.
    calm_ns: u64,
    pause_ns: u64,
}

impl Governor {
    /// One that has seen nothing.
    pub fn new(caps: Caps) -> Self {
        Self { caps, window: VecDeque::new(), lowered_ns: 0, raised_ns: None, calm_ns: 0, pause_ns: PAUSE_NS }
    }

    /// Looks at the load, about once a second.
    pub fn look(&mut self, load: Load) -> Step {
        while self.window.len() > 1 && self.window.get(1).is_some_and(|it| load.now_ns - it.now_ns >= WINDOW_NS) {
            self.window.pop_front();
        }
        self.window.push_back(load);
        if let Some(cap) = self.exceeded(load) {
            let is_relapse = self.raised_ns.is_some_and(|raised| load.now_ns - raised < RELAPSE_NS);
            self.pause_ns = if is_relapse { (self.pause_ns * 2).min(PAUSE_MAX_NS) } else { PAUSE_NS };
            self.raised_ns = None;
            self.lowered_ns = load.now_ns;
            self.calm_ns = load.now_ns;
            // The step's effect is seen in what comes after it.
            self.window = VecDeque::from([load]);
            return Step::Lower(cap);
        }
        if !self.is_low(load) {
            self.calm_ns = load.now_ns;
        } else if load.now_ns - self.calm_ns >= self.pause_ns {
            self.raised_ns = Some(load.now_ns);
            self.calm_ns = load.now_ns;
            return Step::Raise;
        }
        Step::Stay
    }

    /// CPU time of the window, in hundredths of a percent of one CPU.
    pub fn cpu_centipercent(&self) -> u64 {
        let (Some(first), Some(last)) = (self.window.front(), self.window.back()) else { return 0 };
        (last.cpu_ns.saturating_sub(first.cpu_ns)) * 10_000 / (last.now_ns - first.now_ns).max(1)
    }

    /// The cap that the load is above. What ten seconds may cost may be spent in one, and then it is spent.
    fn exceeded(&self, load: Load) -> Option<Cap> {
        if self.caps.cpu_percent > 0 && self.spent_ns(load) > WINDOW_NS / 100 * self.caps.cpu_percent {
            return Some(Cap::Cpu);
        }
        let may_step = load.now_ns - self.lowered_ns >= MEMORY_STEP_NS || self.lowered_ns == 0;
        (self.caps.memory_bytes > 0 && load.memory_bytes > self.caps.memory_bytes && may_step).then_some(Cap::Memory)
    }

    fn is_low(&self, load: Load) -> bool {
        let cpu = self.caps.cpu_percent == 0 || self.spent_ns(load) < WINDOW_NS / 200 * self.caps.cpu_percent;
        let memory = self.caps.memory_bytes == 0 || load.memory_bytes < self.caps.memory_bytes / 4 * 3;
        cpu && memory
    }

    fn spent_ns(&self, load: Load) -> u64 {
        self.window.front().map_or(0, |first| load.cpu_ns.saturating_sub(first.cpu_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const CAPS: Caps = Caps { cpu_percent: 10, memory_bytes: 100 };

    /// The steps of a recorder that spends so much of each second, with their second.
    fn steps(governor: &mut Governor, from: u64, spends: &mut dyn FnMut(u64) -> u64, seconds: u64) -> Vec<(u64, Step)> {
        let mut cpu_ns = 0;
        let mut steps = Vec::new();
        for second in from..from + seconds {
            cpu_ns += spends(second) * SECOND / 100;
            let step = governor.look(Load { now_ns: second * SECOND, cpu_ns, memory_bytes: 0 });
            if step != Step::Stay {
                steps.push((second, step));
            }
        }
        steps
    }

    #[test]
    fn a_load_below_the_cap_is_left_alone() {
        let mut governor = Governor::new(CAPS);
        assert_eq!(steps(&mut governor, 1, &mut |_| 9, 100), []);
        assert_eq!(governor.cpu_centipercent(), 900);
    }

    #[test]
    fn what_ten_seconds_may_cost_may_be_spent_in_one_and_no_more() {
        let lowered = |percent| steps(&mut Governor::new(CAPS), 1, &mut |_| percent, 12)[0].0;
        assert_eq!([lowered(100), lowered(50), lowered(20), lowered(12)], [3, 4, 7, 10]);
    }

    #[test]
    fn what_was_lowered_comes_back_after_a_pause_that_relapses_double() {
        let mut governor = Governor::new(CAPS);
        let mut is_lowered = false;
        let mut cpu_ns = 0;
        let mut pauses = Vec::new();
        let mut lowered_at = 0;
        for second in 1..400 {
            cpu_ns += if is_lowered { 0 } else { SECOND };
            match governor.look(Load { now_ns: second * SECOND, cpu_ns, memory_bytes: 0 }) {
                Step::Lower(cap) => (is_lowered, lowered_at) = (cap == Cap::Cpu, second),
                Step::Raise => {
                    is_lowered = false;
                    pauses.push(second - lowered_at);
                }
                Step::Stay => {}
            }
        }
        assert_eq!(pauses, [10, 20, 40, 80, 160]);
    }

    #[test]
    fn memory_above_its_cap_is_a_step_at_a_time() {
        let mut governor = Governor::new(CAPS);
        let mut look = |second, memory_bytes| governor.look(Load { now_ns: second * SECOND, cpu_ns: 0, memory_bytes });
        assert_eq!(
            [look(1, 100), look(2, 101), look(3, 101), look(4, 101), look(5, 101)]
                .map(|step| step == Step::Lower(Cap::Memory)),
            [false, true, false, false, true]
        );
        assert_eq!((6..30).map(|second| look(second, 80)).filter(|step| *step != Step::Stay).count(), 0, "still much");
        assert_eq!((30..41).map(|second| look(second, 70)).filter(|step| *step == Step::Raise).count(), 1);
    }

    #[test]
    fn without_caps_nothing_is_lowered() {
        let mut governor = Governor::new(Caps { cpu_percent: 0, memory_bytes: 0 });
        let lowered = steps(&mut governor, 1, &mut |_| 100, 60).into_iter().filter(|(_, step)| *step != Step::Raise);
        assert_eq!(lowered.count(), 0);
    }
}
