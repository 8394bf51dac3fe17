//! The file: how it looks, what it refuses, what two of them have apart.

use super::world::{connect, learned, listen, nginx, run, said, web, write};
use taffrail_rules::model::diff::diff;
use taffrail_rules::model::{Kind, Profile};

#[test]
fn the_file_is_sorted_with_a_fact_a_line() {
    let mut web = web();
    web.image = Some("nginx:1.27".to_owned());
    web.digest = Some("sha256:c0ffee".to_owned());
    let expected = r#"format = 1
image = "nginx:1.27"
digest = "sha256:c0ffee"

[program."/docker-entrypoint.sh"]
runs = [
    "/usr/bin/envsubst",
]

[program."/usr/bin/envsubst"]

[program."/usr/sbin/nginx"]
runs = [
    "/usr/bin/envsubst",
    "/usr/sbin/nginx",
]
listens = [
    "tcp 80",
]
connects = [
    "tcp 10.9.8.0/24 8080",
]
names = [
    "api.example.org",
]
writes = [
    "/var/cache/nginx/*",
    "/var/log/nginx",
]
privileges = [
    "setuid",
]

[program."outside"]
runs = [
    "/docker-entrypoint.sh",
    "/usr/sbin/nginx",
]
"#;
    assert_eq!(web.to_toml(), expected);
    assert_eq!(Profile::from_toml(expected), Ok(web));
}

#[test]
fn names_that_would_act_on_a_terminal_are_written_as_escapes_and_read_back() {
    let hostile = learned(&[nginx(write("/tmp/\u{1b}[2J\u{202e}\"\\\n/x"))]);
    let text = hostile.to_toml();
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert!(text.contains(r#""/tmp/\U0000001B[2J\U0000202E\"\\\U0000000A","#), "{text}");
    assert_eq!(Profile::from_toml(&text), Ok(hostile));
}

#[test]
fn what_a_person_writes_is_generalised_as_events_are() {
    let written = r#"
        format = 1
        [program."/usr/bin/python3.11"]
        runs = ["/usr/lib/postgresql/15/bin/psql", "/bin/busybox sh"]
        listens = ["tcp 50051"]
        connects = ["tcp 10.0.0.0/8 any", "tcp 198.51.100.7/32 443", "unix /run/pg5432"]
        names = ["API.example.org.", "**.cdn.example"]
        writes = ["/srv/1/", "/var/cache/**"]
    "#;
    let profile = Profile::from_toml(written).expect("a model");
    let facts: Vec<String> = profile.facts().map(|(program, kind, fact)| format!("{program} {kind} {fact}")).collect();
    assert_eq!(
        facts,
        [
            "/usr/bin/python* runs /bin/busybox sh",
            "/usr/bin/python* runs /usr/lib/postgresql/*/bin/psql",
            "/usr/bin/python* listens tcp ephemeral",
            "/usr/bin/python* connects tcp 10.0.0.0/8 any",
            "/usr/bin/python* connects tcp 198.51.100.0/24 443",
            "/usr/bin/python* connects unix /run/pg*",
            "/usr/bin/python* names **.cdn.example",
            "/usr/bin/python* names api.example.org",
            "/usr/bin/python* writes /srv/*",
            "/usr/bin/python* writes /var/cache/**",
        ]
    );
}

#[test]
fn wide_facts_of_a_person_cover_what_is_in_them() {
    let text = "format = 1\n[program.\"/usr/sbin/nginx\"]\nconnects = [\"tcp 10.0.0.0/8 any\"]\nwrites = [\"/var/**\"]\nnames = [\"**.cdn.example\"]\n";
    let profile = Profile::from_toml(text).expect("a model");
    assert_eq!(said(&profile, &nginx(connect([10, 200, 1, 1], 4444))), None);
    assert_eq!(said(&profile, &nginx(write("/var/a/b/c/d"))), None);
    assert_eq!(said(&profile, &nginx(write("/var/x"))), None);
    assert_eq!(said(&profile, &nginx(super::world::ask("a.b.cdn.example"))), None);
    assert!(said(&profile, &nginx(connect([11, 0, 0, 1], 4444))).is_some());
    assert!(said(&profile, &nginx(write("/variable/x"))).is_some());
    assert!(said(&profile, &nginx(super::world::ask("notcdn.example"))).is_some());
}

#[test]
fn a_file_that_is_no_model_is_refused_with_the_line_or_the_fact() {
    let of = |text: &str| Profile::from_toml(text).expect_err(text).to_string();
    let program = "format = 1\n[program.\"/bin/x\"]\n";
    for (text, expected) in [
        ("", "line 1: missing field `format`"),
        ("format = 2\n", "format = 2: this version reads format 1"),
        ("format = 1\nimge = \"x\"\n", "line 2: unknown field `imge`"),
        ("format = 1\n[program.nginx]\n", "\"nginx\": a program is an absolute path, or \"outside\""),
        (&format!("{program}listen = [\"tcp 80\"]\n"), "line 3: unknown variant `listen`"),
        (&format!("{program}listens = [\"80\"]\n"), "/bin/x: listens: \"80\": expected a protocol and a port"),
        (&format!("{program}connects = [\"example.org:80\"]\n"), "/bin/x: connects: \"example.org:80\": expected `tcp"),
        (&format!("{program}runs = [\"sh\"]\n"), "expected the absolute path of a program"),
        (&format!("{program}writes = [\"tmp\"]\n"), "expected an absolute path of a directory"),
        (&"#".repeat(2 << 20), "a model is at most 1048576 bytes, this has 2097152"),
    ] {
        let message = of(text);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn a_difference_is_a_line_with_its_side() {
    let old = web();
    let mut new = web();
    new.merge(&learned(&[run("/usr/sbin/nginx", "/bin/sh"), nginx(listen(8080))]));
    let lines: Vec<String> = diff(&old, &new).iter().map(ToString::to_string).collect();
    assert_eq!(lines, ["+ /bin/sh", "+ /usr/sbin/nginx runs /bin/sh", "+ /usr/sbin/nginx listens tcp 8080"]);
    assert_eq!(diff(&new, &old).iter().filter(|it| !it.is_new).count(), 3);
    assert!(diff(&old, &old).is_empty());
    assert_eq!(old.program("/usr/sbin/nginx").map(|habits| habits.of(Kind::Runs).len()), Some(2));
}
