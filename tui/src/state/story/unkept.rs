//! Bytes that programs were given or printed and that are not in the record: whose they are, and how many.

use super::words;
use std::collections::HashMap;

/// How many programs a sentence names.
const NAMED: usize = 3;
/// The most programs that are told apart.
const PROGRAMS_MAX: usize = 1_000;

/// What of one session is not in the record.
#[derive(Debug, Default)]
pub struct Unkept {
    /// By program, and whether it printed them.
    programs: HashMap<(String, bool), u64>,
    /// Those of programs beyond the most that are told apart.
    more: u64,
}

impl Unkept {
    /// So many bytes more.
    pub fn add(&mut self, who: String, printed: bool, bytes: u64) {
        let key = (who, printed);
        let is_full = self.programs.len() >= PROGRAMS_MAX && !self.programs.contains_key(&key);
        let sum = if is_full { &mut self.more } else { self.programs.entry(key).or_default() };
        *sum = sum.saturating_add(bytes);
    }

    /// `64 B that cat (14) printed, 12 B that sh (3) was given and 300 B of 3 others`, the largest first.
    pub fn text(&self) -> String {
        let mut programs: Vec<_> = self.programs.iter().collect();
        programs.sort_by(|(a, some), (b, others)| others.cmp(some).then_with(|| a.cmp(b)));
        let (named, others) = programs.split_at(programs.len().min(NAMED));
        let done = |printed| if printed { "printed" } else { "was given" };
        let mut parts: Vec<String> = named
            .iter()
            .map(|((who, printed), sum)| format!("{} that {who} {}", words::bytes(**sum), done(*printed)))
            .collect();
        if !others.is_empty() || self.more > 0 {
            let rest = others.iter().fold(self.more, |all, (_, sum)| all.saturating_add(**sum));
            let more = if self.more > 0 { "more than " } else { "" };
            parts.push(format!("{} of {more}{} others", words::bytes(rest), words::count(others.len() as u64)));
        }
        let last = parts.pop().unwrap_or_default();
        if parts.is_empty() { last } else { format!("{} and {last}", parts.join(", ")) }
    }
}
