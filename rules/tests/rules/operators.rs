//! Every operator on every type of value.

use crate::stage::{changed, exec, file, flow, holds, stage};
use taffrail_trace::event::{FileOp, FlowOp, PathSource, Protocol};

#[test]
fn every_operator_says_of_a_text_what_it_should() {
    let stage = stage(file(FileOp::Open, "/etc/ssl/private.Key"));
    for (condition, expected) in [
        ("fd.name = /etc/ssl/private.Key", true),
        ("fd.name == '/etc/ssl/private.Key'", true),
        ("fd.name=\"/etc/ssl\"", false),
        ("fd.name != /etc/ssl", true),
        ("fd.name != /etc/ssl/private.Key", false),
        ("fd.name in (/etc/x, /etc/ssl/private.Key)", true),
        ("fd.name in (/etc/x, /etc/y)", false),
        ("fd.name in ()", false),
        ("fd.name intersects (/etc/ssl/private.Key)", true),
        ("fd.name contains ssl/", true),
        ("fd.name contains SSL", false),
        ("fd.name icontains 'SSL/PRIVATE'", true),
        ("fd.name bcontains 73736c", true),
        ("fd.name bcontains 73736d", false),
        ("fd.name startswith /etc/", true),
        ("fd.name startswith etc/", false),
        ("fd.name bstartswith 2f657463", true),
        ("fd.name endswith .Key", true),
        ("fd.name endswith .key", false),
        ("fd.name glob '/etc/*.Key'", true),
        ("fd.name glob '*.key'", false),
        ("fd.name iglob '*.key'", true),
        ("fd.name regex '/etc/.*[a-z]\\.Key'", true),
        ("fd.name regex 'ssl'", false),
        ("fd.name pmatch (/etc/ssl)", true),
        ("fd.name pmatch (/etc/ss)", false),
        ("fd.name pmatch (/var, /etc/ssl/)", true),
        ("fd.name pmatch (/*/ssl)", true),
        ("fd.name pmatch (/)", true),
        ("fd.name exists", true),
        ("fd.sip exists", false),
    ] {
        assert_eq!(holds(&stage, condition), expected, "{condition}");
    }
}

#[test]
fn numbers_truths_and_addresses_are_compared_as_what_they_are() {
    let connect = stage(flow(Protocol::Tcp, FlowOp::Connect, crate::stage::end([198, 51, 100, 7], 443)));
    for (condition, expected) in [
        ("fd.sport = 443", true),
        ("fd.sport = 0x1bb", true),
        ("fd.sport != 443", false),
        ("fd.sport < 444", true),
        ("fd.sport <= 443", true),
        ("fd.sport > 443", false),
        ("fd.sport >= 443", true),
        ("fd.sport in (80, 443)", true),
        ("fd.sport intersects (80)", false),
        ("evt.rawres < 0", true),
        ("evt.rawres = -115", true),
        ("fd.is_server = false", true),
        ("fd.is_server = True", false),
        ("fd.is_server != true", true),
        ("fd.sip = 198.51.100.7", true),
        ("fd.sip = \"198.51.100.8\"", false),
        ("fd.snet in (192.0.2.0/24, 198.51.100.0/24)", true),
        ("fd.cip = 10.1.2.3", true),
        ("fd.net != \"127.0.0.0/8\"", true),
        ("fd.ip != 10.1.2.3", false),
        ("fd.ip = 10.1.2.3", true),
        ("fd.rip exists", true),
    ] {
        assert_eq!(holds(&connect, condition), expected, "{condition}");
    }
}

#[test]
fn values_go_through_transformers_on_both_sides() {
    let stage = exec();
    for (condition, expected) in [
        ("toupper(proc.name) = SH", true),
        ("tolower(proc.name) = SH", false),
        ("basename(proc.exepath) = dash", true),
        ("len(proc.name) = 2", true),
        ("len(proc.cmdline) > 10", true),
        ("toupper(basename(proc.exepath)) = DASH", true),
        ("b64(proc.name) exists", false),
        ("proc.name = val(proc.pname)", false),
        ("proc.name != val(proc.pname)", true),
        ("proc.pexepath endswith val(proc.pname)", true),
        ("proc.name = basename(proc.exe)", true),
        ("toupper(proc.name) = toupper(proc.exe)", true),
        ("proc.pid > val(proc.ppid)", true),
    ] {
        assert_eq!(holds(&stage, condition), expected, "{condition}");
    }
    let mut encoded = exec();
    encoded.lineage[0].comm = "YmFzaA==".to_owned();
    assert!(holds(&encoded, "b64(proc.name) = bash"));
}

#[test]
fn a_test_of_what_is_unset_is_false_and_its_negation_true() {
    let mut stage = exec();
    stage.lineage.truncate(1);
    for (condition, expected) in [
        ("proc.pname = nginx", false),
        ("proc.pname != nginx", false),
        ("not proc.pname = nginx", true),
        ("not proc.pname exists", true),
        ("proc.pname in (nginx)", false),
        ("proc.aname[2] startswith x", false),
        ("not proc.aname = x", true),
        ("proc.name != val(proc.pname)", false),
        ("proc.name != \"<NA>\"", true),
    ] {
        assert_eq!(holds(&stage, condition), expected, "{condition}");
    }
}

#[test]
fn and_binds_tighter_than_or_and_not_tighter_than_both() {
    let stage = exec();
    for (condition, expected) in [
        ("proc.name=sh or proc.name=x and proc.name=y", true),
        ("(proc.name=sh or proc.name=x) and proc.name=y", false),
        ("not proc.name=x and proc.name=sh", true),
        ("not (proc.name=x or proc.name=sh)", false),
        ("not not proc.name=sh", true),
        ("proc.name=sh and(proc.pname=nginx)", true),
        ("not(proc.name=sh)or proc.pname=nginx", true),
    ] {
        assert_eq!(holds(&stage, condition), expected, "{condition}");
    }
}

#[test]
fn a_field_with_several_values_is_any_of_them() {
    let stage = exec();
    for (condition, expected) in [
        ("proc.aname = systemd", true),
        ("proc.aname in (x, containerd-shim)", true),
        ("proc.aname = sh", false),
        ("proc.aname != systemd", false),
        ("proc.aname startswith contain", true),
        ("proc.apid intersects (1)", true),
        ("fd.types intersects (pipe)", true),
        ("fd.types[0] = ipv4", true),
        ("fd.types[2] = pipe", false),
    ] {
        assert_eq!(holds(&stage, condition), expected, "{condition}");
    }
}

#[test]
fn arguments_are_texts_that_can_be_compared_as_numbers() {
    let chown = changed(file(FileOp::Chown, "/x"), |file| file.owner = Some((1000, 0)));
    let stage = stage(changed(chown, |file| file.path_source = PathSource::User));
    for (condition, expected) in [
        ("evt.arg.uid = 1000", true),
        ("evt.arg.uid >= 1000", true),
        ("evt.arg.gid > 0", false),
        ("evt.arg.path > 0", false),
        ("evt.arg[2] = 1000", true),
        ("evt.arg[9] = 1000", false),
        ("evt.rawarg.uid = 1000", true),
        ("evt.args contains 'uid=1000'", true),
    ] {
        assert_eq!(holds(&stage, condition), expected, "{condition}");
    }
}
