//! Cgroups made and removed.

mod support;

use support::{Group, What, own, record};
use taffrail_probes::abi::Kind;

#[test]
fn a_cgroup_made_and_removed_is_told_with_its_id_and_path() {
    let mut made = None;
    let recorded = record(|| {
        let group = Group::make("taffrail-cgroup");
        made = Some((group.id(), group.path.clone()));
    });
    let (id, path) = made.expect("the cgroup");
    let told: Vec<_> = recorded
        .of(std::process::id())
        .filter_map(|event| match &event.what {
            What::Cgroup { cgroup, path } => Some((event.kind, cgroup, path)),
            _ => None,
        })
        .collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert_eq!((told[0].0, told[1].0), (Kind::CgroupMake, Kind::CgroupRemove));
    for (_, cgroup, said) in told {
        assert_eq!((cgroup.id, cgroup.level), (id, 1));
        assert!(path.to_string_lossy().ends_with(said.as_str()) && said.starts_with('/'), "{said}");
    }
}

#[test]
fn every_record_names_the_cgroup_of_its_actor() {
    let group = Group::make("taffrail-actor");
    let id = group.id();
    let recorded = record(|| {
        group.enter();
        std::fs::read("/proc/version").expect("a file");
        group.leave();
    });
    let open = recorded
        .of(std::process::id())
        .find(|event| matches!(&event.what, What::Call(called) if called.base == "/proc/version"))
        .expect("the open");
    assert_eq!(open.header.cgroup_id, id);
}

#[test]
fn a_process_that_is_moved_is_told_with_where_it_is_now() {
    let group = Group::make("taffrail-move");
    let id = group.id();
    let recorded = record(|| {
        group.enter();
        group.leave();
    });
    let moves = recorded.pick(own(), |what| if let What::Attach(attach) = what { Some(attach) } else { None });
    assert_eq!(moves.len(), 2, "{moves:?}");
    assert_eq!(moves[0].to, id);
    assert_ne!(moves[1].to, id);
    assert!(moves.iter().all(|attach| attach.moved.pid == own()));
}
