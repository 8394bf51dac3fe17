//! Builds the kernel programs, or says whether the checked-in object is of today's sources.
//!
//! ```text
//! probes/ebpf, probes/abi -> rustc for bpfel-unknown-none -> bpf-linker -> strip -> probes/prebuilt/taffrail.bpf.o
//!                         -> SHA-256 of the sources and of the object            -> probes/prebuilt/sources.sha256
//! ```
//!
//! Building takes a compiler with the library's source, once a rustup nightly and else Debian's own packages; checking
//! takes nothing. Two compilers give two objects, so the object is not compared by building it again.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::test::{self, read};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

/// What the object is made from, files and folders.
const SOURCES: [&str; 5] =
    ["probes/abi/Cargo.toml", "probes/abi/src", "probes/ebpf/Cargo.lock", "probes/ebpf/Cargo.toml", "probes/ebpf/src"];
const OBJECT: &str = "probes/prebuilt/taffrail.bpf.o";
const SUMS: &str = "probes/prebuilt/sources.sha256";
const BPF_LINKER_VERSION: &str = "0.13.0";
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "rust-web-src", "llvm-22-dev"];
const DEBIAN_LLVM: &str = "/usr/lib/llvm-22";

/// Builds the object and writes the sums; with `check`, only compares the sums.
///
/// # Errors
///
/// When the object is not of these sources, when tools are missing and can't be installed, when the build fails.
pub fn run(check: bool) -> Result<()> {
    let root = test::root()?;
    if check {
        return check_sums(&root);
    }
    let toolchain = Toolchain::find()?;
    say(&format!("building the kernel programs with {}", toolchain.name))?;
    let built = toolchain.build(&root)?;
    toolchain.strip(&built, &root.join(OBJECT))?;
    let sums = sums(&root)?;
    let path = root.join(SUMS);
    std::fs::write(&path, &sums).with_context(|| format!("writing {}", path.display()))?;
    say(&format!("wrote {OBJECT} and {SUMS}"))
}

fn check_sums(root: &Path) -> Result<()> {
    let path = root.join(SUMS);
    let said = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    if said != sums(root)? {
        bail!("{OBJECT} is not of these sources: run `cargo xtask bpf` and commit what it writes");
    }
    say(&format!("{OBJECT} is of these sources"))
}

/// Two lines in the form of `sha256sum`: all sources as one, and the object.
fn sums(root: &Path) -> Result<String> {
    let mut files = Vec::new();
    for source in SOURCES {
        collect(root, Path::new(source), &mut files)?;
    }
    files.sort();
    let mut sources = Sha256::new();
    for file in &files {
        let content = read(&root.join(file))?;
        sources.update(file.as_bytes());
        sources.update([0]);
        sources.update((content.len() as u64).to_le_bytes());
        sources.update(&content);
    }
    let object = Sha256::digest(read(&root.join(OBJECT))?);
    Ok(format!("{}  sources\n{}  taffrail.bpf.o\n", hex(&sources.finalize()), hex(&object)))
}

/// Adds a file, or every file below a folder, by its path below the root.
fn collect(root: &Path, path: &Path, files: &mut Vec<String>) -> Result<()> {
    let full = root.join(path);
    if !full.is_dir() {
        files.push(path.to_str().context("a source whose name is not UTF-8")?.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(&full).with_context(|| format!("reading {}", full.display()))? {
        collect(root, &path.join(entry?.file_name()), files)?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn say(line: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{line}")?)
}

/// A compiler that can build the core library for the bpf target.
struct Toolchain {
    name: &'static str,
    /// Program and first arguments that stand for `cargo`.
    cargo: Vec<String>,
    /// The compiler, where it is not the one that this cargo would take.
    rustc: Option<&'static str>,
    sysroot: PathBuf,
}

impl Toolchain {
    /// A rustup nightly with the library's source, or Debian's packages, installed here where that is possible.
    fn find() -> Result<Toolchain> {
        let toolchain = match Toolchain::nightly().or_else(Toolchain::debian) {
            Some(toolchain) => toolchain,
            None if may_install() => {
                install_packages()?;
                Toolchain::debian().context("Debian's packages are installed and still there is no compiler")?
            }
            None => bail!(
                "no compiler for the kernel programs: `rustup toolchain install nightly --component rust-src`, or on \
                 Debian as root `apt-get install {}`",
                DEBIAN_PACKAGES.join(" ")
            ),
        };
        if output(Command::new("bpf-linker").arg("--version")).is_none() {
            toolchain.install_linker()?;
        }
        Ok(toolchain)
    }

    fn nightly() -> Option<Toolchain> {
        let sysroot: PathBuf =
            output(clean(&mut Command::new("rustup")).args(["run", "nightly", "rustc", "--print", "sysroot"]))?.into();
        let cargo = ["rustup", "run", "nightly", "cargo"].map(str::to_owned).to_vec();
        has_source(&sysroot).then_some(Toolchain { name: "rustup's nightly", cargo, rustc: None, sysroot })
    }

    fn debian() -> Option<Toolchain> {
        const RUSTC: &str = "/usr/bin/rustc";
        let sysroot: PathBuf = output(clean(&mut Command::new(RUSTC)).args(["--print", "sysroot"]))?.into();
        let cargo = vec!["cargo".to_owned()];
        (has_source(&sysroot) && Path::new(DEBIAN_LLVM).is_dir()).then_some(Toolchain {
            name: "Debian's rustc",
            cargo,
            rustc: Some(RUSTC),
            sysroot,
        })
    }

    fn install_linker(&self) -> Result<()> {
        if self.rustc.is_none() {
            bail!("bpf-linker is missing: `cargo install bpf-linker --version {BPF_LINKER_VERSION}`");
        }
        say("installing bpf-linker")?;
        let mut command = Command::new("cargo");
        command
            .env("LLVM_PREFIX", DEBIAN_LLVM)
            .env("LLVM_SYS_221_PREFIX", DEBIAN_LLVM)
            .args(["install", "bpf-linker", "--version", BPF_LINKER_VERSION])
            .args(["--no-default-features", "--features", "llvm-22"]);
        succeed(clean(&mut command))
    }

    /// Compiles and links; gives the object, debug information and all.
    fn build(&self, root: &Path) -> Result<PathBuf> {
        let target = root.join("target/bpf");
        let mut command = Command::new(&self.cargo[0]);
        clean(&mut command)
            .args(&self.cargo[1..])
            .args(["build", "--release", "--locked", "-Z", "build-std=core", "--target", "bpfel-unknown-none"])
            .arg("--target-dir")
            .arg(&target)
            .env("CARGO_ENCODED_RUSTFLAGS", self.flags(root)?.join("\x1f"))
            .env("RUSTC_BOOTSTRAP", "1")
            .current_dir(root.join("probes/ebpf"));
        if let Some(rustc) = self.rustc {
            command.env("RUSTC", rustc);
        }
        succeed(&mut command)?;
        Ok(target.join("bpfel-unknown-none/release/taffrail"))
    }

    /// Compiler flags. No path of this machine stays in the object.
    fn flags(&self, root: &Path) -> Result<Vec<String>> {
        let library = self.sysroot.join("lib/rustlib/src/rust");
        let home = std::env::home_dir().context("there is no home directory")?;
        let cargo = std::env::var_os("CARGO_HOME").map_or_else(|| home.join(".cargo"), PathBuf::from);
        let mut flags: Vec<String> =
            ["-Cdebuginfo=2", "-Clink-arg=--btf", "-Clinker=bpf-linker", "--cfg=bpf_target_arch=\"x86_64\""]
                .map(str::to_owned)
                .to_vec();
        // The later of two that match wins.
        let mut remap = |from: &Path, to: &str| flags.push(format!("--remap-path-prefix={}={to}", from.display()));
        remap(&cargo.join("registry/src"), "crates");
        remap(&library, "rust");
        if let Ok(library) = library.join("library").canonicalize() {
            remap(&library, "rust/library");
        }
        remap(root, "taffrail");
        Ok(flags)
    }

    /// Leaves BTF and takes the rest of the debug information out.
    fn strip(&self, from: &Path, to: &Path) -> Result<()> {
        let own = self.sysroot.join("lib/rustlib/x86_64-unknown-linux-gnu/bin/rust-objcopy");
        let tools =
            [own, Path::new(DEBIAN_LLVM).join("bin/llvm-objcopy"), "llvm-objcopy".into(), "rust-objcopy".into()];
        let tool = tools
            .iter()
            .find(|tool| output(Command::new(tool).arg("--version")).is_some())
            .context("no objcopy that knows bpf: install LLVM's tools or `rustup component add llvm-tools`")?;
        succeed(Command::new(tool).arg("--strip-debug").arg(from).arg(to))
    }
}

/// What the cargo that runs this sets for itself must not reach another one.
fn clean(command: &mut Command) -> &mut Command {
    for name in ["RUSTUP_TOOLCHAIN", "RUSTC", "RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO"] {
        command.env_remove(name);
    }
    command
}

fn has_source(sysroot: &Path) -> bool {
    sysroot.join("lib/rustlib/src/rust/library/core/Cargo.toml").is_file()
}

/// Root on a Debian.
fn may_install() -> bool {
    Path::new("/usr/bin/apt-get").is_file() && output(Command::new("id").arg("-u")).as_deref() == Some("0")
}

fn install_packages() -> Result<()> {
    say(&format!("installing {}", DEBIAN_PACKAGES.join(", ")))?;
    succeed(Command::new("apt-get").arg("update"))?;
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["install", "-y", "--no-install-recommends"]);
    succeed(command.args(DEBIAN_PACKAGES))
}

/// What a program prints, where there is one and it succeeds.
fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("running {command:?}"))?;
    if !status.success() {
        bail!("{command:?}: {status}");
    }
    Ok(())
}
