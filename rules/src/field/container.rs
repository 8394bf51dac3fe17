//! `container.*` and `k8s.*`: where it happened.

use super::{Argument, Field, Look, Missing, Takes, flag, flags, number, text};
use crate::value::Type;
use taffrail_trace::container::{HOST, Runtime};
use taffrail_trace::event::Namespaces;

/// Inode numbers that the kernel gives the first namespaces at boot (`include/linux/proc_ns.h`).
const HOST_PID_NS: u32 = 0xEFFF_FFFC;
const HOST_IPC_NS: u32 = 0xEFFF_FFFF;

/// How much of a container's id is shown.
const SHORT: usize = 12;

pub const FIELDS: &[Field] = &[
    text("container.id", |look| {
        let id = look.view.container.id.as_str();
        look.text(id.get(..SHORT).unwrap_or(id))
    }),
    text("container.full_id", |look| look.text(&look.view.container.id)),
    text("container.name", |look| look.text(&look.view.container.name)),
    text("container.type", |look| {
        let name = match look.view.container.runtime {
            Runtime::Host => "host",
            Runtime::Crio => "cri-o",
            runtime => runtime.as_str(),
        };
        look.text(name)
    }),
    text("container.image", |look| look.maybe_text(look.view.container.image.as_deref())),
    text("container.image.repository", |look| {
        look.maybe_text(look.view.container.image.as_deref().map(|image| parts(image).0))
    }),
    text("container.image.tag", |look| {
        look.maybe_text(look.view.container.image.as_deref().and_then(|image| parts(image).1))
    }),
    text("container.image.digest", |look| look.maybe_text(look.view.container.image_digest.as_deref())),
    text("container.image.id", |look| {
        let digest = look.view.container.image_digest.as_deref();
        look.maybe_text(digest.map(|digest| {
            let id = digest.rsplit(':').next().unwrap_or(digest);
            id.get(..SHORT).unwrap_or(id)
        }))
    }),
    Field::new("container.label", Type::Text, Takes::Name, |look| match look.argument {
        Argument::Name(name) => label(look, name),
        _ => false,
    }),
    text("container.labels", |look| {
        let labels = &look.view.container.labels;
        look.composed(|out| {
            for (name, value) in labels {
                if !out.is_empty() {
                    out.push_str(", ");
                }
                out.push_str(name);
                out.push(':');
                out.push_str(value);
            }
        })
    }),
    // Told from what the program may do: every capability can be had in a privileged container, and in no other that
    // was not given all of them.
    flag("container.privileged", |look| {
        let who = look.image(0).and_then(|image| image.credentials).filter(|_| !is_host(look));
        who.is_some_and(|who| look.flag(who.bounding & flags::ALL_CAPABILITIES == flags::ALL_CAPABILITIES))
    }),
    flag("container.host_pid", |look| shares(look, |ns| ns.pid, HOST_PID_NS)),
    flag("container.host_ipc", |look| shares(look, |ns| ns.ipc, HOST_IPC_NS)),
    number("container.start_ts", |look| {
        let created = look.view.container.created_ns;
        created.is_some_and(|created_ns| {
            let utc = look.scene().utc(created_ns);
            look.number(utc)
        })
    }),
    number("container.duration", |look| {
        let now = look.event().time_ns;
        look.view.container.created_ns.is_some_and(|created_ns| look.large(now.saturating_sub(created_ns)))
    }),
    text("container.info", |look| {
        let container = look.view.container;
        look.composed(|out| {
            out.push_str("container_id=");
            out.push_str(container.id.get(..SHORT).unwrap_or(&container.id));
            out.push_str(" container_name=");
            out.push_str(&container.name);
            if let Some((repository, tag)) = container.image.as_deref().map(parts) {
                out.push_str(" container_image_repository=");
                out.push_str(repository);
                out.push_str(" container_image_tag=");
                out.push_str(tag.unwrap_or("<NA>"));
            }
        })
    }),
    text("k8s.ns.name", |look| label(look, "io.kubernetes.pod.namespace")),
    text("k8s.pod.name", |look| label(look, "io.kubernetes.pod.name")),
    text("k8s.pod.uid", |look| label(look, "io.kubernetes.pod.uid")),
    text("k8s.pod.id", |look| label(look, "io.kubernetes.pod.uid")),
    text("k8s.pod.full_name", |look| {
        let labels = &look.view.container.labels;
        match (labels.get("io.kubernetes.pod.namespace"), labels.get("io.kubernetes.pod.name")) {
            (Some(namespace), Some(pod)) => look.shown(format_args!("{namespace}/{pod}")),
            _ => false,
        }
    }),
];

pub const MISSING: Missing = &[
    (&["container.mounts", "container.mount", "container.mount."], "what a runtime mounts is not asked for"),
    (&["container.ip", "container.cni.json"], "a container's addresses are not asked for"),
    (
        &["container.healthcheck", "container.liveness_probe", "container.readiness_probe"],
        "a runtime's probes are not asked for",
    ),
    (&["container.host_network"], "the host's network namespace has no number of its own"),
    (
        &[
            "k8s.pod.label.",
            "k8s.pod.labels",
            "k8s.pod.label",
            "k8s.pod.ip",
            "k8s.pod.cni.json",
            "k8s.pod.sandbox_id",
            "k8s.pod.full_sandbox_id",
            "k8s.rc.",
            "k8s.rs.",
            "k8s.svc.",
            "k8s.ns.id",
            "k8s.ns.label",
            "k8s.ns.label.",
            "k8s.ns.labels",
            "k8s.deployment.",
        ],
        "nobody asks the Kubernetes API",
    ),
];

fn is_host(look: &Look<'_, '_>) -> bool {
    look.view.container.id == HOST
}

fn label(look: &mut Look<'_, '_>, name: &str) -> bool {
    look.maybe_text(look.view.container.labels.get(name).map(String::as_str))
}

/// Whether the container's program lives in a namespace of the host.
fn shares(look: &mut Look<'_, '_>, which: fn(Namespaces) -> u32, host: u32) -> bool {
    let own = look.image(0).and_then(|image| image.namespaces).map(which).filter(|ns| *ns != 0 && !is_host(look));
    own.is_some_and(|ns| look.flag(ns == host))
}

/// Repository and tag of an image's name; a port of the registry is no tag.
fn parts(image: &str) -> (&str, Option<&str>) {
    let name = image.split('@').next().unwrap_or(image);
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
        _ => (name, None),
    }
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn an_images_name_has_a_repository_and_perhaps_a_tag() {
        assert_eq!(parts("registry.example:5000/web:1.4"), ("registry.example:5000/web", Some("1.4")));
        assert_eq!(parts("registry.example:5000/web"), ("registry.example:5000/web", None));
        assert_eq!(parts("web@sha256:c0ffee"), ("web", None));
        assert_eq!(parts("web:1@sha256:c0ffee"), ("web", Some("1")));
    }
}
