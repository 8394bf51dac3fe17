//! A profile as a readable file, and back.
//!
//! ```toml
//! format = 1
//! image = "nginx:1.27"
//! digest = "sha256:..."
//! full = []
//!
//! [program."/usr/sbin/nginx"]
//! listens = [
//!     "tcp 80",
//! ]
//! ```
//!
//! Sorted, a fact a line: two of them compare well with `diff`. Characters that act on a terminal are written as
//! escapes, so that the file can be shown anywhere and is read back as the same.

use super::peer::{self, Peer};
use super::{Kind, OUTSIDE, Profile, general};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use taffrail_trace::text;

/// The largest file that is read.
pub const DOCUMENT_MAX_BYTES: usize = 1 << 20;

/// The form of the file.
const FORMAT: u32 = 1;
/// The longest fact, program or name that is read.
const TEXT_BYTES: usize = 512;

/// Why a file is no profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is larger than any profile.
    #[error("a model is at most {DOCUMENT_MAX_BYTES} bytes, this has {0}")]
    Size(usize),
    /// It is not TOML, or has other keys.
    #[error("line {line}: {message}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        message: String,
    },
    /// It is of another version.
    #[error("format = {0}: this version reads format {FORMAT}")]
    Format(u32),
    /// A fact says nothing.
    #[error("{program}: {kind}: {fact:?}: expected {expected}")]
    Fact {
        /// The program.
        program: String,
        /// The kind.
        kind: Kind,
        /// What was written.
        fact: String,
        /// What can be written.
        expected: &'static str,
    },
    /// A program has no path.
    #[error("{0:?}: a program is an absolute path, or \"{OUTSIDE}\"")]
    Program(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    format: u32,
    image: Option<String>,
    digest: Option<String>,
    #[serde(default)]
    full: BTreeSet<Kind>,
    #[serde(default)]
    program: BTreeMap<String, BTreeMap<Kind, Vec<String>>>,
}

impl Profile {
    /// The profile as a file.
    pub fn to_toml(&self) -> String {
        let mut out = format!("format = {FORMAT}\n");
        for (key, value) in [("image", &self.image), ("digest", &self.digest)] {
            if let Some(value) = value {
                // Writing into a String cannot fail.
                let _ = writeln!(out, "{key} = {}", quoted(value));
            }
        }
        if self.full().next().is_some() {
            list(&mut out, "full", self.full().map(Kind::as_str));
        }
        for (program, habits) in self.programs() {
            let _ = writeln!(out, "\n[program.{}]", quoted(program));
            for kind in Kind::ALL {
                if !habits.of(kind).is_empty() {
                    list(&mut out, kind.as_str(), habits.of(kind).iter().map(String::as_str));
                }
            }
        }
        out
    }

    /// Reads a profile. What is finer than events say is generalised as they are.
    ///
    /// # Errors
    /// [`DocumentError`], with the line or the fact.
    pub fn from_toml(text: &str) -> Result<Self, DocumentError> {
        if text.len() > DOCUMENT_MAX_BYTES {
            return Err(DocumentError::Size(text.len()));
        }
        let form: Form = toml::from_str(text).map_err(|error| {
            let until = error.span().map_or(0, |span| span.start.min(text.len()));
            let line = text.as_bytes()[..until].iter().filter(|byte| **byte == b'\n').count() + 1;
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            DocumentError::Form { line, message }
        })?;
        if form.format != FORMAT {
            return Err(DocumentError::Format(form.format));
        }
        let mut profile = Self::default();
        (profile.image, profile.digest) = (form.image, form.digest);
        for (program, kinds) in &form.program {
            let program = program_of(program)?;
            profile.insert_program(&program);
            for (kind, facts) in kinds {
                for fact in facts {
                    let fact = fact_of(&program, *kind, fact)?;
                    if !profile.has(&program, *kind, &fact) {
                        profile.insert(&program, *kind, &fact);
                    }
                }
            }
        }
        form.full.into_iter().for_each(|kind| profile.fill(kind));
        Ok(profile)
    }
}

/// A program as events name it.
fn program_of(written: &str) -> Result<String, DocumentError> {
    if written == OUTSIDE {
        return Ok(OUTSIDE.to_owned());
    }
    if !written.starts_with('/') || written.len() > TEXT_BYTES {
        return Err(DocumentError::Program(written.chars().take(TEXT_BYTES).collect()));
    }
    // An applet stands behind its file.
    let mut out = String::new();
    match written.rsplit_once("busybox ").or_else(|| written.rsplit_once("toybox ")) {
        Some((_, applet)) => {
            general::path(written[..written.len() - applet.len()].trim_end(), &mut out);
            out.push(' ');
            out.push_str(applet);
        }
        None => general::written_path(written, &mut out),
    }
    Ok(out)
}

/// A fact as events say it.
fn fact_of(program: &str, kind: Kind, written: &str) -> Result<String, DocumentError> {
    let expected = match kind {
        Kind::Runs => "the absolute path of a program",
        Kind::Listens => "a protocol and a port: `tcp 80`, `udp ephemeral`",
        Kind::Connects => {
            "`tcp 198.51.100.0/24 443`, with `any` or `loopback` for a network, `any` or `ephemeral` for a port; or `unix /run/x.sock`"
        }
        Kind::Names => "a domain name, or `**.example.org` for all below one",
        Kind::Writes => "an absolute path of a directory, or `/srv/cache/**` for all below one",
        Kind::Privileges => "a word such as `setuid`",
    };
    let mut out = String::new();
    let fits = written.len() <= TEXT_BYTES
        && match kind {
            Kind::Runs => match program_of(written) {
                Ok(program) if program != OUTSIDE => {
                    out = program;
                    true
                }
                _ => false,
            },
            Kind::Listens => port_of(written, &mut out),
            Kind::Connects => match (written.strip_prefix("unix "), Peer::parse(written)) {
                (Some(path), _) => {
                    peer::write_unix(path, &mut out, &mut String::new());
                    !path.is_empty()
                }
                (None, Some(peer)) => {
                    out = peer.generalised();
                    true
                }
                (None, None) => false,
            },
            Kind::Names => {
                general::written_name(written, &mut out);
                !written.is_empty()
            }
            Kind::Writes => {
                general::written_path(written, &mut out);
                written.starts_with('/')
            }
            Kind::Privileges => {
                out.push_str(written);
                !written.is_empty()
            }
        };
    if fits {
        return Ok(out);
    }
    let fact = written.chars().take(TEXT_BYTES).collect();
    Err(DocumentError::Fact { program: program.to_owned(), kind, fact, expected })
}

fn port_of(written: &str, out: &mut String) -> bool {
    let Some((protocol, port)) = written.split_once(' ') else { return false };
    out.push_str(protocol);
    out.push(' ');
    match port.parse() {
        Ok(number) => general::port(number, out),
        Err(_) => out.push_str(port),
    }
    matches!(protocol, "tcp" | "udp") && (port == "ephemeral" || peer::is_port(port))
}

fn list<'a>(out: &mut String, key: &str, facts: impl Iterator<Item = &'a str>) {
    // Writing into a String cannot fail.
    let _ = writeln!(out, "{key} = [");
    for fact in facts {
        let _ = writeln!(out, "    {},", quoted(fact));
    }
    out.push_str("]\n");
}

/// A text as TOML's basic string, with escapes for what acts on a terminal.
pub fn quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    let mut buffer = [0; 4];
    for ch in value.chars() {
        match ch {
            '"' | '\\' => out.extend(['\\', ch]),
            ch if text::shown(ch.encode_utf8(&mut buffer)) != *ch.encode_utf8(&mut [0; 4]) => {
                // Writing into a String cannot fail.
                let _ = write!(out, "\\U{:08X}", u32::from(ch));
            }
            ch => out.push(ch),
        }
    }
    out.push('"');
    out
}
