//! All that rules look for in one field in one way, answered by one look.
//!
//! ```text
//! equal       a hash table            prefix, suffix      a tree of letters, from either end
//! contains    an automaton of all texts at once (Aho-Corasick)
//! ```

use crate::expr::Check;
use crate::operand::{Operand, Scratch};
use crate::scene::View;
use crate::value::Value;
use aho_corasick::{AhoCorasick, AhoCorasickKind};
use foldhash::fast::FixedState;
use std::collections::{BTreeMap, HashMap};

/// A way of looking for constant texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// The whole text.
    Equal,
    /// At its beginning.
    Prefix,
    /// At its end.
    Suffix,
    /// Anywhere.
    Contains,
    /// Anywhere, ASCII letters in either case.
    ContainsFolded,
}

impl Look {
    /// How and for what a check looks; `None` where it looks for something else.
    pub fn of(check: &Check) -> Option<(Self, &[String])> {
        match check {
            Check::Equal(texts) => Some((Self::Equal, texts)),
            Check::Prefix(texts) => Some((Self::Prefix, texts)),
            Check::Suffix(texts) => Some((Self::Suffix, texts)),
            Check::Contains(texts) => Some((Self::Contains, texts)),
            Check::ContainsFolded(texts) => Some((Self::ContainsFolded, texts)),
            _ => None,
        }
    }

    /// The check that looks so for one of `texts`.
    pub fn check(self, texts: Vec<String>) -> Check {
        match self {
            Self::Equal => Check::Equal(texts),
            Self::Prefix => Check::Prefix(texts),
            Self::Suffix => Check::Suffix(texts),
            Self::Contains => Check::Contains(texts),
            Self::ContainsFolded => Check::ContainsFolded(texts),
        }
    }

    /// How dear a look is, beside others.
    pub fn cost(self) -> u32 {
        match self {
            Self::Equal => 1,
            Self::Prefix | Self::Suffix => 2,
            Self::Contains | Self::ContainsFolded => 8,
        }
    }
}

/// A lane that is being built.
#[derive(Debug)]
pub struct LaneBuilder {
    operand: Operand,
    look: Look,
    /// The sets of texts that are asked for, a bit each.
    sets: Vec<Vec<String>>,
}

impl LaneBuilder {
    /// A lane for this field and this way of looking.
    pub fn new(operand: Operand, look: Look) -> Self {
        Self { operand, look, sets: Vec::new() }
    }

    /// The bit that says whether one of `texts` was found. Asking twice for the same gives the same.
    pub fn bit(&mut self, texts: &[String]) -> u32 {
        let known = self.sets.iter().position(|set| set == texts);
        known.unwrap_or_else(|| {
            self.sets.push(texts.to_vec());
            self.sets.len() - 1
        }) as u32
    }

    /// The lane.
    pub fn build(self) -> Lane {
        let mut bits: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for (bit, set) in self.sets.iter().enumerate() {
            for text in set {
                let key = if self.look == Look::ContainsFolded { text.to_ascii_lowercase() } else { text.clone() };
                let bits = bits.entry(key).or_default();
                if bits.last() != Some(&(bit as u32)) {
                    bits.push(bit as u32);
                }
            }
        }
        let table = match self.look {
            Look::Equal => Table::Equal(bits.into_iter().collect()),
            Look::Prefix => Table::Prefix(Trie::of(bits.iter().map(|(text, bits)| (text.bytes(), bits.as_slice())))),
            Look::Suffix => {
                Table::Suffix(Trie::of(bits.iter().map(|(text, bits)| (text.bytes().rev(), bits.as_slice()))))
            }
            Look::Contains | Look::ContainsFolded => Table::contains(bits, self.look == Look::ContainsFolded),
        };
        Lane { operand: self.operand, table, words: self.sets.len().div_ceil(64), kept: None }
    }
}

/// A field, and all that is looked for in it in one way.
#[derive(Debug)]
pub struct Lane {
    operand: Operand,
    table: Table,
    /// How many words of 64 bits the answers take.
    pub words: usize,
    /// Where the field's texts are kept, if others look at them too.
    pub kept: Option<usize>,
}

impl Lane {
    /// What it looks at.
    pub fn operand(&self) -> &Operand {
        &self.operand
    }

    /// Sets the bits of what is found in a text; `answers` as for [`Lane::look`].
    pub fn look_at(&self, text: &str, answers: &mut [u64]) {
        self.table.look(text, answers);
    }

    /// Sets the bits of what is found in a view; `answers` has as many words as the lane says, all zero.
    pub fn look(&self, view: &View<'_>, scratch: &mut Scratch, answers: &mut [u64]) {
        self.operand.read(view, scratch, &mut |value| {
            if let Value::Text(text) = value {
                self.table.look(text, answers);
            }
            false
        });
    }
}

/// Up to how many bytes of texts the quickest automaton is built, which takes about a kilobyte for each of them.
const QUICK_BYTES_MAX: usize = 16_384;

#[derive(Debug)]
enum Table {
    Equal(HashMap<String, Vec<u32>, FixedState>),
    Prefix(Trie),
    Suffix(Trie),
    Contains {
        automaton: AhoCorasick,
        bits: Vec<Vec<u32>>,
    },
    /// The automaton could not be built, for its size: one text after the other.
    Slow {
        texts: Vec<(String, Vec<u32>)>,
        look: Look,
    },
}

impl Table {
    fn contains(bits: BTreeMap<String, Vec<u32>>, folded: bool) -> Self {
        let bytes: usize = bits.keys().map(String::len).sum();
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(folded)
            .kind((bytes <= QUICK_BYTES_MAX).then_some(AhoCorasickKind::DFA))
            .build(bits.keys());
        match built {
            Ok(automaton) => Self::Contains { automaton, bits: bits.into_values().collect() },
            Err(_) => Self::Slow {
                texts: bits.into_iter().collect(),
                look: if folded { Look::ContainsFolded } else { Look::Contains },
            },
        }
    }

    fn look(&self, text: &str, answers: &mut [u64]) {
        match self {
            Self::Equal(table) => {
                if let Some(bits) = table.get(text) {
                    set(answers, bits);
                }
            }
            Self::Prefix(trie) => trie.look(text.bytes(), answers),
            Self::Suffix(trie) => trie.look(text.bytes().rev(), answers),
            Self::Contains { automaton, bits } => {
                for found in automaton.find_overlapping_iter(text) {
                    set(answers, &bits[found.pattern().as_usize()]);
                }
            }
            Self::Slow { texts, look } => {
                for (known, bits) in texts {
                    if look.check(vec![known.clone()]).holds_alone(Value::Text(text)) {
                        set(answers, bits);
                    }
                }
            }
        }
    }
}

fn set(answers: &mut [u64], bits: &[u32]) {
    for bit in bits {
        answers[*bit as usize / 64] |= 1 << (bit % 64);
    }
}

/// Texts by their letters, from one end: all that a text begins with are found in one walk along it.
#[derive(Debug)]
struct Trie {
    nodes: Vec<TrieNode>,
    /// Where a first letter leads, by its byte; 0 for nowhere. Most texts go no further.
    first: Vec<u32>,
}

#[derive(Debug, Default)]
struct TrieNode {
    next: Vec<(u8, u32)>,
    bits: Vec<u32>,
}

impl Trie {
    fn of<'a, I: Iterator<Item = u8>>(texts: impl Iterator<Item = (I, &'a [u32])>) -> Self {
        let mut trie = Self { nodes: vec![TrieNode::default()], first: vec![0; 256] };
        for (text, bits) in texts {
            let mut at = 0;
            for byte in text {
                let known = trie.nodes[at].next.iter().find(|(known, _)| *known == byte).map(|(_, next)| *next);
                at = known.unwrap_or_else(|| {
                    trie.nodes.push(TrieNode::default());
                    let next = trie.nodes.len() as u32 - 1;
                    trie.nodes[at].next.push((byte, next));
                    next
                }) as usize;
            }
            trie.nodes[at].bits.extend(bits);
        }
        for (byte, next) in &trie.nodes[0].next {
            trie.first[usize::from(*byte)] = *next;
        }
        trie
    }

    fn look(&self, mut text: impl Iterator<Item = u8>, answers: &mut [u64]) {
        set(answers, &self.nodes[0].bits);
        let first = text.next().map_or(0, |byte| self.first[usize::from(byte)]);
        if first == 0 {
            return;
        }
        let mut node = &self.nodes[first as usize];
        set(answers, &node.bits);
        for byte in text {
            let Some((_, next)) = node.next.iter().find(|(known, _)| *known == byte) else { return };
            node = &self.nodes[*next as usize];
            set(answers, &node.bits);
        }
    }
}
