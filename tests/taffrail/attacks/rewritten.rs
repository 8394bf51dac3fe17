//! Arguments that another thread rewrites while the kernel reads them. The acts know what really happened.

use crate::support::stage::Stage;
use std::collections::BTreeSet;

#[test]
fn a_name_that_is_rewritten_during_an_open_never_hides_what_was_opened() {
    let stage = Stage::new("rewrite-open", &[]);
    let said = stage.act(&["rewrite-open", "/data/name-a", "/data/name-b", "2000"]);
    let (a, b) = (said.number("a"), said.number("b"));
    assert_eq!(a + b, 2000);
    let evidence = stage.evidence();
    let opened = |more: &str| {
        // What made the two files was opened to be written.
        let sql = format!(
            "SELECT count(*) AS n FROM file WHERE op = 'open' AND flags = 'O_RDONLY|O_CLOEXEC' AND path LIKE '/data/name-%' {more}"
        );
        i64::try_from(evidence.number(&sql)).expect("a count")
    };
    assert_eq!(opened("AND path = '/data/name-a'"), a);
    assert_eq!(opened("AND path = '/data/name-b'"), b);
    assert_eq!(opened("AND (path_source <> 'kernel' OR result <> 0)"), 0);
}

#[test]
fn a_name_that_is_rewritten_during_an_unlink_is_right_or_says_that_it_was_rewritten() {
    const ROUNDS: u16 = 200;
    let stage = Stage::new("rewrite-unlink", &[]);
    let said = stage.act(&["rewrite-unlink", "/data/pairs", &ROUNDS.to_string()]);
    assert_eq!(said.number("a") + said.number("b"), i64::from(ROUNDS));
    // Of each pair the one that was not removed is there.
    let left: BTreeSet<String> = stage.container.exec(&["ls", "/data/pairs"]).lines().map(str::to_owned).collect();
    assert_eq!(left.len(), usize::from(ROUNDS));
    let evidence = stage.evidence();

    let rows = evidence.of("rewrite-unlink", "file");
    let unlinks: Vec<_> = rows.iter().filter(|row| row["op"] == "unlink").collect();
    assert_eq!(unlinks.len(), usize::from(ROUNDS));
    let (mut right, mut marked) = (0, 0);
    for (round, row) in unlinks.iter().enumerate() {
        let name = |of: &str| row[of].as_str().and_then(|path| path.strip_prefix("/data/pairs/"));
        let path = name("path").unwrap_or_else(|| panic!("{row}"));
        assert!(path.starts_with(&format!("{round:04}-")) && row["result"] == 0, "{row}");
        let is_right = !left.contains(path);
        match name("rewritten_from") {
            Some(from) => {
                assert!(from != path && from.starts_with(&format!("{round:04}-")), "{row}");
                marked += 1;
            }
            None => assert!(is_right, "{path} was not removed, and nothing says that the name was rewritten: {row}"),
        }
        right += usize::from(is_right);
    }
    println!("{right} of {ROUNDS} rows name what was removed, {marked} say that the name was rewritten");
    assert!(marked > 0, "some of the names were rewritten during the call");
}

#[test]
fn a_second_name_that_is_rewritten_during_a_link_is_right_or_says_that_it_was_rewritten() {
    const ROUNDS: u16 = 200;
    let stage = Stage::new("rewrite-link", &[]);
    let said = stage.act(&["rewrite-link", "/data/links", &ROUNDS.to_string()]);
    assert_eq!(said.number("a") + said.number("b"), i64::from(ROUNDS));
    let there: BTreeSet<String> =
        stage.container.exec(&["ls", "/data/links"]).lines().map(|name| format!("/data/links/{name}")).collect();
    let evidence = stage.evidence();

    let rows = evidence.of("rewrite-link", "file");
    let links: Vec<_> = rows.iter().filter(|row| row["op"] == "link").collect();
    assert_eq!(links.len(), usize::from(ROUNDS));
    let mut marked = 0;
    for row in links {
        let path = row["new_path"].as_str().unwrap_or_else(|| panic!("{row}"));
        match row["new_rewritten_from"].as_str() {
            Some(from) => {
                assert!(from != path && (there.contains(from) || there.contains(path)), "{row}");
                marked += 1;
            }
            None => assert!(there.contains(path), "{path} was not made, and nothing says that it was rewritten: {row}"),
        }
    }
    println!("of {ROUNDS} links {marked} say that the new name was rewritten");
    assert!(marked > 0, "some of the names were rewritten during the call");
    let sql = "SELECT count(*) AS n FROM rewritten WHERE op = 'link' AND which = 'new_path'";
    assert_eq!(evidence.number(sql), marked);
}

#[test]
fn an_address_that_is_rewritten_during_a_connect_never_hides_where_it_went() {
    let stage = Stage::new("rewrite-connect", &[]);
    let said = stage.act(&["rewrite-connect", "200"]);
    let evidence = stage.evidence();
    let mut total = 0;
    for end in ["a", "b"] {
        let (port, accepted) = (said.number(&format!("port_{end}")), said.number(&format!("accepted_{end}")));
        for (op, column) in [("connect", "remote_port"), ("accept", "local_port")] {
            let sql = format!(
                "SELECT count(*) AS n FROM network WHERE op = '{op}' AND protocol = 'tcp' AND {column} = {port} AND result = 0"
            );
            assert_eq!(i64::try_from(evidence.number(&sql)), Ok(accepted), "{op} at port {port}");
        }
        total += accepted;
    }
    assert_eq!(total, 200);
    assert_eq!(evidence.number("SELECT count(*) AS n FROM network WHERE op = 'connect'"), 200);
}
