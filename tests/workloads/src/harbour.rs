//! Containers for whole stories: a web server in each, and one small network for all, with servers around them.
//!
//! ```text
//! 10.20.0.5         the containers' own address; each has its web server on a port of its own
//! 10.20.0.9         the intruder: files on port 80, a pool on 3333, orders for shells that call 4444, an ear on 443
//! 10.20.0.12, .13   neighbours: log-ins on port 22, a database on 5432
//! 10.20.0.1         the API of the cluster, on port 443
//! 169.254.169.254   the cloud's metadata
//! ```
//!
//! All of it is the loopback device of one network namespace, that of the container `town`. Nothing leaves it. The web
//! server has a hole: what is posted to `/cgi-bin/status` is run by a shell.

use crate::incident::{Incident, Way};
use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// The containers' own address.
const OWN: &str = "10.20.0.5";
/// Harbours that this program has made.
static COUNT: AtomicU16 = AtomicU16::new(0);
/// How long a server may take to be there.
const READY: Duration = Duration::from_secs(20);

/// What stands around the containers.
const TOWN: &str = "set -e
    ip addr add 10.20.0.5/32 dev lo
    ip route add local 10.20.0.0/24 dev lo src 10.20.0.5
    ip route add local 169.254.169.254 dev lo src 10.20.0.5
    mkdir -p /srv/files /srv/cloud/latest/meta-data/iam/security-credentials
    ln /bin/workloads /srv/files/update
    cp /opt/*.deb /srv/files
    echo '{\"AccessKeyId\": \"example\"}' > /srv/cloud/latest/meta-data/iam/security-credentials/harbour
    httpd -p 10.20.0.9:80 -h /srv/files
    httpd -p 169.254.169.254:80 -h /srv/cloud
    workloads orders 10.20.0.9:4444 id 'cat /etc/shadow' exit &
    exec workloads answer 10.20.0.9:3333 10.20.0.9:443 10.20.0.12:22 10.20.0.13:5432 10.20.0.1:443";

/// The web server's hole.
const STATUS: &str = "#!/bin/sh\necho Content-Type: text/plain\necho\nexec /bin/sh -s 2>&1\n";

/// A Debian package with one program, and a script that runs when it is installed.
const PACKAGE: &str = "set -e; cd \"$1\"; mkdir -p tool/DEBIAN tool/usr/bin; cp bin/workloads tool/usr/bin/harbour-tool
    printf 'Package: harbour-tool\\nVersion: 1.0\\nArchitecture: amd64\\nMaintainer: nobody <nobody@example.com>\\nDescription: a tool\\n' > tool/DEBIAN/control
    printf '#!/bin/sh\\nset -e\\n/usr/bin/harbour-tool marker > /dev/null\\n/bin/mkdir -p /var/lib/harbour-tool\\n' > tool/DEBIAN/postinst
    chmod 755 tool/DEBIAN/postinst; dpkg-deb --build --root-owner-group -Zgzip tool opt/harbour-tool.deb; rm -r tool";

/// Makes the image of what stands in the directory, with the names of busybox in it.
const IMPORT: &str = "set -e; cd \"$1\"; cp \"$(command -v busybox)\" bin/busybox
    for name in $(bin/busybox --list); do [ -e bin/$name ] || ln -s busybox bin/$name; done
    tar -c . | docker import - \"$2\"";

/// Takes everything down when its input ends, which it does however this program ends. Its arguments: label, directory.
const TAKE_DOWN: &str = "trap '' INT HUP TERM; cat > /dev/null
    docker ps -aq --filter label=$1 | xargs -r docker rm -f > /dev/null
    docker image rm -f $1 > /dev/null; rm -rf \"$2\"";

/// The network, the image, and the containers.
pub struct Harbour {
    name: String,
    dir: PathBuf,
    ports: AtomicU16,
    warden: Child,
}

/// A running container with its web server.
pub struct Container {
    /// Its name.
    pub name: String,
    /// Docker's id of it.
    pub id: String,
    listens: String,
}

impl Harbour {
    /// Makes all of it. Docker must answer.
    ///
    /// # Errors
    /// What Docker or a tool said that was needed: busybox, tar, dpkg-deb.
    pub fn build() -> io::Result<Self> {
        let name = format!("taffrail-harbour-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(&name);
        fs::create_dir(&dir)?;
        let warden = Command::new("sh")
            .args(["-c", TAKE_DOWN, "sh", &name])
            .arg(&dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let harbour = Self { name, dir, ports: AtomicU16::new(8080), warden };
        furnish(&harbour.dir.join("root"))?;
        sh(PACKAGE, &[&harbour.dir.join("root").to_string_lossy()])?;
        sh(IMPORT, &[&harbour.dir.join("root").to_string_lossy(), &harbour.name])?;
        // A node's own files, as a container sees them that was given the node's root.
        for dir in ["etc/cron.d", "root/.ssh", "bin"] {
            fs::create_dir_all(harbour.node().join(dir))?;
        }
        fs::copy(harbour.dir.join("root/bin/busybox"), harbour.node().join("bin/busybox"))?;
        fs::write(harbour.node().join("etc/shadow"), SHADOW)?;
        let town = harbour.name("town");
        harbour.run(&["--network=none", "--cap-add=NET_ADMIN", "--name", &town], &["sh", "-c", TOWN])?;
        harbour.answers("10.20.0.1:443")?;
        Ok(harbour)
    }

    fn name(&self, of: &str) -> String {
        self.name.replace("taffrail-harbour", of)
    }

    /// The name of the container that an incident makes through Docker's socket.
    pub fn made(&self) -> String {
        self.name("maintenance")
    }

    /// A directory like a node's root.
    fn node(&self) -> PathBuf {
        self.dir.join("node")
    }

    /// `docker run -d OPTIONS IMAGE COMMAND`: the container's id.
    fn run(&self, options: &[&str], command: &[&str]) -> io::Result<String> {
        docker(&[&["run", "-d", "--label", &self.name], options, &[&self.name], command].concat(), "")
    }

    /// Waits until somebody listens there.
    fn answers(&self, at: &str) -> io::Result<()> {
        let deadline = Instant::now() + READY;
        let (addr, port) = at.split_once(':').unwrap_or((at, "80"));
        while docker(&["exec", &self.name("town"), "nc", "-w", "1", addr, port], "").is_err() {
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("nobody answers at {at}")));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// A container with its web server, as the incident needs it. Its name begins with `name`.
    ///
    /// # Errors
    /// What Docker said, or that its web server did not come up.
    pub fn container(&self, name: &str, incident: &Incident) -> io::Result<Container> {
        let port = self.ports.fetch_add(1, Ordering::Relaxed);
        let name = self.name(name);
        let network = format!("--network=container:{}", self.name("town"));
        let listen = format!("{OWN}:{port}");
        let options: Vec<String> = incident.options.iter().map(|option| self.filled(option, &listen)).collect();
        let mut all = vec![network.as_str(), "--name", &name];
        all.extend(options.iter().map(String::as_str));
        let id = self.run(&all, &["httpd", "-f", "-p", &listen, "-h", "/srv"])?;
        self.answers(&listen)?;
        Ok(Container { name, id, listens: listen })
    }

    fn filled(&self, text: &str, own: &str) -> String {
        let node = self.node();
        let words =
            [("{node}", &*node.to_string_lossy()), ("{image}", &self.name), ("{own}", own), ("{made}", &self.made())];
        words.iter().fold(text.to_owned(), |text, (word, value)| text.replace(word, value))
    }

    /// Lets it happen, and gives what it printed.
    ///
    /// # Errors
    /// What Docker said, or that the script failed.
    pub fn play(&self, container: &Container, incident: &Incident) -> io::Result<String> {
        let at = container.listens.as_str();
        let script = self.filled(incident.script, at);
        match incident.way {
            Way::Web => {
                let post = ["exec", "-i", &self.name("town"), "workloads", "post", at, "/cgi-bin/status"];
                docker(&post, &script)
            }
            Way::Exec => docker(&["exec", &container.name, "sh", "-c", &script], ""),
            Way::Terminal => typed(&container.name, &script),
            Way::Load => docker(&["exec", &self.name("town"), "workloads", "load", at, "/index.html", &script], ""),
        }
    }
}

impl Drop for Harbour {
    fn drop(&mut self) {
        drop(self.warden.stdin.take());
        let _ = self.warden.wait();
    }
}

const SHADOW: &str = "root:*:19000:0:99999:7:::\n";

/// A root directory: the workloads, a web server's files, and what is worth stealing.
fn furnish(root: &Path) -> io::Result<()> {
    for dir in ["bin", "opt", "tmp", "usr/bin", "var/lib/dpkg/info", "var/spool/cron/crontabs", "run/secrets"] {
        fs::create_dir_all(root.join(dir))?;
    }
    fs::set_permissions(root.join("tmp"), Permissions::from_mode(0o1777))?;
    crate::write(&root.join("bin/workloads"))?;
    let files = [
        ("etc/passwd", "root:x:0:0::/root:/bin/sh\nwww-data:x:33:33::/srv:/bin/false\n", 0o644),
        ("etc/group", "root:x:0:\n", 0o644),
        ("etc/shadow", SHADOW, 0o640),
        ("etc/hosts.conf", "multi on\n", 0o644),
        ("etc/app.conf", "workers = 2\n", 0o644),
        ("root/.aws/credentials", "[default]\naws_secret_access_key = example\n", 0o600),
        ("root/.ssh/id_ed25519", "not a key\n", 0o600),
        ("root/.ash_history", "id\n", 0o600),
        ("root/.profile", "PS1='# '\n", 0o644),
        ("run/secrets/kubernetes.io/serviceaccount/token", "not a token\n", 0o644),
        ("var/log/auth.log", "a log-in\n", 0o640),
        ("var/log/access.log", "a visit\n", 0o640),
        ("var/lib/dpkg/status", "", 0o644),
        ("srv/index.html", "<h1>The ship's chandler</h1>\n", 0o644),
        ("srv/cgi-bin/status", STATUS, 0o755),
    ];
    for (name, content, mode) in files {
        let path = root.join(name);
        fs::create_dir_all(path.parent().unwrap_or(root))?;
        fs::write(&path, content)?;
        fs::set_permissions(&path, Permissions::from_mode(mode))?;
    }
    Ok(())
}

/// Runs docker with this input and gives its output.
fn docker(args: &[&str], input: &str) -> io::Result<String> {
    told(Command::new("docker").args(args), &[input])
}

fn sh(script: &str, args: &[&str]) -> io::Result<String> {
    told(Command::new("sh").args(["-c", script, "sh"]).args(args), &[""])
}

/// `docker exec -it`, in a terminal that script(1) makes, line after line as a person types them.
fn typed(container: &str, lines: &str) -> io::Result<String> {
    let shell = format!("docker exec -it {container} /bin/sh -l");
    let lines: Vec<String> = lines.lines().map(|line| format!("{}\n", line.trim())).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    told(Command::new("script").args(["-qec", &shell, "/dev/null"]), &lines)
}

/// Gives a program its input in parts, a moment before each but the first, and gives what it printed.
fn told(command: &mut Command, input: &[&str]) -> io::Result<String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take();
    for (at, part) in input.iter().enumerate() {
        if input.len() > 1 {
            std::thread::sleep(Duration::from_millis(if at == 0 { 1000 } else { 250 }));
        }
        if let Some(stdin) = &mut stdin {
            stdin.write_all(part.as_bytes())?;
        }
    }
    drop(stdin);
    let output = child.wait_with_output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    let said = format!("{command:?}: {}: {}{}", output.status, text(&output.stdout), text(&output.stderr));
    Err(io::Error::other(said))
}
