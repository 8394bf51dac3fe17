//! Containers of Kubernetes over containerd: named by their pod, for people, rules and alarms.

use crate::support::{Recorder, ask, run, until};
use std::fs;
use std::path::Path;
use std::process::Command;
use taffrail_trace::bundle::Bundle;

/// Where kubelet has its containers.
const NAMESPACE: &str = "k8s.io";

/// A container of containerd with the annotations that its plugin for Kubernetes gives; it goes with the test.
struct Pod {
    id: String,
    _root: tempfile::TempDir,
}

fn ctr(args: &[&str]) -> String {
    let output =
        Command::new("ctr").args(["-n", NAMESPACE]).args(args).output().expect("ctr; it comes with containerd");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "ctr {}: {error}", args.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

impl Pod {
    fn run(name: &str) -> Self {
        let root = tempfile::tempdir().expect("a directory");
        for dir in ["bin", "proc", "tmp"] {
            fs::create_dir(root.path().join(dir)).expect("a directory");
        }
        let busybox = ["/bin/busybox", "/usr/bin/busybox"].into_iter().find(|path| Path::new(path).exists());
        fs::copy(busybox.expect("busybox; `cargo xtask test` installs it"), root.path().join("bin/busybox"))
            .expect("copied");
        let id =
            format!("{:032x}{:032x}", std::process::id(), std::time::UNIX_EPOCH.elapsed().expect("now").as_nanos());
        let annotations = [
            "container-type=container".to_owned(),
            "container-name=web".to_owned(),
            "sandbox-namespace=shop".to_owned(),
            format!("sandbox-name={name}"),
            "image-name=registry.example/shop:1.4".to_owned(),
        ];
        let annotations = annotations.map(|text| format!("--annotation=io.kubernetes.cri.{text}"));
        let annotations: Vec<&str> = annotations.iter().map(String::as_str).collect();
        let path = root.path().to_string_lossy().into_owned();
        let command = [&path, &id, "/bin/busybox", "sleep", "600"];
        ctr(&[&["run", "-d", "--null-io", "--rootfs"], &annotations[..], &command].concat());
        Self { id, _root: root }
    }
}

impl Drop for Pod {
    fn drop(&mut self) {
        for args in [&["task", "rm", "-f", &self.id][..], &["container", "rm", &self.id]] {
            let _ = Command::new("ctr").args(["-n", NAMESPACE]).args(args).output();
        }
    }
}

#[test]
fn a_container_of_containerd_goes_by_its_pod_and_rules_and_hunts_find_it_by_that() {
    let dir = tempfile::tempdir().expect("a directory");
    let (rules, pod) = (dir.path().join("rules.yaml"), format!("shop-{}", std::process::id()));
    let rule = format!(
        "- rule: Date in the shop\n  desc: a test's sign\n  condition: >\n    spawned and k8s.ns.name = shop and k8s.pod.name = {pod} and\n    \
         container.image.repository = registry.example/shop\n  output: \"%k8s.pod.full_name ran %proc.cmdline\"\n  priority: WARNING\n"
    );
    let spawned = "- macro: spawned\n  condition: evt.type = execve and proc.cmdline = 'busybox date -u'\n";
    fs::write(&rules, spawned.to_owned() + &rule).expect("rules");
    let config = format!("default_rules = false\nmodels = false\nafter_seconds = 1\nrules = [{rules:?}]\n");
    let recorder = Recorder::start_in(dir, &config);
    let container = Pod::run(&pod);
    let name = format!("shop/{pod}/web");
    recorder.wait_for(&name);
    assert_eq!(recorder.status_of(&name)["runtime"], "containerd");
    ctr(&["task", "exec", "--exec-id", "one", &container.id, "/bin/busybox", "date", "-u"]);
    until("it is found", || !recorder.bundles().is_empty());

    let bundle = recorder.bundles().swap_remove(0);
    let opened = Bundle::open(&bundle).expect("a bundle");
    let known = &opened.manifest().container;
    assert_eq!((known.name.as_str(), known.image.as_deref()), (name.as_str(), Some("registry.example/shop:1.4")));
    let said = format!("shop/{pod} ran busybox date -u");
    assert_eq!(ask(&bundle, "SELECT message FROM finding")[0]["message"], said.as_str());
    let rules = recorder.state_dir().with_file_name("rules.yaml");
    let (code, hunted, err) = run(&["hunt", &bundle.to_string_lossy(), "--rules", &rules.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    assert!(hunted.contains(&said) && hunted.lines().count() == 1, "{hunted}");
}
