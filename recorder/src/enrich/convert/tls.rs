//! The server that a TLS client names in its hello (RFC 8446 section 4.1.2, RFC 6066 section 3).
//!
//! The hello is often longer than what is kept of it, so it is read piece by piece up to the name, and what comes behind
//! may be missing.

use taffrail_trace::text;

/// Type of the extension, and of the only kind of name there is.
const SERVER_NAME: u16 = 0;
const HOST_NAME: u8 = 0;

/// The name, where the bytes begin with a client's hello that has one.
pub fn server_name(bytes: &[u8]) -> Option<String> {
    let mut hello = Reader(bytes);
    // The record: type, version, length. The handshake: type, length. The hello: version, random.
    hello.skip(5)?;
    hello.skip(4)?;
    hello.skip(34)?;
    let session = hello.byte()?;
    hello.skip(usize::from(session))?;
    let ciphers = hello.word()?;
    hello.skip(usize::from(ciphers))?;
    let compressions = hello.byte()?;
    hello.skip(usize::from(compressions))?;
    hello.word()?;
    loop {
        let (kind, len) = (hello.word()?, hello.word()?);
        if kind != SERVER_NAME {
            hello.skip(usize::from(len))?;
            continue;
        }
        let mut list = Reader(hello.skip(usize::from(len))?);
        list.word()?;
        if list.byte()? != HOST_NAME {
            return None;
        }
        let len = list.word()?;
        return list.skip(usize::from(len)).map(text::from_bytes);
    }
}

/// Bytes that are left.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The next `len` bytes.
    fn skip(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.skip(1).map(|byte| byte[0])
    }

    fn word(&mut self) -> Option<u16> {
        self.skip(2).map(|word| u16::from_be_bytes([word[0], word[1]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03".to_vec();
        bytes.extend([7; 32]);
        bytes.extend(b"\x00\x00\x02\x13\x01\x01\x00");
        bytes.extend((extensions.len() as u16).to_be_bytes());
        bytes.extend(extensions);
        bytes
    }

    const NAMED: &[u8] = b"\x00\x17\x00\x00\x00\x00\x00\x13\x00\x11\x00\x00\x0ec2.example.com\x00\x10\x00\x00";

    #[test]
    fn the_name_is_read_and_what_lies_behind_it_may_be_missing() {
        let whole = hello(NAMED);
        assert_eq!(server_name(&whole).as_deref(), Some("c2.example.com"));
        assert_eq!(server_name(&whole[..whole.len() - 4]).as_deref(), Some("c2.example.com"));
        assert_eq!(server_name(&whole[..whole.len() - 5]), None, "half a name is none");
        assert_eq!(server_name(&hello(b"\x00\x17\x00\x00")), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = server_name(&bytes);
            let _ = server_name(&hello(&bytes));
        }
    }
}
