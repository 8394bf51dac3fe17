//! `taffrail verify`

use crate::Outcome;
use crate::cli::{TrustArgs, VerifyArgs};
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read as _, Write};
use std::path::Path;
use taffrail_trace::bundle::proof::{Chain, Compared, Inside, Proof, Signature, Stretch};
use taffrail_trace::bundle::{Bundle, Mismatch, OpenError, Verdict};
use taffrail_trace::clock::rfc3339;
use taffrail_trace::manifest::Redaction;
use taffrail_trace::signature::{KeyError, SignedBy, Trusted, public_path};
use taffrail_trace::text;

/// The most gaps that are listed for a person; JSON has them all.
const GAPS_SHOWN: usize = 10;
/// The longest log of chain heads that is read: a million lines.
const LOG_MAX_BYTES: u64 = 256 << 20;

/// Says of each bundle whether it is whole and what was sealed, by whom, and what is missing in it.
pub fn run(args: &VerifyArgs) -> Result<Outcome> {
    let trust = Trust::of(&args.trust)?;
    let log = args.chain_log.as_deref().map(read_log).transpose()?;
    let mut out = io::stdout().lock();
    let (mut outcome, mut unreadable) = (Outcome::Fine, None);
    for path in &args.bundles {
        let proved = Bundle::open(path).and_then(|bundle| {
            let proof = bundle.prove()?;
            let compared = log.as_ref().map(|log| bundle.compare(log));
            Ok((proof, compared, bundle.manifest().redaction.clone()))
        });
        let answer = match proved {
            Ok((proof, compared, redaction)) => Answer { redaction, ..Answer::of(proof, compared, &trust) },
            // What cannot be read at all is an error; what was read and is no evidence fails verification.
            Err(error @ OpenError::Io { .. }) => {
                unreadable.get_or_insert(error);
                continue;
            }
            Err(error) => Answer::refused(&error),
        };
        if !answer.is_fine {
            outcome = Outcome::Negative;
        }
        if args.json {
            writeln!(out, "{}", answer.json(path))?;
        } else {
            answer.write(path, &mut out)?;
        }
    }
    out.flush()?;
    unreadable.map_or(Ok(outcome), |error| Err(error.into()))
}

/// The lines of a log of chain heads.
fn read_log(path: &Path) -> Result<String> {
    let mut log = Vec::new();
    File::open(path)
        .and_then(|file| file.take(LOG_MAX_BYTES).read_to_end(&mut log))
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(String::from_utf8_lossy(&log).into_owned())
}

/// Whose signatures count.
pub struct Trust {
    keys: Trusted,
    /// Whether somebody named keys: then no other will do, and none neither.
    is_asked: bool,
}

impl Trust {
    /// The keys that were named, else this host's own where there is one.
    pub fn of(args: &TrustArgs) -> Result<Self, KeyError> {
        Ok(match (&args.key, &args.allowed_signers) {
            (Some(key), _) => Self { keys: Trusted::key(key)?, is_asked: true },
            (None, Some(list)) => Self { keys: Trusted::allowed_signers(list)?, is_asked: true },
            // Only who may read the directory has it.
            (None, None) => {
                let own = public_path(&args.state_dir.join("host_key"));
                Self { keys: Trusted::key(&own).unwrap_or_default(), is_asked: false }
            }
        })
    }

    /// Whether a signature, or that there is none, will do, and the words for it.
    pub fn says(&self, signed: Option<&SignedBy>) -> (bool, String) {
        let Some(signed) = signed else {
            let what = if self.is_asked { "a signature was asked for" } else { "this shows damage, not who made it" };
            return (!self.is_asked, format!("unsigned: {what}"));
        };
        let fingerprint = signed.fingerprint();
        match (self.keys.name_of(signed), self.is_asked) {
            (Some(name), _) => (true, format!("signed by {} ({fingerprint})", text::shown(name))),
            (None, true) => (false, format!("signed by an unknown key ({fingerprint}), not by one that was named")),
            (None, false) => (true, format!("signed by {fingerprint}, which nobody here vouches for")),
        }
    }

    /// Whether the key is one that somebody vouches for.
    pub fn knows(&self, signed: &SignedBy) -> bool {
        self.keys.name_of(signed).is_some()
    }
}

/// What is said of one bundle.
struct Answer {
    is_fine: bool,
    /// One word.
    verdict: &'static str,
    /// What it is, in a sentence.
    summary: String,
    signature: Option<String>,
    signed: Option<(SignedBy, bool)>,
    wrong: Vec<String>,
    inside: Inside,
    compared: Option<Compared>,
    redaction: Option<Redaction>,
}

impl Answer {
    fn of(proof: Proof, compared: Option<Compared>, trust: &Trust) -> Self {
        let mut answer = Self::new("intact", String::new());
        answer.inside = proof.inside;
        for (class, seq) in compared.iter().flat_map(|compared| &compared.other) {
            answer.wrong.push(format!("{} segment {seq} is another one in the chain log", class.as_str()));
        }
        answer.compared = compared;
        match proof.verdict {
            Verdict::Intact(members) => answer.summary = format!("{members} members match SHA256SUMS"),
            Verdict::Altered(wrong) => {
                answer.summary = format!("{} of its members do not match SHA256SUMS", wrong.len());
                answer.wrong.extend(wrong.iter().map(words));
            }
        }
        match proof.signature {
            Signature::Broken(reason) => {
                answer.wrong.push(format!("SHA256SUMS.sig does not hold: {}", text::shown(&reason)));
            }
            Signature::None => answer.judge(trust, None),
            Signature::By(signed) => answer.judge(trust, Some(signed)),
        }
        answer.wrong.append(&mut answer.inside.wrong);
        for chain in &answer.inside.chains {
            let class = chain.class.as_str();
            let broken = |seq: &u64| format!("{class} segment {seq} does not follow from the one before it");
            answer.wrong.extend(chain.broken.iter().map(broken));
        }
        if !answer.wrong.is_empty() {
            answer.verdict = "altered";
        }
        answer.is_fine &= answer.wrong.is_empty();
        answer
    }

    fn new(verdict: &'static str, summary: String) -> Self {
        let (wrong, inside) = (Vec::new(), Inside::default());
        Self {
            is_fine: true,
            verdict,
            summary,
            signature: None,
            signed: None,
            wrong,
            inside,
            compared: None,
            redaction: None,
        }
    }

    fn refused(error: &OpenError) -> Self {
        let verdict = if matches!(error, OpenError::Truncated { .. }) { "truncated" } else { "refused" };
        Self { is_fine: false, ..Self::new(verdict, error.to_string()) }
    }

    fn judge(&mut self, trust: &Trust, signed: Option<SignedBy>) {
        let (will_do, words) = trust.says(signed.as_ref());
        if !will_do {
            self.is_fine = false;
            self.verdict = if signed.is_some() { "unknown" } else { "unsigned" };
        }
        self.signature = Some(words);
        self.signed = signed.map(|signed| {
            let is_known = trust.knows(&signed);
            (signed, is_known)
        });
    }

    fn write(&self, path: &Path, out: &mut dyn Write) -> io::Result<()> {
        let verdict = if self.is_fine { self.verdict.to_owned() } else { self.verdict.to_uppercase() };
        let summary = text::shown(&self.summary);
        if ["refused", "truncated"].contains(&self.verdict) {
            return writeln!(out, "{verdict:<9} {summary}");
        }
        writeln!(out, "{verdict:<9} {}: {summary}", text::shown(&path.to_string_lossy()))?;
        let mut line = |words: &str| writeln!(out, "          {}", text::shown(words));
        self.wrong.iter().try_for_each(|wrong| line(wrong))?;
        self.signature.iter().try_for_each(|words| line(words))?;
        if let Some(redaction) = &self.redaction {
            line(&redaction_words(redaction))?;
        }
        for chain in &self.inside.chains {
            line(&chain_words(chain))?;
        }
        if let Some(compared) = &self.compared {
            line(&match compared.same {
                0 => "the chain log names none of its segments".to_owned(),
                same => format!("{same} lines of the chain log name its segments as it does"),
            })?;
        }
        let Some(gaps) = &self.inside.gaps else {
            return if self.verdict == "intact" {
                line("no gap table: it does not say what is missing")
            } else {
                Ok(())
            };
        };
        let covered: Vec<String> =
            self.inside.coverage.iter().map(|it| format!("{} {} %", it.class.as_str(), percent(it.percent))).collect();
        line(&format!("without a known gap: {} of the window's time", covered.join(", ")))?;
        gaps.iter().take(GAPS_SHOWN).try_for_each(|gap| line(&gap_words(gap)))?;
        match gaps.len().saturating_sub(GAPS_SHOWN) {
            0 => Ok(()),
            more => line(&format!("and {more} gaps more, in the table gap")),
        }
    }

    fn json(&self, path: &Path) -> Value {
        let signed = self.signed.as_ref().map(|(signed, is_known)| {
            json!({ "fingerprint": signed.fingerprint(), "public_key": signed.public(), "known": is_known })
        });
        json!({
            "path": path.to_string_lossy(),
            "fine": self.is_fine,
            "verdict": self.verdict,
            "summary": self.summary,
            "wrong": self.wrong,
            "signature": self.signature,
            "signed_by": signed,
            "redaction": self.redaction,
            "chain_log": self.compared,
            "chains": self.inside.chains,
            "coverage": self.inside.coverage,
            "gaps": self.inside.gaps,
        })
    }
}

fn redaction_words(redaction: &Redaction) -> String {
    let kinds: BTreeSet<&str> = redaction.removed.iter().map(|removed| removed.what.as_str()).collect();
    let what = match kinds.len() {
        0 => "nothing was found to take out".to_owned(),
        _ => format!("taken out: {}", kinds.into_iter().collect::<Vec<_>>().join(", ")),
    };
    format!("redacted from {} with {}; {what}", redaction.original_id, redaction.tool)
}

fn chain_words(chain: &Chain) -> String {
    let Chain { segments, first, last, .. } = chain;
    let missing: Vec<String> = chain
        .missing
        .iter()
        .map(|(from, to)| if from == to { format!("{from}") } else { format!("{from} to {to}") })
        .collect();
    let linked = if chain.is_linked { "each names the one before" } else { "by number alone, an older format" };
    let whole = match missing.as_slice() {
        [] => format!("none missing, {linked}"),
        missing => format!("MISSING {}", missing.join(", ")),
    };
    let which = match segments {
        1 => format!("1 segment, {first}"),
        _ => format!("{segments} segments, {first} to {last}"),
    };
    format!("{}: {which}, {whole}", chain.class.as_str())
}

fn gap_words(gap: &Stretch) -> String {
    let lost = gap.lost.map_or_else(|| "an unknown number of".to_owned(), |lost| lost.to_string());
    let whose = if gap.own { "" } else { ", of this container or another" };
    let (from, to) = (rfc3339(gap.from_utc_ns), rfc3339(gap.to_utc_ns));
    format!("gap: {lost} {} events ({}){whose}, {from} to {to}", gap.class, gap.cause)
}

/// One decimal, and never 100 where something is missing.
fn percent(percent: f64) -> String {
    if percent > 99.9 && percent < 100.0 { "99.9".to_owned() } else { format!("{percent:.1}") }
}

fn words(mismatch: &Mismatch) -> String {
    match mismatch {
        Mismatch::Changed(name) => format!("{name} is not what was written"),
        Mismatch::Missing(name) => format!("{name} is missing"),
        Mismatch::Added(name) => format!("{name} was not there when the bundle was sealed"),
        Mismatch::Checksum(name) => format!("{name} has another CRC-32 than the ZIP says: other readers refuse it"),
        Mismatch::Twice(name) => format!("SHA256SUMS names {name} twice"),
        Mismatch::BadLine(line) => format!("SHA256SUMS has a line that is none: {line}"),
    }
}
