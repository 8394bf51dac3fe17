//! Kernel records to the bodies of events: no state, no identity.
//!
//! ```text
//! process   exec, exit            file      names and changes of files
//! privilege, kernel               what was asked of the kernel, in words
//! network   flows, odd sockets    dns, tls  what packets and first bytes say
//! ```

pub mod dns;
pub mod file;
pub mod kernel;
pub mod network;
pub mod privilege;
pub mod process;
pub mod tls;
mod words;

use taffrail_probes::abi::call::{USER_PATH_MAX_BYTES, call_flags};
use taffrail_probes::abi::header_flags::{ABI_I386, ABI_X32, IO_URING, PATH_CUT};
use taffrail_probes::abi::{Header, call::Call};
use taffrail_probes::walked_path;
use taffrail_trace::event::{Abi, PathSource};
use taffrail_trace::text;

/// How a call was made.
pub fn abi(header: &Header) -> Abi {
    match header.flags {
        flags if flags & IO_URING != 0 => Abi::IoUring,
        flags if flags & ABI_I386 != 0 => Abi::I386,
        flags if flags & ABI_X32 != 0 => Abi::X32,
        _ => Abi::X86_64,
    }
}

/// A walked path as text.
pub fn walked(header: &Header, raw: &[u8]) -> String {
    text::from_bytes(&walked_path(raw, header.flags & PATH_CUT != 0))
}

/// The first name of a call: the kernel's where it has one, else the program's made absolute.
fn first_name(header: &Header, call: &Call, base: &[u8], path: &[u8]) -> (String, PathSource) {
    if call.what & call_flags::KERNEL_PATH != 0 {
        return (walked(header, base), PathSource::Kernel);
    }
    // What io_uring took over lies in the kernel's own copy.
    let source = if header.flags & IO_URING != 0 { PathSource::Kernel } else { PathSource::User };
    (joined(header, call, base, path), source)
}

/// The second name of a call, likewise.
fn second_name(header: &Header, call: &Call, base: &[u8], path: &[u8]) -> String {
    if call.what & call_flags::KERNEL_NEW_PATH != 0 { walked(header, base) } else { joined(header, call, base, path) }
}

/// What a text was when the call began (`was_read` says whether that is known), where it is another one since.
fn rewritten(call: &Call, was_read: u16, before: &[u8], now: &[u8]) -> bool {
    // The two looks have room for one letter more or less of a name that is longer than names may be.
    let is_cut = before.len() + 1 >= USER_PATH_MAX_BYTES && now.starts_with(before);
    call.what & was_read != 0 && before != now && !is_cut
}

/// A name that a program passed, made absolute by the directory it is relative to and otherwise left as passed.
fn joined(header: &Header, call: &Call, base: &[u8], path: &[u8]) -> String {
    if path.first() == Some(&b'/') {
        return text::from_bytes(path);
    }
    let base_unknown = call.what & call_flags::BASE_UNKNOWN != 0;
    let mut whole = if base_unknown { b"?".to_vec() } else { walked_path(base, header.flags & PATH_CUT != 0) };
    if !path.is_empty() {
        if whole.last() != Some(&b'/') {
            whole.push(b'/');
        }
        whole.extend_from_slice(path);
    }
    text::from_bytes(&whole)
}

/// A result as tables have it: 0, or a negative errno.
fn outcome(result: i64) -> i32 {
    result.clamp(i64::from(i32::MIN), 0) as i32
}

/// A user or group id that a call was given, or none where it says "leave as it is".
fn id(argument: u64) -> u32 {
    argument as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_name_is_joined_to_its_directory_and_an_absolute_one_left_alone() {
        let (header, call) = (Header::default(), Call::default());
        let lost = Call { what: call_flags::BASE_UNKNOWN, ..call };
        assert_eq!(joined(&header, &call, b"work\0home\0", b"../x"), "/home/work/../x");
        assert_eq!(joined(&header, &call, b"", b"/etc/passwd"), "/etc/passwd");
        assert_eq!(joined(&header, &call, b"", b"x"), "/x");
        assert_eq!(joined(&header, &lost, b"", b"x"), "?/x");
    }
}
