//! What holds whatever was learned.

use super::stage::{self, Stage, end};
use super::world::{Named, ask, by, connect, hello, listen, raw_socket, run, run_with, unix, write};
use proptest::prelude::*;
use taffrail_rules::model::diff::diff;
use taffrail_rules::model::{Judge, Kind, Profile, Reader};
use taffrail_trace::event::{Credentials, FlowOp, KernelOp, PrivilegeOp, Protocol};

fn program() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("/usr/sbin/nginx".to_owned()),
        Just("/docker-entrypoint.sh".to_owned()),
        "/usr/bin/python3\\.[0-9]{1,2}",
        "/opt/[a-c]{1,2}/[a-z*0-9\u{1b}\" ]{1,6}",
    ]
}

fn parent() -> impl Strategy<Value = String> {
    prop_oneof![1 => Just("outside".to_owned()), 3 => program()]
}

fn address() -> impl Strategy<Value = [u8; 4]> {
    prop_oneof![Just([127, 0, 0, 1]), [0..3_u8, 0..3_u8, 0..200_u8, 0..200_u8]]
}

fn act() -> impl Strategy<Value = taffrail_trace::event::Body> {
    let name = "[a-z0-9]{1,3}\\.(cdn|api)\\.example";
    prop_oneof![
        "(/[a-z0-9.*-]{1,5}){1,12}".prop_map(|path| write(&path)),
        "/srv/cache/[a-z]{2}/x".prop_map(|path| write(&path)),
        (address(), any::<u16>()).prop_map(|(addr, port)| connect(addr, port)),
        (address(), any::<u16>()).prop_map(|(addr, port)| stage::flow(Protocol::Udp, FlowOp::Accept, end(addr, port))),
        any::<u16>().prop_map(listen),
        "/run/[a-z0-9]{1,4}\\.sock|@[a-z0-9/]{1,9}".prop_map(|path| unix(&path)),
        name.prop_map(|name| ask(&name)),
        name.prop_map(|name| hello(&name)),
        Just(raw_socket()),
        Just(stage::kernel(KernelOp::Bpf, "bpf", "BPF_PROG_LOAD")),
        "[A-Z_]{1,90}".prop_map(|detail| stage::privilege(PrivilegeOp::Unshare, "unshare", &detail)),
    ]
}

fn scene() -> impl Strategy<Value = Named> {
    let done = prop_oneof![
        (parent(), program()).prop_map(|(parent, program)| run(&parent, &program)),
        (parent(), program()).prop_map(|(parent, program)| run_with(&parent, &program, |image| {
            image.credentials = Some(Credentials::default());
        })),
        (parent(), program(), act()).prop_map(|(parent, program, body)| by(&parent, &program, body)),
    ];
    let known = prop_oneof![Just(None), Just(Some("a.cdn.example")), Just(Some("b1.api.example"))];
    (done, known).prop_map(|(stage, known): (Stage, _)| Named(stage, known))
}

fn scenes() -> impl Strategy<Value = Vec<Named>> {
    proptest::collection::vec(scene(), 0..150)
}

fn learned(scenes: &[Named]) -> Profile {
    let (mut profile, mut reader) = (Profile::default(), Reader::default());
    for scene in scenes {
        profile.learn(&mut reader, scene);
    }
    profile
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_was_learned_never_deviates(scenes in scenes()) {
        let mut judge = Judge::new(learned(&scenes));
        for scene in &scenes {
            let deviation = judge.deviation(scene);
            prop_assert_eq!(deviation.as_ref().map(|it| judge.words(it)), None);
        }
    }

    #[test]
    fn learning_it_again_changes_nothing(scenes in scenes()) {
        let mut profile = learned(&scenes);
        let before = profile.clone();
        let mut reader = Reader::default();
        for scene in &scenes {
            prop_assert_eq!(profile.learn(&mut reader, scene).new, 0);
        }
        prop_assert_eq!(profile, before);
    }

    #[test]
    fn a_merge_is_the_same_either_way_and_allows_what_both_did(one in scenes(), other in scenes()) {
        let (a, b) = (learned(&one), learned(&other));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge(&b);
        ba.merge(&a);
        prop_assert_eq!(&ab, &ba);
        let mut judge = Judge::new(ab.clone());
        for scene in one.iter().chain(&other) {
            let deviation = judge.deviation(scene);
            prop_assert_eq!(deviation.as_ref().map(|it| judge.words(it)), None);
        }
        prop_assert!(diff(&ab, &a).iter().all(|it| !it.is_new), "a merge only adds");
        let mut again = ab.clone();
        again.merge(&ab);
        prop_assert_eq!(again, ab);
    }

    #[test]
    fn an_exported_model_is_imported_as_the_same(scenes in scenes()) {
        let mut profile = learned(&scenes);
        profile.image = Some("registry.example/x\u{202e}:1".to_owned());
        let text = profile.to_toml();
        prop_assert_eq!(Profile::from_toml(&text), Ok(profile.clone()));
        prop_assert!(profile.facts().all(|(program, kind, fact)| profile.has(program, kind, fact)));
    }

    #[test]
    fn every_set_keeps_its_bound(scenes in proptest::collection::vec(scenes(), 1..4)) {
        let mut all = Profile::default();
        for scenes in &scenes {
            all.merge(&learned(scenes));
        }
        for kind in Kind::ALL {
            let count = all.facts().filter(|(_, of, _)| *of == kind).count();
            prop_assert!(count <= kind.most());
        }
        prop_assert_eq!(all.facts().count(), all.len());
    }

    #[test]
    fn no_text_makes_the_reader_of_files_panic(text in "(format = 1|\\[program\\.|\"/x\"|\\]|runs|connects| = |\\[|\"tcp |any|\n|.){0,40}") {
        let _ = Profile::from_toml(&text);
    }
}
