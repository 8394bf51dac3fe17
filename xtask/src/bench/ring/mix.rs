//! A day's work in small: containers that each do one kind of thing, in bursts with pauses, for as long as they run.

use crate::bench::rig::{Container, Rig};
use anyhow::{Result, bail};

/// Programs beside those of the servers, and the Debian packages that they are in.
pub const PACKAGES: [(&str, &str); 2] = [("gcc", "gcc"), ("ar", "binutils")];

/// What each container does. A step that fails ends the script, and the run with it.
pub const MIX: [(&str, &str); 5] =
    [("build", BUILD), ("web server", WEB), ("database", DATABASE), ("shell work", SHELL), ("idle", IDLE)];

/// Two dozen compilations, an archive, a program of it; every five seconds or so.
const BUILD: &str = r#"set -e; mkdir /tmp/build; cd /tmp/build
while :; do
    for n in $(seq 24); do
        { printf '#include <%s>\n' stdio.h stdlib.h string.h unistd.h sys/socket.h
          echo "int length$n(const char *text) { return (int)strlen(text) + $n; }"; } > part$n.c
        gcc -O1 -c part$n.c
    done
    ar rcs parts.a part*.o
    echo 'int length7(const char *); int main(void) { return length7("x") != 8; }' > main.c
    gcc main.c parts.a -o main
    ./main
    rm -- *
    sleep 5
done"#;

/// nginx, asked some 800 times a second for a small file.
const WEB: &str = r"set -e; echo 'function delay() return 20 end' > /tmp/delay.lua
nginx -c /etc/nginx.conf & sleep 1
while :; do wrk -t1 -c16 -d10s -s /tmp/delay.lua http://127.0.0.1:8390/index.html; done";

/// redis with its log on disk, in bursts of a new client each.
const DATABASE: &str = r"set -e
redis-server --port 6390 --dir /tmp --save '' --appendonly yes & sleep 1
while :; do redis-benchmark -p 6390 -t get,set,lpush -n 2000 -c 10 -q; sleep 2; done";

/// Somebody at a shell.
const SHELL: &str = r"set -e; mkdir /tmp/work; cd /tmp/work
while :; do
    ls -l /usr/bin | grep python | sort -k 9 > programs
    find /usr/share/doc -name copyright | wc -l > count
    tar -cf headers.tar -C /usr/include net arpa
    mkdir copy; tar -xf headers.tar -C copy
    grep -rl socket copy | xargs wc -l | tail -n 1
    mv copy old; cp -r old new; chmod -R go-w new
    rm -r old new headers.tar
    sleep 2
done";

/// One small thing a second.
const IDLE: &str = "set -e; while :; do date > /tmp/now; sleep 1; done";

/// Starts all of it; each container with its name in the mix.
pub fn start(rig: &Rig) -> Result<Vec<(&'static str, Container)>> {
    MIX.into_iter().map(|(name, script)| Ok((name, rig.container(&["sh", "-c", script])?))).collect()
}

/// Makes sure that all of it still runs.
pub fn check(mix: &[(&str, Container)]) -> Result<()> {
    for (name, container) in mix {
        if let Some(said) = container.ended()? {
            bail!("the container of the {name} ended early: {said}");
        }
    }
    Ok(())
}
