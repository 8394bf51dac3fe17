//! The files and addresses that events are about.

use crate::state::recording::{Body, Event, Recording, Sym};

/// The file that an event is about.
pub fn file_of(recording: &Recording, event: &Event) -> Option<Sym> {
    match event.body {
        Body::File(at) => recording.files.get(at as usize).map(|file| file.path),
        Body::Io(at) => recording.ios.get(at as usize).map(|io| io.path),
        Body::Start(at) | Body::End(at) => recording.image(at).and_then(|image| image.exe),
        Body::Kernel(at) => recording.calls.get(at as usize).and_then(|call| call.path),
        _ => None,
    }
}

pub fn names_file(recording: &Recording, event: &Event, file: &str) -> bool {
    let is = |sym: Option<Sym>| recording.text_of(sym) == Some(file);
    let renamed = |at: u32| recording.files.get(at as usize).is_some_and(|row| is(row.new_path));
    is(file_of(recording, event)) || matches!(event.body, Body::File(at) if renamed(at))
}

/// `192.0.2.1` of `192.0.2.1:80`, `2001:db8::1` of `[2001:db8::1]:80`, a path as it is.
pub fn host(end: &str) -> &str {
    let address = match end.rsplit_once(':') {
        Some((address, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => address,
        _ => end,
    };
    address.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(address)
}

/// The address or name that an event is about.
pub fn address_of<'a>(recording: &'a Recording, event: &Event) -> Option<&'a str> {
    match event.body {
        Body::FlowBegin(at) | Body::FlowEnd(at) => {
            let flow = recording.flows.get(at as usize)?;
            Some(host(recording.text(flow.remote?)))
        }
        Body::Dns(at) => recording.messages.get(at as usize).map(|message| recording.text(message.name)),
        _ => None,
    }
}

pub fn names_address(recording: &Recording, event: &Event, address: &str) -> bool {
    address_of(recording, event).is_some_and(|known| known == address)
        || match event.body {
            Body::FlowBegin(at) | Body::FlowEnd(at) => {
                let name = recording.flows.get(at as usize).and_then(|flow| flow.server_name);
                recording.text_of(name) == Some(address)
            }
            Body::Dns(at) => recording
                .messages
                .get(at as usize)
                .is_some_and(|message| recording.text(message.answers).split(", ").any(|answer| answer == address)),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use super::host;

    #[test]
    fn an_address_is_told_from_its_port() {
        assert_eq!(host("192.0.2.1:80"), "192.0.2.1");
        assert_eq!(host("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(host("2001:db8::dead"), "2001:db8::dead");
        assert_eq!(host("/run/docker.sock"), "/run/docker.sock");
    }
}
