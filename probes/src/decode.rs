//! Bytes of a ring buffer to a [`Record`], with every length checked.

use taffrail_probes_abi::{
    Class, Header, Kind, RECORD_MAX_BYTES,
    call::{Call, Completed},
    cgroup::{Attach, Cgroup},
    io::{Hello, Terminal, Totals, Use},
    network::{DNS_MAX_BYTES, Dns, Flow},
    process::{Credentials, Exec, Exit, Fork, Thread},
    syscall::Syscall,
};

use crate::plain::{self, Plain};

/// One record of the kernel side, borrowed from the buffer it was drained to.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// What, when, where and by whom.
    pub header: Header,
    /// The header's kind, checked.
    pub kind: Kind,
    /// The ring buffer it belongs to.
    pub class: Class,
    /// The kind's own part.
    pub body: Body<'a>,
}

/// What a record tells beyond its header. Strings are raw bytes; *walked* ones go through [`walked_path`].
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// A program image was run.
    Exec {
        /// The fixed part.
        exec: Exec,
        /// Executable, walked.
        exe: &'a [u8],
        /// Working directory, walked.
        cwd: &'a [u8],
        /// What was asked to be run.
        name: &'a [u8],
        /// Arguments, each ended by a NUL.
        args: &'a [u8],
        /// Environment, each variable ended by a NUL.
        environment: &'a [u8],
    },
    /// A process was made.
    Fork(Fork),
    /// A process ended.
    Exit(Exit),
    /// A process made a thread.
    Thread(Thread),
    /// A system call that is reported one by one; see [`Call`] for what the strings are.
    Call {
        /// The fixed part.
        call: Call,
        /// Names and texts.
        names: Names<'a>,
        /// Who the actor is after it, for calls on privileges.
        credentials: Option<Credentials>,
    },
    /// A request of `io_uring` is over.
    Completed {
        /// The fixed part.
        completed: Completed,
        /// The file that was opened, walked.
        path: &'a [u8],
    },
    /// A step in the life of a flow.
    Flow(Flow),
    /// A DNS message.
    Dns {
        /// The fixed part.
        dns: Dns,
        /// The payload.
        payload: &'a [u8],
    },
    /// The first bytes of a TLS client.
    Hello {
        /// The fixed part.
        hello: Hello,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A file is used that was opened elsewhere.
    Use {
        /// The fixed part.
        used: Use,
        /// The file, walked.
        path: &'a [u8],
    },
    /// A file that was used is closed.
    Totals(Totals),
    /// Bytes on a terminal.
    Terminal {
        /// The fixed part.
        terminal: Terminal,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// A system call at level `full`.
    Syscall(Syscall),
    /// A cgroup was made or removed.
    Cgroup {
        /// The fixed part.
        cgroup: Cgroup,
        /// Path below the hierarchy's root.
        path: &'a [u8],
    },
    /// A process was moved to another cgroup.
    Attach(Attach),
}

/// The strings of a [`Call`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Names<'a> {
    /// Walked path of the file itself or of the directory that `path` is relative to.
    pub base: &'a [u8],
    /// As the program passed it.
    pub path: &'a [u8],
    /// Walked path of the directory that `new_path` is relative to.
    pub new_base: &'a [u8],
    /// As the program passed it.
    pub new_path: &'a [u8],
    /// `path` as it was when the call began.
    pub entered: &'a [u8],
    /// Another text of the call.
    pub data: &'a [u8],
    /// `new_path`, or `data` where there is none, as it was when the call began.
    pub entered_second: &'a [u8],
}

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Fewer bytes than the header and the kind's body need.
    #[error("{have} bytes are too few for a record that needs {need}")]
    Short {
        /// Bytes at hand.
        have: usize,
        /// Bytes needed.
        need: usize,
    },
    /// The header's length is not the length of the bytes, or beyond the longest record.
    #[error("the header says {said} bytes where there are {have}")]
    Length {
        /// What the header says.
        said: u32,
        /// Bytes at hand.
        have: usize,
    },
    /// No such kind.
    #[error("no kind of record has the number {0}")]
    Kind(u16),
    /// The strings' lengths don't add up to the record's end.
    #[error("the strings take {said} bytes where {have} are left")]
    Strings {
        /// Sum of the lengths that the body gives.
        said: usize,
        /// Bytes after the body.
        have: usize,
    },
}

impl Record<'_> {
    /// Decodes one record, as it lay in the ring buffer.
    ///
    /// # Errors
    ///
    /// When a length is wrong or the kind is unknown: an object of another build, or damage.
    pub fn decode(bytes: &[u8]) -> Result<Record<'_>, DecodeError> {
        let header: Header = fixed(bytes)?;
        if header.len as usize != bytes.len() || bytes.len() > RECORD_MAX_BYTES {
            return Err(DecodeError::Length { said: header.len, have: bytes.len() });
        }
        let kind = Kind::from_raw(header.kind).ok_or(DecodeError::Kind(header.kind))?;
        let rest = &bytes[size_of::<Header>()..];
        let body = match kind {
            Kind::Exec => exec(rest)?,
            Kind::Fork => Body::Fork(alone(rest)?),
            Kind::Exit => Body::Exit(alone(rest)?),
            Kind::Thread => Body::Thread(alone(rest)?),
            Kind::Open | Kind::File | Kind::Privilege | Kind::Kernel | Kind::Socket => call(rest)?,
            Kind::Completed => {
                let (completed, [path]) = with_strings(rest, |body: &Completed| [body.base_len])?;
                Body::Completed { completed, path }
            }
            Kind::Connect | Kind::Accept | Kind::Listen | Kind::Established | Kind::FlowEnd => Body::Flow(alone(rest)?),
            Kind::Dns => dns(rest)?,
            Kind::Hello => {
                let (hello, [bytes]) = with_strings(rest, |body: &Hello| [body.data_len])?;
                Body::Hello { hello, bytes }
            }
            Kind::CgroupMake | Kind::CgroupRemove => {
                let (cgroup, [path]) = with_strings(rest, |body: &Cgroup| [body.path_len])?;
                Body::Cgroup { cgroup, path }
            }
            Kind::CgroupAttach => Body::Attach(alone(rest)?),
            Kind::Use => {
                let (used, [path]) = with_strings(rest, |body: &Use| [body.path_len])?;
                Body::Use { used, path }
            }
            Kind::Totals => Body::Totals(alone(rest)?),
            Kind::Terminal => {
                let (terminal, [bytes]) = with_strings(rest, |body: &Terminal| [body.data_len])?;
                Body::Terminal { terminal, bytes }
            }
            Kind::Syscall => Body::Syscall(alone(rest)?),
        };
        Ok(Record { header, kind, class: kind.class(), body })
    }
}

/// A body of a fixed size at the front of `bytes`.
fn fixed<T: Plain>(bytes: &[u8]) -> Result<T, DecodeError> {
    plain::read(bytes).ok_or(DecodeError::Short { have: bytes.len(), need: size_of::<T>() })
}

/// A body that has no strings.
fn alone<T: Plain>(bytes: &[u8]) -> Result<T, DecodeError> {
    let (body, []) = with_strings(bytes, |_: &T| [])?;
    Ok(body)
}

/// A body and its strings, whose lengths it gives.
fn with_strings<T: Plain, const N: usize>(
    bytes: &[u8],
    lens: impl FnOnce(&T) -> [u16; N],
) -> Result<(T, [&[u8]; N]), DecodeError> {
    let body = fixed(bytes)?;
    let strings = strings(&bytes[size_of::<T>()..], lens(&body))?;
    Ok((body, strings))
}

/// Splits what follows a body into its strings, which must fill it exactly.
fn strings<const N: usize>(bytes: &[u8], lens: [u16; N]) -> Result<[&[u8]; N], DecodeError> {
    let said = lens.iter().map(|len| usize::from(*len)).sum();
    if said != bytes.len() {
        return Err(DecodeError::Strings { said, have: bytes.len() });
    }
    let mut rest = bytes;
    Ok(lens.map(|len| {
        let (string, after) = rest.split_at(usize::from(len));
        rest = after;
        string
    }))
}

fn exec(bytes: &[u8]) -> Result<Body<'_>, DecodeError> {
    let (exec, [exe, cwd, name, args, environment]) = with_strings(bytes, |body: &Exec| body.lens)?;
    Ok(Body::Exec { exec, exe, cwd, name, args, environment })
}

fn call(bytes: &[u8]) -> Result<Body<'_>, DecodeError> {
    let (call, [base, path, new_base, new_path, entered, data, credentials, entered_second]) =
        with_strings(bytes, |body: &Call| body.lens)?;
    let names = Names { base, path, new_base, new_path, entered, data, entered_second };
    Ok(Body::Call { call, names, credentials: plain::read(credentials) })
}

/// The payload lies in an area of one size.
fn dns(bytes: &[u8]) -> Result<Body<'_>, DecodeError> {
    let dns: Dns = fixed(bytes)?;
    let area = &bytes[size_of::<Dns>()..];
    let kept = usize::from(dns.data_len);
    match area.get(..kept) {
        Some(payload) if area.len() == DNS_MAX_BYTES => Ok(Body::Dns { dns, payload }),
        _ => Err(DecodeError::Strings { said: kept, have: area.len() }),
    }
}

/// Turns a walked path round: `env\0bin\0usr\0` becomes `/usr/bin/env`, nothing becomes `/`. Where the walk was cut
/// the outermost components are missing and the result begins with `.../`.
pub fn walked_path(raw: &[u8], cut: bool) -> Vec<u8> {
    let mut path = Vec::with_capacity(raw.len() + 4);
    if cut {
        path.extend_from_slice(b"...");
    }
    // A component that is empty or "/" is the root of a file system that the walk could not leave.
    for component in raw.split(|byte| *byte == 0).rev().filter(|name| !name.is_empty() && *name != b"/") {
        path.push(b'/');
        path.extend_from_slice(component);
    }
    if path.is_empty() || path == b"..." {
        path.push(b'/');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::walked_path;

    #[test]
    fn a_walked_path_is_turned_round() {
        assert_eq!(walked_path(b"env\0bin\0usr\0", false), b"/usr/bin/env");
        assert_eq!(walked_path(b"", false), b"/");
        assert_eq!(walked_path(b"env\0bin\0", true), b".../bin/env");
        assert_eq!(walked_path(b"", true), b".../");
        assert_eq!(walked_path(b"x\0/\0", false), b"/x");
    }
}
