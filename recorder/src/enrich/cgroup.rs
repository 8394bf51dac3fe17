//! Which container a cgroup path belongs to, told by its shape alone.
//!
//! ```text
//! Docker      /docker/<id>                          /system.slice/docker-<id>.scope
//! containerd  /kubepods.slice/…/cri-containerd-<id>.scope     /kubepods/burstable/pod<uid>/<id>
//! CRI-O       /kubepods.slice/…/crio-<id>.scope
//! podman      /machine.slice/libpod-<id>.scope      /libpod_parent/libpod-<id>
//! runc        /system.slice/runc-<name>.scope       /<name>, where runc's state directory knows <name>
//! demo        /taffrail-demo-<name>
//! ```
//!
//! Ids are 64 hex digits. Where containers nest, the innermost one counts.

use taffrail_trace::container::Runtime;

/// What a cgroup path says of the container it is in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The container's own cgroup: the path, or one of its ancestors.
    pub path: String,
    /// The runtime's id.
    pub id: String,
    /// The runtime.
    pub runtime: Runtime,
}

/// The innermost container on `path`, or `None` for the host. `is_runc` tells whether runc knows a name.
pub fn place(path: &str, is_runc: &dyn Fn(&str) -> bool) -> Option<Place> {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    (0..parts.len()).rev().find_map(|at| {
        let (id, runtime) = own(&parts[..=at], is_runc)?;
        Some(Place { path: format!("/{}", parts[..=at].join("/")), id: id.to_owned(), runtime })
    })
}

/// The container whose own cgroup this is.
fn own<'a>(parts: &[&'a str], is_runc: &dyn Fn(&str) -> bool) -> Option<(&'a str, Runtime)> {
    let (last, above) = parts.split_last()?;
    let name = last.strip_suffix(".scope").unwrap_or(last);
    if let Some(prefixed) = prefixed(name) {
        return Some(prefixed);
    }
    if is_id(name) {
        return Some((name, runtime_above(above)));
    }
    if last.ends_with(".scope") {
        return name.strip_prefix("runc-").filter(|id| !id.is_empty()).map(|id| (id, Runtime::Runc));
    }
    if above.is_empty() {
        if let Some(id) = name.strip_prefix("taffrail-demo-") {
            return Some((id, Runtime::Taffrail));
        }
        if is_runc(name) {
            return Some((name, Runtime::Runc));
        }
    }
    None
}

/// Whether a cgroup is `top` or one below it, by their paths.
pub fn is_within(path: &str, top: &str) -> bool {
    path.strip_prefix(top.trim_end_matches('/')).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// A container's id behind what its runtime puts before it, as in `docker-ID`.
pub fn prefixed(name: &str) -> Option<(&str, Runtime)> {
    let prefixes = [
        ("docker-", Runtime::Docker),
        ("cri-containerd-", Runtime::Containerd),
        ("crio-", Runtime::Crio),
        ("libpod-", Runtime::Podman),
    ];
    prefixes.into_iter().find_map(|(prefix, runtime)| {
        let id = name.strip_prefix(prefix).filter(|id| is_id(id))?;
        Some((id, runtime))
    })
}

/// Who made a container whose cgroup is named by nothing but its id.
fn runtime_above(above: &[&str]) -> Runtime {
    match above.last() {
        Some(&"docker") => Runtime::Docker,
        Some(&("libpod_parent" | "machine.slice")) => Runtime::Podman,
        _ if above.iter().any(|part| part.starts_with("kubepods")) => Runtime::Kubernetes,
        Some(part) if part.starts_with("docker") => Runtime::Docker,
        _ => Runtime::Containerd,
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str) -> Option<(String, Runtime)> {
        place(path, &|name| name == "shop").map(|place| {
            let id = place.id.replace(&"ab".repeat(32), "ID").replace(&"cd".repeat(32), "INNER");
            (id, place.runtime)
        })
    }

    #[test]
    fn every_known_layout_is_told_apart() {
        let id = "ab".repeat(32);
        let expected = [
            (format!("/docker/{id}"), Runtime::Docker),
            (format!("/system.slice/docker-{id}.scope"), Runtime::Docker),
            (format!("/system.slice/docker-{id}.scope/init.scope"), Runtime::Docker),
            (
                format!(
                    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1_2.slice/cri-containerd-{id}.scope"
                ),
                Runtime::Containerd,
            ),
            (format!("/kubepods/besteffort/pod1-2/{id}"), Runtime::Kubernetes),
            (format!("/kubepods.slice/kubepods-pod1.slice/crio-{id}.scope"), Runtime::Crio),
            (format!("/machine.slice/libpod-{id}.scope/container"), Runtime::Podman),
            (format!("/libpod_parent/libpod-{id}"), Runtime::Podman),
            (format!("/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-{id}.scope"), Runtime::Podman),
            (format!("/default/{id}"), Runtime::Containerd),
        ];
        for (path, runtime) in expected {
            assert_eq!(found(&path), Some(("ID".to_owned(), runtime)), "{path}");
        }
        assert_eq!(found("/system.slice/runc-web.scope"), Some(("web".to_owned(), Runtime::Runc)));
        assert_eq!(found("/shop/worker"), Some(("shop".to_owned(), Runtime::Runc)));
    }

    #[test]
    fn what_is_no_container_is_the_host() {
        let id = "ab".repeat(32);
        for path in [
            "/",
            "/system.slice/ssh.service",
            "/docker/abc",
            "/user.slice/user-0.slice/session-1.scope",
            &format!("/machine.slice/libpod-conmon-{id}.scope"),
            &format!("/kubepods.slice/crio-conmon-{id}.scope"),
        ] {
            assert_eq!(found(path), None, "{path}");
        }
    }

    #[test]
    fn the_innermost_container_counts() {
        let path = format!("/docker/{}/docker/{}/x", "ab".repeat(32), "cd".repeat(32));
        assert_eq!(found(&path), Some(("INNER".to_owned(), Runtime::Docker)));
    }
}
