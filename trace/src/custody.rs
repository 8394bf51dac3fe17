//! Custody: what was done with evidence, one line after the other, each naming the one before it.
//!
//! A line is a JSON object that ends with its signature, where there is one:
//!
//! ```text
//! {"previous":"<64 hex>","time":"...","act":"seal",...,"signature":"-----BEGIN SSH SIGNATURE-----\n..."}
//! ```
//!
//! `previous` is the SHA-256 of the line before, without its line end; zeros in the first. Signed, for
//! [`CUSTODY_NAMESPACE`], is the line without `,"signature":"..."`. What was cut off at the end of a log cannot be seen in
//! it, so a log is worth as much as the last line of it that somebody else has.

use crate::clock;
use crate::signature::{CUSTODY_NAMESPACE, KeyError, SignedBy, Signer};
use crate::text::hex;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// The longest line: names and ids, and a signature of 300 bytes.
const LINE_MAX_BYTES: usize = 64 << 10;
/// What stands between a line and its signature.
const SIGNATURE: &str = ",\"signature\":\"";

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Act {
    /// A recorder sealed a bundle.
    Seal,
    /// A bundle was made of another one, with less in it.
    Redact,
    /// A bundle, or a report of it, was written to where it leaves by.
    Export,
}

/// What an export is beside the bundle that it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Export {
    /// SHA-256 of the file that was written, in hex, as `sha256sum` prints it.
    pub file_sha256: String,
    /// For whom, in the words of who exported it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
}

/// One line, without its place in the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deed {
    /// What was done.
    pub act: Act,
    /// Name and version of the program that did it.
    pub tool: String,
    /// Id of the bundle that came of it, or that was exported.
    pub bundle: String,
    /// The name of the file that was written.
    pub file: String,
    /// SHA-256 of that bundle's SHA256SUMS, in hex. Nothing in the line that lies in the bundle itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sums_sha256: Option<String>,
    /// Id of the bundle that it was made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original: Option<String>,
    /// SHA-256 of that one's SHA256SUMS, in hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_sums_sha256: Option<String>,
    /// Of an export alone.
    #[serde(flatten)]
    pub export: Option<Export>,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// SHA-256 of the line before, in hex; zeros in the first.
    pub previous: String,
    /// When, RFC 3339 in UTC.
    pub time: String,
    /// What was done.
    #[serde(flatten)]
    pub deed: Deed,
}

/// A line as it was found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// What it says; why not, where it is no line of ours.
    pub entry: Result<Entry, String>,
    /// Whether it names the line before it.
    pub is_linked: bool,
    /// Who signed it; nothing where nobody did, and what is wrong where it is no signature of this line.
    pub signature: Result<Option<SignedBy>, String>,
}

/// Why nothing could be written down.
#[derive(Debug, thiserror::Error)]
pub enum CustodyError {
    /// The log cannot be read or written.
    #[error("cannot write the custody log {}: {source}", path.display())]
    Io {
        /// The log.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The line could not be signed.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The line could not be made: a fault of this program.
    #[error("cannot write a line of custody: {0}")]
    Line(#[from] serde_json::Error),
}

/// The digest of a file that leaves, as [`Export`] has it.
pub fn digest(file: &[u8]) -> String {
    hex(&Sha256::digest(file))
}

/// The log with one more line: what `log` ends with is what the new line names.
///
/// # Errors
/// [`CustodyError`] where it cannot be signed.
pub fn extended(log: &str, deed: Deed, signer: Option<&Signer>) -> Result<String, CustodyError> {
    let line = line_after(log.lines().next_back(), deed, signer)?;
    let end = if log.is_empty() || log.ends_with('\n') { "" } else { "\n" };
    Ok(format!("{log}{end}{line}\n"))
}

/// Appends a line to the log at `path`, durably, one writer at a time. The file is made (0600) where it is not there.
///
/// # Errors
/// [`CustodyError`]; the log is what it was then, or ends with part of a line, which reading it reports.
pub fn append(path: &Path, deed: Deed, signer: Option<&Signer>) -> Result<(), CustodyError> {
    let io_error = |source| CustodyError::Io { path: path.to_owned(), source };
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(io_error)?;
    file.lock().map_err(io_error)?;
    let end = last_bytes(&mut file).map_err(io_error)?;
    let line = line_after(end.lines().next_back(), deed, signer)?;
    // Behind a line that was cut short this is one of its own.
    let begin = if end.is_empty() || end.ends_with('\n') { "" } else { "\n" };
    file.write_all(format!("{begin}{line}\n").as_bytes()).and_then(|()| file.sync_data()).map_err(io_error)
}

/// Looks at every line of a log, whoever wrote it.
pub fn check(log: &str) -> Vec<Checked> {
    let mut previous = "0".repeat(64);
    let mut checked = Vec::new();
    for line in log.lines() {
        let (signed, signature) = taken_apart(line);
        let entry = if line.len() > LINE_MAX_BYTES {
            Err(format!("it is {} bytes long, more than {LINE_MAX_BYTES}", line.len()))
        } else {
            serde_json::from_str::<Entry>(&signed).map_err(|error| format!("it cannot be read: {error}"))
        };
        let is_linked = entry.as_ref().is_ok_and(|entry| entry.previous == previous);
        let by = |text: String| SignedBy::check(text.as_bytes(), CUSTODY_NAMESPACE, signed.as_bytes());
        let signature = signature.and_then(|text| text.map(by).transpose());
        checked.push(Checked { entry, is_linked, signature });
        previous = hex(&Sha256::digest(line.as_bytes()));
    }
    checked
}

fn line_after(before: Option<&str>, deed: Deed, signer: Option<&Signer>) -> Result<String, CustodyError> {
    let previous = before.map_or_else(|| "0".repeat(64), |line| hex(&Sha256::digest(line.as_bytes())));
    let entry = Entry { previous, time: clock::rfc3339(clock::utc_now()), deed };
    let mut line = serde_json::to_string(&entry)?;
    if let Some(signer) = signer {
        let signature = serde_json::to_string(&signer.sign(CUSTODY_NAMESPACE, line.as_bytes())?)?;
        line.truncate(line.len() - 1);
        line.push_str(SIGNATURE);
        line.push_str(&signature[1..]);
        line.push('}');
    }
    Ok(line)
}

/// What of a line is signed, and its signature.
fn taken_apart(line: &str) -> (String, Result<Option<String>, String>) {
    let Some((body, signature)) = line.strip_suffix("\"}").and_then(|line| line.rsplit_once(SIGNATURE)) else {
        return (line.to_owned(), Ok(None));
    };
    let text = serde_json::from_str(&format!("\"{signature}\"")).map_err(|error| format!("it is no text: {error}"));
    (format!("{body}}}"), text.map(Some))
}

/// The end of a file, with at least its last line where that is not too long.
fn last_bytes(file: &mut File) -> io::Result<String> {
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(LINE_MAX_BYTES as u64)))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    // The first line of it may be cut anywhere; a log of ours is UTF-8.
    Ok(String::from_utf8_lossy(&end).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deed(bundle: &str) -> Deed {
        Deed {
            act: Act::Seal,
            tool: "taffrail test".to_owned(),
            bundle: bundle.to_owned(),
            file: format!("web-{bundle}.evidence.zip"),
            sums_sha256: Some("5".repeat(64)),
            original: None,
            original_sums_sha256: None,
            export: None,
        }
    }

    fn key(dir: &Path) -> Signer {
        Signer::read_or_make(&dir.join("host_key"), "test").expect("a key")
    }

    #[test]
    fn each_line_names_the_one_before_and_is_signed() {
        let dir = tempfile::tempdir().expect("a directory");
        let (path, signer) = (dir.path().join("custody.log"), key(dir.path()));
        for bundle in ["aa", "bb", "cc"] {
            append(&path, deed(bundle), Some(&signer)).expect("appended");
        }
        let log = std::fs::read_to_string(&path).expect("the log");
        let checked = check(&log);
        assert_eq!(checked.len(), 3);
        for line in &checked {
            assert!(line.is_linked);
            let by = line.signature.as_ref().expect("a good one").as_ref().expect("a signature");
            assert_eq!(by.fingerprint(), signer.fingerprint());
        }
        assert_eq!(checked[1].entry.as_ref().expect("a line").deed, deed("bb"));
        assert_eq!(extended(&log, deed("dd"), None).map(|log| check(&log).len()).ok(), Some(4));
    }

    #[test]
    fn an_export_says_which_file_left_and_for_whom() {
        let export = Export { file_sha256: "6".repeat(64), to: Some("the insurer".to_owned()) };
        let deed = Deed { act: Act::Export, export: Some(export), ..deed("aa") };
        let log = extended("", deed.clone(), None).expect("a line");
        assert!(log.contains("\"act\":\"export\"") && log.contains("\"to\":\"the insurer\""), "{log}");
        assert_eq!(check(&log)[0].entry.as_ref().expect("a line").deed, deed);
    }

    #[test]
    fn a_line_that_was_changed_taken_out_or_put_in_shows() {
        let dir = tempfile::tempdir().expect("a directory");
        let signer = key(dir.path());
        let mut log = String::new();
        for bundle in ["aa", "bb", "cc"] {
            log = extended(&log, deed(bundle), Some(&signer)).expect("a line");
        }
        let changed = check(&log.replace("web-bb", "web-xx"));
        assert!(changed[1].signature.is_err() && !changed[2].is_linked && changed[2].signature.is_ok());
        let lines: Vec<&str> = log.lines().collect();
        let out = check(&[lines[0], lines[2]].join("\n"));
        assert!(out[0].is_linked && !out[1].is_linked);
        let foreign = extended(&format!("{}\n", lines[0]), deed("evil"), None).expect("a line");
        let put_in = check(&format!("{foreign}{}", lines[1]));
        assert!(put_in[1].is_linked && matches!(put_in[1].signature, Ok(None)), "nobody signed it");
        assert!(!put_in[2].is_linked);
    }

    #[test]
    fn after_a_line_that_was_cut_short_the_log_goes_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("custody.log");
        append(&path, deed("aa"), None).expect("appended");
        let whole = std::fs::read_to_string(&path).expect("the log");
        std::fs::write(&path, format!("{whole}{}", &whole[..40])).expect("written");
        append(&path, deed("bb"), None).expect("appended");
        let checked = check(&std::fs::read_to_string(&path).expect("the log"));
        assert_eq!(checked.len(), 3);
        assert!(checked[1].entry.is_err() && checked[2].entry.is_ok() && checked[2].is_linked);
    }

    #[test]
    fn no_log_makes_it_stop() {
        for log in
            ["", "\n", "{}", "\"}", ",\"signature\":\"\"}", "{\"a\":1,\"signature\":\"\\u12\"}", "\u{0}\n\u{ffff}"]
        {
            assert!(check(log).iter().all(|line| line.entry.is_err()), "{log:?}");
        }
    }
}
