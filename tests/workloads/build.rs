//! Compiles the workloads: one static executable that needs nothing in its root directory.

use std::path::PathBuf;
use std::process::Command;
use std::{env, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=program");
    let of = |name| env::var(name).map_err(io::Error::other);
    let out = PathBuf::from(of("OUT_DIR")?).join("workloads");
    let status = Command::new(of("RUSTC")?)
        .args(["program/main.rs", "--crate-name", "workloads", "--edition", "2024"])
        .args(["--target", &of("TARGET")?])
        .args(["-C", "target-feature=+crt-static", "-C", "opt-level=2", "-C", "panic=abort", "-C", "strip=symbols"])
        .arg("-o")
        .arg(out)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("the workloads do not compile; a static C library (libc6-dev) is needed"))
    }
}
