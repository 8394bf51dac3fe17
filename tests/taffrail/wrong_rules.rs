//! Rule files that are wrong, in Falco's language and in Sigma's: each has its place and what was expected, and exit code 2.

use crate::support::run;
use std::fs;

/// A rule of Falco's with this condition, which begins at line 3, column 14.
fn falco(condition: &str) -> String {
    format!("- rule: r\n  desc: d\n  condition: {condition}\n  output: o\n  priority: INFO\n")
}

/// A rule of Sigma's with this selection at line 5, column 5, and this condition at line 6, column 14.
fn sigma(selection: &str, condition: &str) -> String {
    format!(
        "title: r\nlogsource: {{category: process_creation, product: linux}}\ndetection:\n  selection:\n    {selection}\n  condition: \
         {condition}\n"
    )
}

#[test]
fn a_rule_file_wrong_in_any_way_is_refused_with_its_place_what_was_expected_and_exit_code_2() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("wrong.yaml");
    let file = path.to_string_lossy();
    let wrong = [
        (falco("proc.nmae = sh"), "3:14: 'proc.nmae' is no field; did you mean 'proc.name'?"),
        (falco("proc.name = sh and"), "3:32: expected a field, a macro, 'not' or '(', found the end"),
        (falco("(proc.name = sh"), "3:29: expected 'and', 'or' or ')', found the end"),
        (falco("proc.name startwith sh"), "3:24: expected an operator, found 'startwith'; did you mean 'startswith'?"),
        (falco("proc.name in (a b)"), "3:30: expected ',' or ')', found 'b'"),
        (falco("proc.pid = one"), "3:25: proc.pid is a number, found 'one'"),
        (falco("proc.name < 3"), "3:14: '<' does not compare proc.name, which is text"),
        (falco("fd.sip = localhost"), "3:23: fd.sip is an address or network, found 'localhost'"),
        (falco("evt.type = opne"), "3:25: 'opne' is no type of event; did you mean 'open'?"),
        (falco("spawned_proces"), "3:14: 'spawned_proces' is no macro"),
        (falco("proc.name regex '[a-'"), "3:30: no regular expression"),
        (falco("proc.aname[x] = sh"), "3:14: 'proc.aname' takes a number in brackets"),
        (falco("lower(proc.name) = x"), "3:14: 'lower' is no function; did you mean 'tolower'?"),
        (falco("evt.num=0").replace("INFO", "WARN"), "5:13: 'WARN' is no priority; did you mean 'WARNING'?"),
        (falco("evt.num=0").replace("  output: o\n", ""), "1:9: the rule 'r' has no valid output"),
        ("- rule: [a\n".to_owned(), "2:1: this is no YAML"),
        ("rule: a\n".to_owned(), "1:1: expected a list of rules, macros and lists, found keys and values"),
        ("- rule: a\n  conditon: b\n".to_owned(), "2:3: 'conditon' is no key of this item; did you mean 'condition'?"),
        ("- list: l\n  items: a\n".to_owned(), "2:10: expected a list, found 'a'"),
        ("- rule: a\n  response: frezze\n".to_owned(), "2:13: expected 'freeze' or 'kill', found 'frezze'"),
        (sigma("Image: x", "selektion"), "6:14: 'selektion' is no selection; did you mean 'selection'?"),
        (
            sigma("Image: x", "selection and"),
            "6:27: expected a selection, 'not', '1 of', 'all of' or '(', found the end",
        ),
        (sigma("Image|contians: x", "selection"), "5:5: 'contians' is no modifier; did you mean 'contains'?"),
        (sigma("CommandLine|re: '[a'", "selection"), "5:21: no regular expression: unclosed character class"),
        (sigma("ProcessId|gte: many", "selection"), "5:20: ProcessId is a number, found 'many'"),
        (
            sigma("Image: x", "selection").replace("title: r", "title: r\nlevel: hihg"),
            "2:8: 'hihg' is no level; did you mean 'high'?",
        ),
    ];
    for (text, expected) in &wrong {
        fs::write(&path, text).expect("write");
        let (code, out, err) = run(&["rules", "check", &file]);
        assert_eq!((code, out.as_str()), (2, ""), "{text}\n{err}");
        assert!(err.contains(&format!("{file}:{expected}")), "{text}\nexpected {expected}\n{err}");
    }
    println!("{} wrong files", wrong.len());
}

#[test]
fn all_that_is_wrong_in_a_file_of_each_language_is_told_at_once() {
    let dir = tempfile::tempdir().expect("a directory");
    let [one, other] = ["falco.yaml", "sigma.yml"].map(|name| dir.path().join(name));
    let second = falco("proc.pid = q and evt.type = z").replace("rule: r", "rule: s");
    fs::write(&one, falco("proc.x = 1") + &second).expect("write");
    fs::write(&other, sigma("Image|contians: x", "selektion")).expect("write");
    let (code, out, err) = run(&["rules", "check", &one.to_string_lossy(), &other.to_string_lossy()]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    for place in ["falco.yaml:3:14: ", "falco.yaml:8:25: ", "falco.yaml:8:42: ", "sigma.yml:5:5: ", "sigma.yml:6:14: "]
    {
        assert!(err.contains(place), "{place}\n{err}");
    }
    assert!(err.lines().last().is_some_and(|line| line.contains("so none of them is used")), "{err}");
}
