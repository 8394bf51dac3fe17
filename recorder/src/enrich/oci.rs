//! Names, pods and images of containers that Kubernetes runs over containerd or CRI-O: out of the files by which these hand
//! a container to the runtime below them. They are the host's own, in memory, and there before the container's cgroup is.
//!
//! ```text
//! containerd   /run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json      (k3s: /run/k3s/containerd/…)
//! CRI-O        /run/containers/storage/overlay-containers/ID/userdata/config.json
//! ```
//!
//! Of the OCI runtime specification only `annotations` are read. What they tell is kept under the labels that kubelet gives
//! Docker's containers, so that nobody has to know which runtime it was.

use super::containers::Details;
use crate::proc::read_up_to;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A specification is no longer than this.
const SPEC_MAX_BYTES: u64 = 4 << 20;
/// A longer annotation names nothing.
const NAME_MAX_BYTES: usize = 512;
/// Where containerd has a directory for each of its namespaces, below the root.
const CONTAINERD: [&str; 2] =
    ["run/containerd/io.containerd.runtime.v2.task", "run/k3s/containerd/io.containerd.runtime.v2.task"];
/// Where CRI-O has a directory for each container.
const CRIO: [&str; 2] = ["run/containers/storage/overlay-containers", "var/run/containers/storage/overlay-containers"];

/// The labels that tell of a pod, with the annotations of containerd and CRI-O that say the same.
const LABELS: [(&str, &[&str]); 4] = [
    ("io.kubernetes.pod.namespace", &["io.kubernetes.cri.sandbox-namespace", "io.kubernetes.pod.namespace"]),
    ("io.kubernetes.pod.name", &["io.kubernetes.cri.sandbox-name", "io.kubernetes.pod.name"]),
    ("io.kubernetes.pod.uid", &["io.kubernetes.cri.sandbox-uid", "io.kubernetes.pod.uid"]),
    ("io.kubernetes.container.name", &["io.kubernetes.cri.container-name", "io.kubernetes.container.name"]),
];
const IMAGES: [&str; 2] = ["io.kubernetes.cri.image-name", "io.kubernetes.cri-o.ImageName"];

/// The part of a specification that is read.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    annotations: BTreeMap<String, String>,
}

/// What is known of the container with this id below `root`; `None` where no runtime of Kubernetes has told it.
///
/// # Errors
/// Where the file that should tell it cannot be read, or is none.
pub fn details(root: &Path, id: &str) -> io::Result<Option<Details>> {
    // It comes from the name of a cgroup, and becomes part of a path.
    if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(None);
    }
    let Some(path) = specs(root, id).find(|path| path.exists()) else { return Ok(None) };
    Ok(told(&read(&path)?.annotations))
}

/// Where its specification may be.
fn specs(root: &Path, id: &str) -> impl Iterator<Item = PathBuf> {
    let namespaces = CONTAINERD.iter().filter_map(|dir| fs::read_dir(root.join(dir)).ok()).flatten().flatten();
    let of_containerd = namespaces.map(move |namespace| namespace.path().join(id).join("config.json"));
    let of_crio = CRIO.iter().map(move |dir| root.join(dir).join(id).join("userdata/config.json"));
    of_containerd.chain(of_crio)
}

fn read(path: &Path) -> io::Result<Spec> {
    let (text, is_longer) = read_up_to(File::open(path)?, SPEC_MAX_BYTES)?;
    if is_longer {
        return Err(io::Error::other(format!("{} is longer than {SPEC_MAX_BYTES} bytes", path.display())));
    }
    Ok(serde_json::from_slice(&text)?)
}

/// `NAMESPACE/POD/CONTAINER`, or `NAMESPACE/POD` for what holds a pod's namespaces.
fn told(annotations: &BTreeMap<String, String>) -> Option<Details> {
    let first = |names: &[&str]| {
        let found = names.iter().find_map(|name| annotations.get(*name))?.trim();
        (!found.is_empty() && found.len() <= NAME_MAX_BYTES).then(|| found.to_owned())
    };
    let labels: BTreeMap<String, String> =
        LABELS.iter().filter_map(|(label, names)| Some(((*label).to_owned(), first(names)?))).collect();
    let [namespace, pod, _, container] = LABELS.map(|(label, _)| labels.get(label));
    let parts: Vec<&str> =
        [Some(namespace?), Some(pod?), container].into_iter().flatten().map(String::as_str).collect();
    // CRI-O calls it so, as Docker did.
    let name = parts.join("/").trim_end_matches("/POD").to_owned();
    Some(Details { name: Some(name), image: first(&IMAGES), image_digest: None, labels, setup: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3f2a9c1b7d5e4f60718293a4b5c6d7e83f2a9c1b7d5e4f60718293a4b5c6d7e8";

    /// A host whose runtime wrote this.
    fn host(dir: &str, spec: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a directory");
        let dir = root.path().join(dir);
        fs::create_dir_all(&dir).expect("directories");
        fs::write(dir.join("config.json"), spec).expect("written");
        root
    }

    fn found(dir: &str, annotations: &str) -> Option<Details> {
        let root = host(
            dir,
            &format!(r#"{{"ociVersion": "1.0.2", "process": {{"args": ["x"]}}, "annotations": {annotations}}}"#),
        );
        details(root.path(), ID).expect("readable")
    }

    fn label<'a>(details: &'a Details, name: &str) -> Option<&'a str> {
        details.labels.get(name).map(String::as_str)
    }

    #[test]
    fn a_container_of_containerd_has_its_pods_name_and_labels_and_its_image() {
        let dir = format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}");
        let web = r#"{"io.kubernetes.cri.container-type": "container", "io.kubernetes.cri.sandbox-namespace": "shop",
            "io.kubernetes.cri.sandbox-name": "shop-1", "io.kubernetes.cri.sandbox-uid": "0b-ad",
            "io.kubernetes.cri.container-name": "web", "io.kubernetes.cri.image-name": "registry.example/shop:1.4"}"#;
        let web = found(&dir, web).expect("details");
        assert_eq!(web.name.as_deref(), Some("shop/shop-1/web"));
        assert_eq!(web.image.as_deref(), Some("registry.example/shop:1.4"));
        for (name, value) in [
            ("io.kubernetes.pod.namespace", "shop"),
            ("io.kubernetes.pod.name", "shop-1"),
            ("io.kubernetes.pod.uid", "0b-ad"),
            ("io.kubernetes.container.name", "web"),
        ] {
            assert_eq!(label(&web, name), Some(value), "{name}");
        }
        let pause = r#"{"io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.sandbox-name": "shop-1"}"#;
        assert_eq!(found(&dir, pause).expect("details").name.as_deref(), Some("shop/shop-1"));
    }

    #[test]
    fn a_container_of_crio_has_them_likewise() {
        let annotations = r#"{"io.kubernetes.pod.namespace": "shop", "io.kubernetes.pod.name": "shop-1",
            "io.kubernetes.container.name": "web", "io.kubernetes.cri-o.ImageName": "registry.example/shop:1.4"}"#;
        let dir = format!("run/containers/storage/overlay-containers/{ID}/userdata");
        let web = found(&dir, annotations).expect("details");
        assert_eq!(web.name.as_deref(), Some("shop/shop-1/web"));
        assert_eq!(
            (web.image.as_deref(), label(&web, "io.kubernetes.pod.uid")),
            (Some("registry.example/shop:1.4"), None)
        );
        let pod = annotations.replace("\"web\"", "\"POD\"");
        assert_eq!(found(&dir, &pod).expect("details").name.as_deref(), Some("shop/shop-1"));
    }

    #[test]
    fn who_is_of_no_pod_or_is_not_there_stays_unnamed() {
        let dir = format!("run/containerd/io.containerd.runtime.v2.task/default/{ID}");
        assert_eq!(found(&dir, "{}"), None);
        assert_eq!(found(&dir, r#"{"io.kubernetes.cri.sandbox-name": "no namespace"}"#), None);
        let root = host(&dir, "{}");
        assert_eq!(details(root.path(), ID).expect("readable"), None, "no annotations at all");
        for id in ["", "..", "../../etc", "web"] {
            assert_eq!(details(root.path(), id).expect("nothing is read"), None, "{id}");
        }
        assert_eq!(details(root.path(), &"0".repeat(64)).expect("not there"), None);
    }

    #[test]
    fn a_file_that_is_none_is_an_error_and_a_long_name_is_left_out() {
        let dir = format!("run/containerd/io.containerd.runtime.v2.task/k8s.io/{ID}");
        assert!(details(host(&dir, "[").path(), ID).is_err());
        let long = " ".repeat(usize::try_from(SPEC_MAX_BYTES).expect("a length")) + "{}";
        assert!(details(host(&dir, &long).path(), ID).expect_err("too long").to_string().contains("is longer than"));
        let name = "n".repeat(NAME_MAX_BYTES + 1);
        let annotations = format!(
            r#"{{"io.kubernetes.cri.sandbox-namespace": "shop", "io.kubernetes.cri.sandbox-name": "shop-1", "io.kubernetes.cri.container-name": "{name}"}}"#
        );
        assert_eq!(found(&dir, &annotations).expect("details").name.as_deref(), Some("shop/shop-1"));
    }
}
