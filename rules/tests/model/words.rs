//! Each deviation in words.

use super::stage;
use super::world::{ask, by, connect, learned, listen, nginx, raw_socket, run, run_with, said, unix, web, write};
use taffrail_rules::model::{Judge, Profile};
use taffrail_trace::event::{KernelOp, PrivilegeOp};

const NGINX: &str = "/usr/sbin/nginx";

#[test]
fn a_deviation_says_what_is_new_and_what_was_expected() {
    let web = web();
    for (scene, words) in [
        (run(NGINX, "/bin/sh"), "nginx has never run sh; it runs: envsubst, nginx"),
        (run("/usr/bin/envsubst", NGINX), "envsubst has never run nginx, nor any other program"),
        (run("/usr/bin/envsubst", "/bin/sh"), "envsubst has never run sh, nor any other program"),
        (
            run("outside", "/bin/sh"),
            "sh was never started from outside the container; what was: docker-entrypoint.sh, nginx",
        ),
        (
            run("outside", "/usr/bin/envsubst"),
            "envsubst was never started from outside the container; what was: docker-entrypoint.sh, nginx",
        ),
        (
            run("/bin/sh", "/bin/nc"),
            "sh and nc, which it ran, never ran in this image; what did: docker-entrypoint.sh, envsubst, nginx",
        ),
        (
            by("outside", "/bin/sh", listen(4444)),
            "sh never ran in this image; what did: docker-entrypoint.sh, envsubst, nginx",
        ),
        (nginx(listen(4444)), "nginx has never listened on tcp 4444; it listens on: tcp 80"),
        (
            nginx(connect([198, 51, 100, 7], 4444)),
            "nginx has never connected to tcp 198.51.100.0/24 4444; it connects to: tcp 10.9.8.0/24 8080",
        ),
        (
            nginx(unix("/run/docker.sock")),
            "nginx has never connected to unix /run/docker.sock; it connects to: tcp 10.9.8.0/24 8080",
        ),
        (nginx(ask("evil.example")), "nginx has never asked for evil.example; it asks for: api.example.org"),
        (
            nginx(write("/etc/cron.d/x")),
            "nginx has never written in /etc/cron.d; it writes in: /var/cache/nginx/*, /var/log/nginx",
        ),
        (
            nginx(stage::kernel(KernelOp::Ptrace, "ptrace", "PTRACE_ATTACH")),
            "nginx has never used ptrace PTRACE_ATTACH; it uses: setuid",
        ),
        (nginx(raw_socket()), "nginx has never used raw socket; it uses: setuid"),
        (by(NGINX, "/usr/bin/envsubst", listen(80)), "envsubst has never listened on tcp 80, nor on any other port"),
        (
            run_with(NGINX, "/usr/bin/envsubst", |image| image.credentials = Some(Default::default())),
            "envsubst has never run as root, nor used a privilege",
        ),
    ] {
        assert_eq!(said(&web, &scene).as_deref(), Some(words));
    }
}

#[test]
fn what_is_usual_is_not_spoken_of() {
    let web = web();
    for scene in [
        run(NGINX, "/usr/bin/envsubst"),
        run("outside", "/docker-entrypoint.sh"),
        nginx(write("/var/cache/nginx/99/y")),
        nginx(connect([10, 9, 8, 200], 8080)),
        nginx(stage::privilege(PrivilegeOp::Setuid, "setresuid", "ruid 99")),
    ] {
        assert_eq!(said(&web, &scene), None);
    }
}

#[test]
fn an_applet_goes_by_its_own_name() {
    let applet = |name: &str| {
        let name = name.to_owned();
        run_with("/start.sh", "/bin/busybox", move |image| image.comm = name)
    };
    let words = said(&learned(&[applet("sh"), applet("date")]), &applet("wget"));
    assert_eq!(words.as_deref(), Some("start.sh has never run wget; it runs: date, sh"));
}

#[test]
fn a_long_list_of_what_was_expected_is_cut() {
    let scenes: Vec<_> = (1..=20).map(|port| nginx(listen(port))).collect();
    let words = said(&learned(&scenes), &nginx(listen(4444))).expect("new");
    assert!(words.ends_with("tcp 15, tcp 16, and 12 more"), "{words}");
}

#[test]
fn whatever_a_program_that_was_never_seen_does_is_one_deviation() {
    let mut judge = Judge::new(web());
    let scenes = [
        run(NGINX, "/bin/sh"),
        run("/docker-entrypoint.sh", "/bin/sh"),
        by(NGINX, "/bin/sh", listen(4444)),
        by(NGINX, "/bin/sh", write("/etc/x")),
        run("/bin/sh", NGINX),
    ];
    let found: Vec<_> = scenes.iter().map(|scene| judge.deviation(scene).expect("new")).collect();
    for other in &found {
        assert_eq!(other.key(), found[0].key());
    }
    assert_ne!(judge.deviation(&run(NGINX, "/bin/nc")).expect("new").key(), found[0].key());
}

#[test]
fn a_technique_is_named_where_one_is_natural() {
    let mut judge = Judge::new(web());
    for (scene, technique) in [
        (run(NGINX, "/bin/dash"), Some("T1059")),
        (run(NGINX, "/usr/bin/python3.13"), Some("T1059")),
        (run_with(NGINX, "/bin/busybox", |image| image.comm = "sh".to_owned()), Some("T1059")),
        (run(NGINX, "/bin/date"), None),
        (nginx(write("/etc/cron.d/x")), Some("T1053.003")),
        (nginx(write("/root/.ssh/authorized_keys")), Some("T1098.004")),
        (nginx(write("/srv/x")), None),
        (nginx(unix("/run/docker.sock")), Some("T1611")),
        (nginx(ask("evil.example")), Some("T1071.004")),
        (nginx(listen(4444)), None),
        (nginx(stage::privilege(PrivilegeOp::Setns, "setns", "any of fd 3")), Some("T1611")),
    ] {
        let deviation = judge.deviation(&scene).expect("new");
        assert_eq!(Judge::technique(&deviation), technique, "{deviation:?}");
    }
}

#[test]
fn what_a_container_did_before_its_image_was_known_is_judged_later() {
    let early =
        learned(&[run(NGINX, "/bin/sh"), by(NGINX, "/bin/sh", listen(4444)), nginx(listen(80)), nginx(listen(81))]);
    let judge = Judge::new(web());
    let words: Vec<String> = judge.deviations(&early).iter().map(|it| judge.words(it)).collect();
    assert_eq!(words.len(), 2, "{words:?}");
    assert!(words.iter().any(|it| it.starts_with("nginx has never listened on tcp 81")), "{words:?}");
    assert!(words.iter().any(|it| it.starts_with("sh never ran in this image")), "{words:?}");
    assert!(judge.deviations(&web()).is_empty() && judge.deviations(&Profile::default()).is_empty());
}
