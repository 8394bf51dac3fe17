//! Where alarms are taken, and the token that is shown there.

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use subtle::ConstantTimeEq as _;

/// A token's file is no longer than this.
const TOKEN_MAX_BYTES: u64 = 1024;
/// A token shorter than this can be guessed.
const TOKEN_MIN_BYTES: usize = 16;

/// Where alarms are taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Listen {
    /// An address of this host that no other host reaches.
    Tcp(SocketAddr),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let expected = "expected 127.0.0.1:PORT, [::1]:PORT or unix:/PATH";
        if let Some(path) = text.strip_prefix("unix:") {
            let path = PathBuf::from(path);
            return if path.is_absolute() { Ok(Self::Unix(path)) } else { Err(format!("{text:?}: {expected}")) };
        }
        let address: SocketAddr = text.parse().map_err(|_| format!("{text:?}: {expected}"))?;
        if address.ip().is_loopback() {
            Ok(Self::Tcp(address))
        } else {
            Err(format!(
                "{text:?}: alarms are taken on loopback only; let a proxy that speaks TLS stand before it, {expected}"
            ))
        }
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

/// Why alarms cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum AlarmError {
    /// Nobody can listen there.
    #[error("configuration: alarm_listen = \"{listen}\": cannot listen there: {source}")]
    Bind {
        /// Where.
        listen: Listen,
        /// What the system said.
        source: io::Error,
    },
    /// Something else is in the socket's place.
    #[error("configuration: alarm_listen = \"unix:{}\": something that is no socket is there", path.display())]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The token's file cannot be read.
    #[error("configuration: alarm_token_file: cannot read {}: {source}", path.display())]
    TokenRead {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Others can read the token.
    #[error(
        "configuration: alarm_token_file: others than its owner may read {} (mode {mode:o}); `chmod 600` it", path.display()
    )]
    TokenOpen {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// It is no token.
    #[error(
        "configuration: alarm_token_file: {} has no line of {TOKEN_MIN_BYTES} to {TOKEN_MAX_BYTES} printable characters without a space; `openssl rand -hex 32` makes one", path.display()
    )]
    TokenForm {
        /// The file.
        path: PathBuf,
    },
}

/// What whoever raises an alarm shows. Its digest is kept, so that comparing takes the same time whatever is shown.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// Reads it from the first line of a file that only its owner may read.
    ///
    /// # Errors
    /// [`AlarmError`].
    pub fn read(path: &Path) -> Result<Self, AlarmError> {
        let cannot = |source| AlarmError::TokenRead { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(cannot)?;
        let mode = file.metadata().map_err(cannot)?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(AlarmError::TokenOpen { path: path.to_owned(), mode });
        }
        let mut text = Vec::new();
        file.take(TOKEN_MAX_BYTES + 2).read_to_end(&mut text).map_err(cannot)?;
        let token = text.strip_suffix(b"\n").unwrap_or(&text);
        let fits = (TOKEN_MIN_BYTES..=TOKEN_MAX_BYTES as usize).contains(&token.len());
        if !fits || !token.iter().all(u8::is_ascii_graphic) {
            return Err(AlarmError::TokenForm { path: path.to_owned() });
        }
        Ok(Self::of(token))
    }

    fn of(token: &[u8]) -> Self {
        Self(Sha256::digest(token).into())
    }

    /// Whether this is it.
    pub fn is(&self, shown: &[u8]) -> bool {
        self.0.ct_eq(&Self::of(shown).0).into()
    }
}

/// Removes a socket that a recorder that died left behind, and nothing else.
///
/// # Errors
/// [`AlarmError`].
pub fn clear(path: &Path) -> Result<(), AlarmError> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => {
            fs::remove_file(path).map_err(|source| AlarmError::Bind { listen: Listen::Unix(path.to_owned()), source })
        }
        Ok(_) => Err(AlarmError::NoSocket { path: path.to_owned() }),
        Err(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn only_loopback_and_sockets_in_the_file_system_are_listened_on() {
        for text in ["127.0.0.1:9911", "127.8.9.1:1", "[::1]:9911", "unix:/run/taffrail/alarm.sock"] {
            let listen = Listen::try_from(text.to_owned()).expect(text);
            assert_eq!(listen.to_string(), text);
        }
        for text in ["0.0.0.0:9911", "[::]:9911", "192.168.0.7:9911", "localhost:9911", "127.0.0.1", "unix:alarm", ""] {
            let error = Listen::try_from(text.to_owned()).expect_err(text);
            assert!(error.contains("expected 127.0.0.1:PORT"), "{error}");
        }
    }

    #[test]
    fn a_token_is_taken_only_from_a_file_that_nobody_else_reads() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("token");
        let read = |text: &str, mode: u32| {
            fs::write(&path, text).expect("write");
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
            Token::read(&path)
        };
        let token = read("0123456789abcdef0123\n", 0o600).expect("a token");
        assert!(token.is(b"0123456789abcdef0123"));
        for wrong in [&b"0123456789abcdef0124"[..], b"0123456789abcdef012", b"0123456789abcdef0123\n", b""] {
            assert!(!token.is(wrong));
        }
        assert!(matches!(read("0123456789abcdef0123\n", 0o640), Err(AlarmError::TokenOpen { mode: 0o640, .. })));
        for text in ["", "short\n", "two words of a long token\n", &"x".repeat(2000), "line\nline\nline\nline\n"] {
            assert!(matches!(read(text, 0o600), Err(AlarmError::TokenForm { .. })), "{text:?}");
        }
        assert_eq!(format!("{token:?}"), "Token(***)");
    }

    #[test]
    fn nothing_but_a_socket_makes_way() {
        let dir = tempfile::tempdir().expect("tempdir");
        let path = dir.path().join("place");
        clear(&path).expect("nothing there");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
        clear(&path).expect("a socket of before");
        fs::write(&path, "mine").expect("write");
        assert!(matches!(clear(&path), Err(AlarmError::NoSocket { .. })));
    }
}
