//! Bytes that were typed, put together into lines: keys come one by one, and some take others back.

/// Adds bytes to a line of at most `most`; `ended` is given every line that they end.
pub fn add(line: &mut Vec<u8>, bytes: &[u8], most: usize, mut ended: impl FnMut(&[u8])) {
    let mut before = 0;
    for byte in bytes {
        match byte {
            b'\n' if before == b'\r' => {}
            b'\n' | b'\r' => {
                ended(line);
                line.clear();
            }
            // A character may be several bytes.
            0x7f | 0x08 => while line.pop().is_some_and(|last| last & 0xc0 == 0x80) {},
            byte if line.len() < most => line.push(*byte),
            _ => {}
        }
        before = *byte;
    }
}

#[cfg(test)]
mod tests {
    use super::add;

    #[test]
    fn keys_become_lines_without_what_was_taken_back() {
        let mut line = Vec::new();
        let mut lines = Vec::new();
        for bytes in ["l", "x", "\u{7f}", "s\r", "echo \u{fc}\u{20ac}\u{8}\u{8}u\r\nid\n\nw"] {
            add(&mut line, bytes.as_bytes(), 100, |line| lines.push(String::from_utf8_lossy(line).into_owned()));
        }
        assert_eq!(lines, ["ls", "echo u", "id", ""]);
        assert_eq!(line, b"w");
    }
}
