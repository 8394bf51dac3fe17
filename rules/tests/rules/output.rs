//! What rules say when they match.

use crate::stage::{exec, file, load, stage};
use std::sync::Arc;
use taffrail_rules::judge::Judge;
use taffrail_rules::matcher::RuleSet;
use taffrail_rules::output::{Part, Template, Told};
use taffrail_trace::event::{FileOp, Severity};

fn said(output: &str) -> String {
    let text = format!(
        "- rule: r\n  desc: d\n  condition: evt.type = execve\n  output: >\n    {output}\n  priority: NOTICE\n"
    );
    let loaded = load(&text);
    assert_eq!(loaded.problems, []);
    loaded.rules[0].output.render(&exec(), &Told::default())
}

#[test]
fn fields_stand_in_the_text_and_unset_ones_are_shown_as_such() {
    for (output, expected) in [
        ("run (name=%proc.name parent=%proc.pname)", "run (name=sh parent=nginx)"),
        ("%proc.aname[2]/%proc.aname[9].", "containerd-shim/<NA>."),
        ("%proc.aname", "nginx,containerd-shim,systemd"),
        ("%fd.name %fd.sport %proc.sname", "<NA> <NA> <NA>"),
        // Where only a name is left to be told, it is not.
        ("run (file=%fd.name command=%proc.name port=%fd.sport)", "run (command=sh)"),
        ("run (command=%proc.name file=%fd.name user=%user.uid)", "run (command=sh user=33)"),
        ("run file=%fd.name", "run"),
        ("run (file=%fd.name port=%fd.sport command=%proc.name)", "run (command=sh)"),
        ("run (file=%fd.name port=%fd.sport)", "run ()"),
        ("a=b%fd.name, =%fd.name", "a=b<NA>, =<NA>"),
        ("100%% of %toupper(proc.name)", "100% of SH"),
        ("50 % more", "50 % more"),
        ("*%evt.type %evt.dir", "execve <"),
        ("user=%user.name uid=%user.uid tty=%proc.tty", "user=www-data uid=33 tty=34816"),
        (
            "%container.info",
            "container_id=3f2a9c1b7d5e container_name=web container_image_repository=registry.example:5000/shop/web container_image_tag=1.4",
        ),
        ("%container.privileged %evt.arg.flags", "true EXE_UPPER_LAYER"),
    ] {
        assert_eq!(said(output), expected, "{output}");
    }
}

#[test]
fn a_match_becomes_a_finding() {
    let text = "- rule: Shadow read\n  desc: d\n  condition: fd.name = /etc/shadow\n  output: read %fd.name\n  priority: error\n";
    let loaded = load(text);
    let scene = stage(file(FileOp::Open, "/etc/shadow"));
    let mut judge = Judge::new(Arc::new(RuleSet::new(loaded.rules)));
    let finding = judge.see(&scene).next().expect("a match").finding(&scene);
    assert_eq!((finding.rule.as_str(), finding.severity), ("Shadow read", Severity::Critical));
    assert_eq!((finding.message.as_str(), finding.priority.as_deref()), ("read /etc/shadow", Some("error")));
    assert_eq!(finding.events.len(), 1, "it stands on the event that matched");
}

#[test]
fn a_value_that_ends_with_a_bracket_takes_no_space_from_what_follows() {
    let output = Template { parts: vec![Part::Values, Part::Text(" parent".to_owned())] };
    let told = Told { values: vec!["run(".into()], ..Told::default() };
    assert_eq!(output.render(&exec(), &told), "run( parent");
}
