//! Signatures as `ssh-keygen -Y sign` makes them, and the keys for that: what everybody's OpenSSH can check.
//!
//! ```text
//! Signer       a private key, read from a file or made; signs
//! Signature    the armored text in SHA256SUMS.sig, taken for an attacker's
//! Trusted      the public keys that somebody vouches for, with their names
//! ```
//!
//! Keys are Ed25519. Format: PROTOCOL.sshsig and PROTOCOL.key of OpenSSH; allowed signers as in ssh-keygen(1).

use ssh_key::private::{Ed25519Keypair, KeypairData};
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

/// What a bundle's signature is for; `ssh-keygen -Y verify -n` wants it.
pub const NAMESPACE: &str = "taffrail-evidence";
/// What the signature of a line of custody is for. Another one, so that neither can be taken for the other.
pub const CUSTODY_NAMESPACE: &str = "taffrail-custody";
/// The longest key or signature that is read: those of Ed25519 have some 400 bytes.
const TEXT_MAX_BYTES: usize = 16 << 10;
/// The longest list of allowed signers.
const SIGNERS_MAX_BYTES: usize = 1 << 20;

/// Why a key cannot be used, or a signature is none.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// A file cannot be read or made.
    #[error("cannot use the key {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no key that can be used, and why.
    #[error("{}: {reason}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A signature could not be made: a fault of this program.
    #[error("cannot sign: {0}")]
    Sign(ssh_key::Error),
}

/// A private key that signs.
#[derive(Clone)]
pub struct Signer {
    key: PrivateKey,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.fingerprint()).finish()
    }
}

impl Signer {
    /// Reads a private key in OpenSSH's format: Ed25519, without a passphrase, closed to everybody else.
    ///
    /// # Errors
    /// [`KeyError`], which says what to do.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let unusable = |reason: String| KeyError::Unusable { path: path.to_owned(), reason };
        not_open_to_others(path)?;
        let text = read_text(path, TEXT_MAX_BYTES)?;
        let key = PrivateKey::from_openssh(&text).map_err(|error| {
            unusable(format!("not a private key in OpenSSH's format ({error}); make one with `ssh-keygen -t ed25519`"))
        })?;
        if key.is_encrypted() {
            let take = "take one without (`ssh-keygen -p -N ''` on a copy), since nobody is there to type it";
            return Err(unusable(format!("the key has a passphrase; {take}")));
        }
        supported(&key.algorithm()).map_err(unusable)?;
        Ok(Self { key })
    }

    /// The key at `path`, made there the first time with its public half beside it (`.pub`).
    ///
    /// # Errors
    /// [`KeyError`] where neither can be done.
    pub fn read_or_make(path: &Path, comment: &str) -> Result<Self, KeyError> {
        if path.exists() { Self::read(path) } else { Self::make(path, comment) }
    }

    fn make(path: &Path, comment: &str) -> Result<Self, KeyError> {
        let io_error = |source| KeyError::Io { path: path.to_owned(), source };
        let signer = Self::random(comment)?;
        std::fs::write(public_path(path), format!("{}\n", signer.public()?)).map_err(io_error)?;
        // Half a key is none: it has its name when it is whole.
        let partial = path.with_extension("partial");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let text = signer.key.to_openssh(LineEnding::LF).map_err(KeyError::Sign)?;
        options
            .open(&partial)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| std::fs::rename(&partial, path))
            .map_err(io_error)?;
        Ok(signer)
    }

    fn random(comment: &str) -> Result<Self, KeyError> {
        let random = Path::new("/dev/urandom");
        let mut seed = [0; 32];
        File::open(random)
            .and_then(|mut file| file.read_exact(&mut seed))
            .map_err(|source| KeyError::Io { path: random.to_owned(), source })?;
        let pair = KeypairData::Ed25519(Ed25519Keypair::from_seed(&seed));
        PrivateKey::new(pair, comment).map(|key| Self { key }).map_err(KeyError::Sign)
    }

    /// The public half as one line, as in a `.pub` file.
    ///
    /// # Errors
    /// [`KeyError::Sign`], a fault of this program.
    pub fn public(&self) -> Result<String, KeyError> {
        self.key.public_key().to_openssh().map_err(KeyError::Sign)
    }

    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Signs for `namespace`: armored text, ending with a line's end.
    ///
    /// # Errors
    /// [`KeyError::Sign`], a fault of this program.
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String, KeyError> {
        let signature = self.key.sign(namespace, HashAlg::Sha512, message).map_err(KeyError::Sign)?;
        let mut text = signature.to_pem(LineEnding::LF).map_err(KeyError::Sign)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }
}

/// Where the public half of a key is.
pub fn public_path(private: &Path) -> PathBuf {
    let mut name = private.as_os_str().to_owned();
    name.push(".pub");
    PathBuf::from(name)
}

/// A signature that fits what it is of: somebody who has the key signed exactly that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedBy {
    key: ssh_key::public::KeyData,
}

impl SignedBy {
    /// Checks armored text, whoever wrote it, as the signature of `message` for `namespace`.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn check(text: &[u8], namespace: &str, message: &[u8]) -> Result<Self, String> {
        if text.len() > TEXT_MAX_BYTES {
            return Err(format!("it is {} bytes long, more than {TEXT_MAX_BYTES}", text.len()));
        }
        let signature = SshSig::from_pem(text).map_err(|error| format!("it is no SSH signature ({error})"))?;
        supported(&signature.algorithm())?;
        if signature.namespace() != namespace {
            return Err(format!("it is for {:?} and not for {namespace}", signature.namespace()));
        }
        let key = PublicKey::new(signature.public_key().clone(), "");
        key.verify(namespace, message, &signature).map_err(|_| "it is not the signature of this".to_owned())?;
        Ok(Self { key: signature.public_key().clone() })
    }

    /// `SHA256:...`, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// The public key as one line, as in a `.pub` file.
    pub fn public(&self) -> String {
        // An Ed25519 key, which is all that `check` lets in, can always be written.
        PublicKey::new(self.key.clone(), "").to_openssh().unwrap_or_default()
    }
}

/// The public keys that somebody vouches for.
#[derive(Clone, Debug, Default)]
pub struct Trusted {
    keys: Vec<(String, PublicKey)>,
}

impl Trusted {
    /// A file with one public key, as `ssh-keygen` writes it beside a private one.
    ///
    /// # Errors
    /// [`KeyError`], which says what to do; a private key is refused too.
    pub fn key(path: &Path) -> Result<Self, KeyError> {
        let unusable = |reason: String| KeyError::Unusable { path: path.to_owned(), reason };
        let text = read_text(path, TEXT_MAX_BYTES)?;
        if text.contains("PRIVATE KEY") {
            return Err(unusable("this is a private key; name its public half (`.pub`)".to_owned()));
        }
        let key = PublicKey::from_openssh(text.trim())
            .map_err(|error| unusable(format!("not a public key in OpenSSH's format ({error})")))?;
        supported(&key.algorithm()).map_err(unusable)?;
        let name = if key.comment().is_empty() { path.display().to_string() } else { key.comment().to_owned() };
        Ok(Self { keys: vec![(name, key)] })
    }

    /// A list of allowed signers as in ssh-keygen(1): principals, options, key. Of the options `namespaces=` is kept to;
    /// another one would limit a key in a way that is not checked here, so it is refused.
    ///
    /// # Errors
    /// [`KeyError`] with the line that cannot be used. Keys of another kind than Ed25519 are passed over.
    pub fn allowed_signers(path: &Path) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (number, line) in (1..).zip(read_text(path, SIGNERS_MAX_BYTES)?.lines()) {
            let unusable = |reason: String| KeyError::Unusable {
                path: path.to_owned(),
                reason: format!("line {number}: {reason}"),
            };
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                keys.extend(allowed_signer(line).map_err(unusable)?);
            }
        }
        Ok(Self { keys })
    }

    /// The name by which the signing key is known here, if it is.
    pub fn name_of(&self, signed: &SignedBy) -> Option<&str> {
        self.keys.iter().find(|(_, key)| *key.key_data() == signed.key).map(|(name, _)| name.as_str())
    }
}

/// One line of allowed signers; nothing where its key cannot have signed evidence.
fn allowed_signer(line: &str) -> Result<Option<(String, PublicKey)>, String> {
    let (principals, rest) = line.split_once(char::is_whitespace).ok_or("a name and a key are expected")?;
    let rest = rest.trim_start();
    // Options come before the key, which begins with its type. A quoted option may hold blanks.
    let is_type = |word: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| word.starts_with(kind));
    let (options, key) = if is_type(rest) { ("", rest) } else { split_unquoted(rest, char::is_whitespace) };
    let mut rest = options;
    while !rest.is_empty() {
        let (option, others) = split_unquoted(rest, |ch| ch == ',');
        rest = others;
        match option.split_once('=') {
            Some(("namespaces", allowed)) => {
                let is_ours = |it: &str| it == NAMESPACE || it == "*";
                if !allowed.trim_matches('"').split(',').any(is_ours) {
                    return Ok(None);
                }
            }
            _ => return Err(format!("the option {option:?} is not known here; only namespaces= is")),
        }
    }
    let key = key.trim_start();
    if !key.starts_with("ssh-ed25519 ") {
        return Ok(None);
    }
    let key = PublicKey::from_openssh(key.trim()).map_err(|error| format!("not a public key ({error})"))?;
    Ok(Some((principals.to_owned(), key)))
}

/// What stands before the first such character outside of quotes, and what after it.
fn split_unquoted(text: &str, is_end: impl Fn(char) -> bool) -> (&str, &str) {
    let mut is_quoted = false;
    let end = text.char_indices().find(|(_, ch)| {
        is_quoted ^= *ch == '"';
        !is_quoted && is_end(*ch)
    });
    end.map_or((text, ""), |(at, ch)| (&text[..at], &text[at + ch.len_utf8()..]))
}

fn supported(algorithm: &Algorithm) -> Result<(), String> {
    match algorithm {
        Algorithm::Ed25519 => Ok(()),
        other => Err(format!("a key of type {other} is not supported; take ssh-ed25519")),
    }
}

fn read_text(path: &Path, max: usize) -> Result<String, KeyError> {
    let io_error = |source| KeyError::Io { path: path.to_owned(), source };
    let mut text = String::new();
    File::open(path).map_err(io_error)?.take(max as u64 + 1).read_to_string(&mut text).map_err(io_error)?;
    if text.len() > max {
        return Err(KeyError::Unusable { path: path.to_owned(), reason: format!("longer than {max} bytes") });
    }
    Ok(text)
}

/// A private key that others can read is nobody's any more. `ssh` refuses it too.
#[cfg(unix)]
fn not_open_to_others(path: &Path) -> Result<(), KeyError> {
    let meta = std::fs::metadata(path).map_err(|source| KeyError::Io { path: path.to_owned(), source })?;
    let for_others = std::os::unix::fs::MetadataExt::mode(&meta) & 0o077;
    if for_others != 0 {
        let reason = "others can read this private key; close it with `chmod 600`".to_owned();
        return Err(KeyError::Unusable { path: path.to_owned(), reason });
    }
    Ok(())
}

#[cfg(not(unix))]
fn not_open_to_others(_path: &Path) -> Result<(), KeyError> {
    Ok(())
}
