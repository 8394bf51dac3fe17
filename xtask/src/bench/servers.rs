//! Requests a second of redis and nginx in containers, each with its client beside it, without a recorder and with one.

use super::figures::{Series, Sheet, at_most};
use super::held::Held;
use super::recorder::Recorder;
use super::rig::{Container, Rig};
use crate::test::docker;
use anyhow::{Context as _, Result, bail};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Programs and the Debian packages that they are in.
pub const PACKAGES: [(&str, &str); 4] =
    [("redis-server", "redis-server"), ("redis-benchmark", "redis-tools"), ("nginx", "nginx"), ("wrk", "wrk")];
/// While this stands there with exit code 101, Debian's packages start no service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// One worker that serves one file.
pub const NGINX_CONF: &str = "\
daemon off; user root; worker_processes 1; pid /tmp/nginx.pid; error_log stderr crit;
events { worker_connections 512; }
http {
    access_log off; keepalive_requests 1000000;
    client_body_temp_path /tmp/body; proxy_temp_path /tmp/proxy; fastcgi_temp_path /tmp/fastcgi;
    uwsgi_temp_path /tmp/uwsgi; scgi_temp_path /tmp/scgi;
    server { listen 127.0.0.1:8390; location / { root /srv; } }
}
";

const LEVELS: [&str; 2] = ["standard", "full"];
/// The most that redis may lose at each level, percent.
const REDIS_TARGETS: [f64; 2] = [3.0, 8.0];

/// Installs what is missing of programs and their packages, and starts no service of it.
pub fn install(packages: &[(&str, &str)]) -> Result<()> {
    let missing: Vec<&str> =
        packages.iter().filter(|(program, _)| !docker::on_path(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let own_policy = !Path::new(POLICY).exists();
    if own_policy {
        fs::write(POLICY, "#!/bin/sh\nexit 101\n").with_context(|| format!("cannot write {POLICY}"))?;
        fs::set_permissions(POLICY, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    }
    let installed = docker::install(&missing);
    if own_policy {
        fs::remove_file(POLICY)?;
    }
    installed
}

/// A server with its client.
struct Pair {
    name: &'static str,
    container: Container,
    /// What the client is asked, and gives requests a second.
    ask: fn(&Container) -> Result<f64>,
}

/// Measures and gives the table.
pub fn measure(rig: &Rig, rounds: u32) -> Result<String> {
    let redis = ["redis-server", "--port", "6390", "--save", "", "--appendonly", "no"];
    let pairs = [
        Pair { name: "redis, GET, 50 clients", container: rig.container(&redis)?, ask: redis_gets },
        Pair {
            name: "nginx, 612 B, 64 clients",
            container: rig.container(&["nginx", "-c", "/etc/nginx.conf"])?,
            ask: nginx_gets,
        },
    ];
    let mut rates = vec![vec![Series::default(); 2 + LEVELS.len()]; pairs.len()];
    for pair in &pairs {
        answers(pair)?;
    }
    for round in 0..rounds {
        for (pair, series) in pairs.iter().zip(&mut rates) {
            series[0].push((pair.ask)(&pair.container)?);
        }
        let empty = Held::empty_programs(rig)?;
        for (pair, series) in pairs.iter().zip(&mut rates) {
            series[1].push((pair.ask)(&pair.container)?);
        }
        drop(empty);
        let recorder = Recorder::start(rig)?;
        let mut order: Vec<usize> = (0..LEVELS.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for mode in order {
            for (pair, series) in pairs.iter().zip(&mut rates) {
                recorder.level(&pair.container, LEVELS[mode])?;
                series[2 + mode].push((pair.ask)(&pair.container)?);
                recorder.level(&pair.container, "off")?;
            }
        }
    }
    let names: Vec<&str> = pairs.iter().map(|pair| pair.name).collect();
    Ok(table(&names, &rates))
}

fn table(names: &[&str], rates: &[Vec<Series>]) -> String {
    let mut sheet = Sheet::new(
        "Servers, requests a second",
        &["server", "without", "empty programs", "", "standard", "", "full", ""],
    );
    for (name, series) in names.iter().zip(rates) {
        let mut cells = vec![(*name).to_owned(), format!("{:.0} ± {:.0}", series[0].median(), series[0].spread())];
        for with in &series[1..] {
            let share = with.over(&series[0]);
            cells.push(format!("{:.0}", with.median()));
            cells.push(format!("{:+.1} ± {:.1} %", (share.median() - 1.0) * 100.0, share.spread() * 100.0));
        }
        sheet.row(cells);
    }
    for ((level, series), most) in LEVELS.iter().zip(&rates[0][2..]).zip(REDIS_TARGETS) {
        let less = (1.0 - series.over(&rates[0][0]).median()) * 100.0;
        let beyond = (1.0 - series.over(&rates[0][1]).median()) * 100.0;
        let kept = at_most(less, most, "%");
        sheet.note(format!("target, redis at level {level} slower by {kept} ({beyond:.1} % below empty programs)"));
    }
    sheet.text()
}

/// Waits until the server answers its client.
fn answers(pair: &Pair) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    while let Err(error) = (pair.ask)(&pair.container) {
        if Instant::now() > deadline {
            return Err(error).with_context(|| format!("{} does not answer", pair.name));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(())
}

fn redis_gets(container: &Container) -> Result<f64> {
    let said = container.exec(&["redis-benchmark", "-p", "6390", "-t", "get", "-n", "150000", "-c", "50", "--csv"])?;
    let rate = said.lines().find_map(|line| line.strip_prefix("\"GET\",\"")?.split('"').next()?.parse().ok());
    rate.with_context(|| format!("redis-benchmark said {said:?}"))
}

fn nginx_gets(container: &Container) -> Result<f64> {
    let said = container.exec(&["wrk", "-t1", "-c64", "-d2s", "http://127.0.0.1:8390/index.html"])?;
    if said.contains("Non-2xx") || said.contains("Socket errors") {
        bail!("nginx does not serve the file: {said}");
    }
    let rate = said.lines().find_map(|line| line.strip_prefix("Requests/sec:")?.trim().parse().ok());
    rate.with_context(|| format!("wrk said {said:?}"))
}
