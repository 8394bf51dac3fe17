//! What a bundle proves: that nothing in it was changed, who signed it, and whether something is missing *inside*.
//!
//! ```text
//! members     each against SHA256SUMS, and no others            Verdict
//! signature   of SHA256SUMS, by whom                            Signature
//! chains      the segments it was made of, without a break      Chain
//! gaps        what the gap table says is missing, and how much  Stretch, Coverage
//! ```

use super::{Bundle, OpenError, SIGNATURE, SUMS, Verdict};
use crate::clock::UtcNs;
use crate::event::Class;
use crate::ids::ContainerKey;
use crate::manifest::SegmentRef;
use crate::schema::GAP;
use crate::signature::{NAMESPACE, SignedBy};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{TimestampNanosecondType, UInt64Type};
use arrow_array::{Array as _, RecordBatch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The most gaps that are looked at.
const GAPS_MAX: usize = 100_000;
/// The classes and causes of gaps are words.
const GAP_WORD_MAX_BYTES: usize = 64;

/// Everything that can be said of a bundle without trusting anybody.
#[derive(Clone, Debug)]
pub struct Proof {
    /// Whether the members are what SHA256SUMS says.
    pub verdict: Verdict,
    /// Who says so.
    pub signature: Signature,
    /// What is missing in it.
    pub inside: Inside,
}

/// Who signed a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signature {
    /// Nobody.
    None,
    /// There is a signature, and it is not this bundle's; why.
    Broken(String),
    /// Whoever has this key.
    By(SignedBy),
}

/// What is missing in a bundle that is what was sealed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Inside {
    /// The chain of segments of each class.
    pub chains: Vec<Chain>,
    /// The gaps, by time; `None` where the bundle has no gap table.
    pub gaps: Option<Vec<Stretch>>,
    /// How much of the window has no gap; empty where there is no gap table.
    pub coverage: Vec<Coverage>,
    /// Tables that are not as long as the manifest says, in words.
    pub wrong: Vec<String>,
}

/// The segments of one class that a bundle was made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Chain {
    /// Which class.
    pub class: Class,
    /// How many segments there are.
    pub segments: u64,
    /// The number of the first.
    pub first: u64,
    /// The number of the last.
    pub last: u64,
    /// Numbers that are missing between them, first and last of each stretch.
    pub missing: Vec<(u64, u64)>,
    /// Segments that do not name the one before them.
    pub broken: Vec<u64>,
    /// Whether the bundle says what each names; those of formats 1 and 2 do not.
    pub is_linked: bool,
}

/// A row of the gap table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stretch {
    /// `vital` or `bulk`.
    pub class: String,
    /// Why, as in the table.
    pub cause: String,
    /// How many events; nothing where that cannot be known.
    pub lost: Option<u64>,
    /// From when.
    pub from_utc_ns: UtcNs,
    /// Until when.
    pub to_utc_ns: UtcNs,
    /// Whether they were surely this container's.
    pub own: bool,
}

/// How much of the window has no gap in one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Coverage {
    /// Which class.
    pub class: Class,
    /// Percent of the window's time, 0 to 100.
    pub percent: f64,
}

/// What a log of chain heads says of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Compared {
    /// Lines that name a segment of it as the bundle does.
    pub same: u64,
    /// Segments that the log names otherwise: the chain was made anew after that line was written.
    pub other: Vec<(Class, u64)>,
}

impl Chain {
    /// Whether every segment is there and names the one before it.
    pub fn is_whole(&self) -> bool {
        self.missing.is_empty() && self.broken.is_empty()
    }
}

impl Bundle {
    /// Compares, checks the signature, and looks for what is missing inside.
    ///
    /// # Errors
    /// [`OpenError`] where the file cannot be read, has no readable SHA256SUMS, or is intact and cannot be read as what
    /// it says it is.
    pub fn prove(&self) -> Result<Proof, OpenError> {
        let verdict = self.verify()?;
        let inside = match verdict {
            Verdict::Intact(_) => self.inside()?,
            // What was changed says nothing about what is missing.
            Verdict::Altered(_) => Inside::default(),
        };
        Ok(Proof { verdict, signature: self.signature()?, inside })
    }

    /// Who signed SHA256SUMS.
    ///
    /// # Errors
    /// [`OpenError`] where a member cannot be read.
    pub fn signature(&self) -> Result<Signature, OpenError> {
        let (Some(sums), Some(signature)) = (self.text(SUMS)?, self.text(SIGNATURE)?) else {
            return Ok(match &self.manifest().signature_namespace {
                // Taking the signature away must not make of a bundle that was signed one that never was.
                Some(_) => Signature::Broken("the manifest says that there is one, and it is gone".to_owned()),
                None => Signature::None,
            });
        };
        Ok(match SignedBy::check(&signature, NAMESPACE, &sums) {
            Ok(signed) => Signature::By(signed),
            Err(reason) => Signature::Broken(reason),
        })
    }

    /// Compares the segments that it was made of, and the newest when it was sealed, with the lines of a `chain.log` that
    /// was kept elsewhere. Lines of other containers, and those that are none, say nothing.
    pub fn compare(&self, log: &str) -> Compared {
        /// What of a line is looked at.
        #[derive(Deserialize)]
        struct Line {
            container_key: ContainerKey,
            class: Class,
            seq: u64,
            sha256: String,
        }
        let manifest = self.manifest();
        let segments = manifest.segments.iter().map(|it| ((it.class, it.seq), it.sha256.as_str()));
        let heads = manifest.chain_heads.iter().map(|it| ((it.class, it.seq), it.sha256.as_str()));
        let known: BTreeMap<(Class, u64), &str> = segments.chain(heads).collect();
        let mut compared = Compared::default();
        for line in log.lines().filter_map(|line| serde_json::from_str::<Line>(line).ok()) {
            if line.container_key != manifest.container.key {
                continue;
            }
            match known.get(&(line.class, line.seq)) {
                Some(sha256) if *sha256 == line.sha256 => compared.same += 1,
                Some(_) => compared.other.push((line.class, line.seq)),
                None => {}
            }
        }
        compared
    }

    fn inside(&self) -> Result<Inside, OpenError> {
        let chains = Class::ALL.into_iter().filter_map(|class| chain(class, &self.manifest().segments)).collect();
        let mut wrong = Vec::new();
        for table in &self.manifest().tables {
            let names = ["events", "state"].map(|dir| format!("{dir}/{}.parquet", table.name));
            match names.iter().find(|name| self.members().contains_key(*name)) {
                None => wrong.push(format!("the manifest has a table {} that is not there", table.name)),
                Some(name) => {
                    let rows = self.rows(name)?;
                    if rows != table.rows {
                        wrong.push(format!("{name} has {rows} rows, and the manifest says {}", table.rows));
                    }
                }
            }
        }
        if !self.members().contains_key(&GAP.member()) {
            return Ok(Inside { chains, gaps: None, coverage: Vec::new(), wrong });
        }
        let mut gaps = Vec::new();
        self.each_batch::<OpenError>(&GAP.member(), GAPS_MAX, &mut |batch| {
            let rows = stretches(&batch).ok_or_else(|| self.refused("its gap table is not one of ours".to_owned()))?;
            gaps.extend(rows);
            Ok(())
        })?;
        gaps.sort_by_key(|gap| gap.from_utc_ns);
        let coverage = Class::ALL.map(|class| Coverage { class, percent: self.covered(class, &gaps) }).to_vec();
        Ok(Inside { chains, gaps: Some(gaps), coverage, wrong })
    }

    /// Percent of the window in which a class has no gap. `gaps` are by time.
    fn covered(&self, class: Class, gaps: &[Stretch]) -> f64 {
        let manifest = self.manifest();
        let (from, to) = (manifest.clock.utc(manifest.window.from_ns), manifest.clock.utc(manifest.window.to_ns));
        let window = i128::from(to) - i128::from(from);
        if window <= 0 {
            return if gaps.iter().any(|gap| gap.class == class.as_str()) { 0.0 } else { 100.0 };
        }
        let (mut missing, mut until) = (0_i128, from);
        for gap in gaps.iter().filter(|gap| gap.class == class.as_str()) {
            let (begin, end) = (gap.from_utc_ns.max(until), gap.to_utc_ns.min(to));
            if end > begin {
                missing += i128::from(end) - i128::from(begin);
                until = end;
            }
        }
        100.0 * (window - missing) as f64 / window as f64
    }
}

/// What the segments of a class say of their chain; nothing where there are none.
fn chain(class: Class, segments: &[SegmentRef]) -> Option<Chain> {
    let mut own: Vec<&SegmentRef> = segments.iter().filter(|segment| segment.class == class).collect();
    own.sort_by_key(|segment| segment.seq);
    let (first, last) = (own.first()?.seq, own.last()?.seq);
    let (mut missing, mut broken) = (Vec::new(), Vec::new());
    for pair in own.windows(2) {
        let (before, after) = (pair[0], pair[1]);
        if after.seq == before.seq {
            broken.push(after.seq);
        } else if after.seq - before.seq > 1 {
            missing.push((before.seq + 1, after.seq - 1));
        } else if after.previous.as_ref().is_some_and(|previous| *previous != before.sha256) {
            broken.push(after.seq);
        }
    }
    let is_linked = own.iter().all(|segment| segment.previous.is_some());
    Some(Chain { class, segments: own.len() as u64, first, last, missing, broken, is_linked })
}

/// The rows of a gap table; nothing where its columns are others, or have what no recorder writes.
fn stretches(batch: &RecordBatch) -> Option<Vec<Stretch>> {
    let text = |name: &str| batch.column_by_name(name)?.as_string_opt::<i32>();
    let time = |name: &str| batch.column_by_name(name)?.as_primitive_opt::<TimestampNanosecondType>();
    let (class, cause, from, to) = (text("class")?, text("cause")?, time("from_time")?, time("to_time")?);
    let lost = batch.column_by_name("lost")?.as_primitive_opt::<UInt64Type>()?;
    let own = batch.column_by_name("own")?.as_boolean_opt()?;
    // All of them are held: a hostile text of a megabyte in each row would not fit.
    if (0..batch.num_rows()).any(|at| class.value(at).len().max(cause.value(at).len()) > GAP_WORD_MAX_BYTES) {
        return None;
    }
    let row = |at| Stretch {
        class: class.value(at).to_owned(),
        cause: cause.value(at).to_owned(),
        lost: lost.is_valid(at).then(|| lost.value(at)),
        from_utc_ns: from.value(at),
        to_utc_ns: to.value(at),
        own: own.value(at),
    };
    Some((0..batch.num_rows()).map(row).collect())
}
