//! Real Docker containers from an image of Debian's static busybox, with or without the workloads' program.

use super::until;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

const IMAGE: &str = "taffrail-test-busybox:latest";
/// Where the workloads' program is in its image.
pub const WORKLOADS: &str = "/bin/workloads";
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A running container, removed with the test.
pub struct Container {
    /// Its name, different in every test and process.
    pub name: String,
    /// Docker's id of it.
    pub id: String,
}

impl Container {
    /// `docker run -d IMAGE sh -c SCRIPT`, with a network of its own that has loopback only.
    pub fn run(name: &str, script: &str) -> Self {
        import(IMAGE, |_| ());
        Self::start(name, &["--network=none"], IMAGE, &["sh", "-c", script])
    }

    /// A container of the workloads' image with more of docker's own arguments.
    pub fn workloads(name: &str, options: &[&str], command: &[&str]) -> Self {
        Self::start(name, &[&["--network=none"], options].concat(), &workloads_image(), command)
    }

    /// The same in a network of docker's.
    pub fn workloads_in(network: &str, name: &str, command: &[&str]) -> Self {
        Self::start(name, &[&format!("--network={network}")], &workloads_image(), command)
    }

    /// A container of an image of its own, which other tests run nothing of. The image goes with it.
    pub fn of_own_image(name: &str, script: &str) -> (Self, OwnImage) {
        import(IMAGE, |_| ());
        let image = OwnImage(format!("taffrail-test-{name}:{}", std::process::id()));
        let made = docker(&["create", IMAGE, "sh"]);
        docker(&["commit", &made, &image.0]);
        docker(&["rm", &made]);
        (Self::start(name, &[], &image.0, &["sh", "-c", script]), image)
    }

    fn start(name: &str, options: &[&str], image: &str, command: &[&str]) -> Self {
        let name = format!("taffrail-{name}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let fixed = ["run", "-d", "--label", "test=yes", "--name", &name];
        let id = docker(&[&fixed[..], options, &[image], command].concat());
        Self { name, id }
    }

    /// `docker exec NAME ARGS...`
    pub fn exec(&self, args: &[&str]) -> String {
        docker(&[&["exec", &self.name], args].concat())
    }

    /// Waits until a file is there in it.
    pub fn wait_for(&self, file: &str) {
        until(&format!("{file} in {}", self.name), || {
            let test = Command::new("docker").args(["exec", &self.name, "test", "-e", file]).output();
            test.is_ok_and(|test| test.status.success())
        });
    }
}

/// The name of an image that is removed with the test.
pub struct OwnImage(pub String);

impl Drop for OwnImage {
    fn drop(&mut self) {
        let _ =
            Command::new("docker").args(["rmi", "-f", &self.0]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        let _ =
            Command::new("docker").args(["rm", "-f", &self.name]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    }
}

/// Runs docker and gives its output.
pub fn docker(args: &[&str]) -> String {
    let output = Command::new("docker").args(args).output().expect("docker is installed; `cargo xtask test` does that");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "docker {}: {error}", args.join(" "));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

/// The busybox image with the workloads' program, by the program's content: an older one is another image.
fn workloads_image() -> String {
    let mut hasher = DefaultHasher::new();
    taffrail_workloads::PROGRAM.hash(&mut hasher);
    let image = format!("taffrail-test-workloads:{:016x}", hasher.finish());
    import(&image, |root| taffrail_workloads::write(&root.join(&WORKLOADS[1..])).expect("the workloads' program"));
    image
}

/// An image, where it is not there yet: `docker import` of a root directory with busybox, its names, and what is added.
fn import(image: &str, add: impl FnOnce(&Path)) {
    let there = Command::new("docker").args(["image", "inspect", image]).output().expect("docker is installed");
    if there.status.success() {
        return;
    }
    let root = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(root.path().join("bin")).expect("bin");
    add(root.path());
    let script = format!(
        "set -e; cd {}; mkdir -p tmp etc; cp \"$(command -v busybox)\" bin/busybox; \
         for name in $(bin/busybox --list); do [ -e bin/$name ] || ln -s busybox bin/$name; done; \
         echo 'root:x:0:0::/:/bin/sh' > etc/passwd; tar -c . | docker import - {image}",
        root.path().display()
    );
    let done = Command::new("sh").args(["-c", &script]).output().expect("sh");
    assert!(done.status.success(), "no image: {}", String::from_utf8_lossy(&done.stderr));
}
