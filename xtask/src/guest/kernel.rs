//! A kernel for a guest: a file that is given, or Debian's package, unpacked into the target directory and not installed.

use crate::test::{read, say};
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the guest's init and the tests need and a kernel may have as modules.
const MODULES: [&str; 2] = ["loop", "overlay"];

/// The package that depends on the newest kernel for virtual machines.
const NEWEST: &str = "linux-image-cloud-amd64";

/// A kernel and its modules.
pub struct Kernel {
    /// The image that boots.
    pub image: PathBuf,
    /// What `uname -r` says under it.
    pub release: String,
}

impl Kernel {
    /// The kernel that is asked for: a file, a series such as `6.1`, or the distribution's own. `cache` keeps packages.
    pub fn find(wanted: Option<&str>, cache: &Path) -> Result<Self> {
        if let Some(path) = wanted.filter(|wanted| wanted.contains('/') || Path::new(wanted).is_file()) {
            return Self::of_file(path.into());
        }
        let package = package(wanted)?;
        let unpacked = cache.join(&package);
        if !unpacked.join("boot").is_dir() {
            download(&package, cache, &unpacked)?;
        }
        let images = fs::read_dir(unpacked.join("boot"))?.flatten().map(|entry| entry.path());
        let mut images = images.filter(|path| path.to_string_lossy().contains("/vmlinuz-"));
        Self::of_file(images.next().with_context(|| format!("{package} has no kernel in it"))?)
    }

    fn of_file(image: PathBuf) -> Result<Self> {
        let release = release(&read(&image)?).with_context(|| format!("{} is no Linux kernel", image.display()))?;
        Ok(Self { image, release })
    }

    /// Names and contents of the modules to load, in order. A kernel without a directory of modules has them built in.
    pub fn modules(&self) -> Result<Vec<(String, Vec<u8>)>> {
        let mut modules = Vec::new();
        let above = self.image.parent().and_then(Path::parent);
        let Some(directory) = above.map(|above| above.join("lib/modules").join(&self.release)) else {
            return Ok(modules);
        };
        for name in MODULES {
            load(&directory, name, &mut modules)?;
        }
        Ok(modules)
    }
}

/// Adds a module behind those that it depends on, where there is such a module.
fn load(directory: &Path, name: &str, modules: &mut Vec<(String, Vec<u8>)>) -> Result<()> {
    if modules.iter().any(|(known, _)| known == name) {
        return Ok(());
    }
    let Some(path) = find_module(directory, name) else {
        return Ok(());
    };
    let content = match path.extension().and_then(|extension| extension.to_str()) {
        Some("xz") => unpacked("xz", &path)?,
        Some("zst") => unpacked("zstd", &path)?,
        Some("gz") => unpacked("gzip", &path)?,
        _ => read(&path)?,
    };
    for dependency in depends(&content) {
        load(directory, &dependency, modules)?;
    }
    modules.push((name.to_owned(), content));
    Ok(())
}

/// The file of a module, compressed or not, anywhere below a directory. Dash and underscore are one in its name.
fn find_module(directory: &Path, name: &str) -> Option<PathBuf> {
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).ok()?.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                directories.push(path);
            } else if let Some((stem, _)) = entry.file_name().to_string_lossy().split_once(".ko")
                && stem.replace('-', "_") == name.replace('-', "_")
            {
                return Some(path);
            }
        }
    }
    None
}

fn unpacked(program: &str, path: &Path) -> Result<Vec<u8>> {
    let output =
        Command::new(program).arg("-dc").arg(path).output().with_context(|| format!("cannot run {program}"))?;
    if !output.status.success() {
        bail!("{program} cannot unpack {}", path.display());
    }
    Ok(output.stdout)
}

/// What a module says that it depends on (`depends=a,b` among its information).
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = module[at + KEY.len()..].split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(value).split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

/// The release that a kernel image carries (`kernel_version` in the header of the boot protocol).
fn release(image: &[u8]) -> Option<String> {
    if image.get(0x202..0x206)? != b"HdrS" {
        return None;
    }
    let at = 0x200 + usize::from(u16::from_le_bytes(image.get(0x20E..0x210)?.try_into().ok()?));
    let text = image.get(at..)?.split(|byte| *byte == 0 || *byte == b' ').next()?;
    String::from_utf8(text.to_vec()).ok()
}

/// Name of the package with the newest kernel of a series, or of the distribution.
fn package(series: Option<&str>) -> Result<String> {
    let how = "it needs Debian and its lists of packages (`apt-get update`), or a kernel with `--kernel VMLINUZ`";
    let Some(series) = series else {
        let depends = apt_cache(&["depends", NEWEST]).context(how)?;
        let found = depends.lines().find_map(|line| line.trim().strip_prefix("Depends: ")).map(str::to_owned);
        return found.with_context(|| format!("no package {NEWEST} is known: {how}"));
    };
    let prefix = format!("linux-image-{series}");
    let names = apt_cache(&["pkgnames", &prefix]).context(how)?;
    let newest = names
        .lines()
        // `linux-image-6.12-cloud-amd64` depends on others and has no kernel in it.
        .filter(|name| {
            name.strip_prefix(&prefix).is_some_and(|rest| rest.starts_with('.') && rest.ends_with("-cloud-amd64"))
        })
        .max_by_key(|name| numbers(name));
    newest
        .map(str::to_owned)
        .with_context(|| format!("no package of Linux {series} for virtual machines is known: {how}"))
}

/// The numbers in a name, for its order among others.
fn numbers(name: &str) -> Vec<u64> {
    name.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

fn apt_cache(args: &[&str]) -> Result<String> {
    let output = Command::new("apt-cache").args(args).output().context("cannot run apt-cache")?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Downloads a package and unpacks it, both below `cache`.
fn download(package: &str, cache: &Path, to: &Path) -> Result<()> {
    say(&format!("downloading {package}"))?;
    fs::create_dir_all(cache)?;
    let status = Command::new("apt-get")
        .args(["download", package])
        .current_dir(cache)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .context("cannot run apt-get")?;
    let mut files = fs::read_dir(cache)?.flatten().map(|entry| entry.path());
    let file = files
        .find(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&format!("{package}_"))));
    let Some(file) = file.filter(|_| status.success()) else {
        bail!("`apt-get download {package}` failed: run `apt-get update`, or give a kernel with `--kernel VMLINUZ`");
    };
    // Whole or not at all: what is half unpacked has another name.
    let part = cache.join(format!("{package}.part"));
    let status = Command::new("dpkg-deb").arg("-x").arg(&file).arg(&part).status().context("cannot run dpkg-deb")?;
    if !status.success() {
        bail!("dpkg-deb cannot unpack {}", file.display());
    }
    fs::rename(&part, to)?;
    fs::remove_file(&file).with_context(|| format!("removing {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::{depends, numbers, release};

    #[test]
    fn a_kernel_tells_its_release() {
        let mut image = vec![0; 0x300];
        image[0x202..0x206].copy_from_slice(b"HdrS");
        image[0x20E..0x210].copy_from_slice(&0x40_u16.to_le_bytes());
        image[0x240..0x250].copy_from_slice(b"6.1.0-1-cloud (d");
        assert_eq!(release(&image).as_deref(), Some("6.1.0-1-cloud"));
        assert_eq!(release(b"not a kernel"), None);
    }

    #[test]
    fn a_module_tells_what_it_depends_on() {
        assert_eq!(depends(b"license=GPL\0depends=one,two\0name=x\0"), ["one", "two"]);
        assert!(depends(b"license=GPL\0depends=\0").is_empty());
    }

    #[test]
    fn packages_are_ordered_by_their_numbers() {
        assert!(numbers("linux-image-6.12.101+deb12-cloud-amd64") > numbers("linux-image-6.12.96+deb12-cloud-amd64"));
    }
}
