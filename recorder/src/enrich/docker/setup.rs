//! How a container was set up, out of Docker's answer.

use crate::enrich::environment::Selection;
use bollard::models::{ContainerInspectResponse, DeviceMapping, HostConfig, MountPoint, PortMap};
use taffrail_trace::container::{Setup, SetupMount};

/// Characters kept of one option: a filter's whole profile can stand in one.
const OPTION_MAX_CHARS: usize = 256;

/// What is kept of the answer. `environment` says which values are.
pub fn setup(found: &ContainerInspectResponse, environment: &Selection) -> Setup {
    let config = found.config.clone().unwrap_or_default();
    let host = found.host_config.clone().unwrap_or_default();
    let ports = found.network_settings.as_ref().and_then(|settings| settings.ports.as_ref());
    let state = found.state.as_ref();
    let HostConfig { cap_add, cap_drop, devices, security_opt, .. } = host;
    Setup {
        command: found.path.iter().chain(found.args.iter().flatten()).cloned().collect(),
        working_dir: said(config.working_dir),
        user: said(config.user),
        environment: environment.of_container(config.env.as_deref().unwrap_or_default()),
        privileged: host.privileged.unwrap_or(false),
        capabilities_added: cap_add.unwrap_or_default(),
        capabilities_dropped: cap_drop.unwrap_or_default(),
        mounts: found.mounts.iter().flatten().map(mount).collect(),
        devices: devices.iter().flatten().map(device).collect(),
        read_only_root: host.readonly_rootfs.unwrap_or(false),
        network_mode: said(host.network_mode),
        pid_mode: said(host.pid_mode),
        ipc_mode: said(host.ipc_mode),
        uts_mode: said(host.uts_mode),
        user_namespace_mode: said(host.userns_mode),
        cgroup_namespace_mode: said(host.cgroupns_mode.map(|mode| mode.to_string())),
        published_ports: ports.map(published).unwrap_or_default(),
        security_options: security_opt.unwrap_or_default().iter().map(|option| shortened(option)).collect(),
        apparmor: said(found.app_armor_profile.clone()),
        created: said(found.created.as_ref().map(ToString::to_string)),
        started: said(state.and_then(|state| state.started_at.clone())),
    }
}

/// Docker says nothing with an empty text.
fn said(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn mount(mount: &MountPoint) -> SetupMount {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    SetupMount {
        kind: mount.typ.as_ref().map(ToString::to_string).unwrap_or_default(),
        source: text(&mount.source),
        path: text(&mount.destination),
        read_only: mount.rw == Some(false),
    }
}

fn device(device: &DeviceMapping) -> String {
    let parts = [&device.path_on_host, &device.path_in_container, &device.cgroup_permissions];
    parts.map(|part| part.as_deref().unwrap_or_default()).join(":")
}

fn published(ports: &PortMap) -> Vec<String> {
    let of_one = |(inside, outside): (&String, &Option<Vec<bollard::models::PortBinding>>)| {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let ends = outside.iter().flatten().map(|end| (text(&end.host_ip), text(&end.host_port)));
        ends.map(|(ip, port)| format!("{ip}:{port} -> {inside}")).collect::<Vec<_>>()
    };
    let mut all: Vec<String> = ports.iter().flat_map(of_one).collect();
    all.sort();
    all
}

fn shortened(option: &str) -> String {
    match option.char_indices().nth(OPTION_MAX_CHARS) {
        Some((end, _)) => format!("{}…", &option[..end]),
        None => option.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    /// As `docker inspect` prints it, shortened.
    const ANSWER: &str = r#"{
        "Id": "3f", "Created": "2026-11-22T14:00:00.5Z", "Path": "/entry.sh", "Args": ["serve", "--all"],
        "State": {"StartedAt": "2026-11-22T14:00:01Z"}, "AppArmorProfile": "docker-default",
        "HostConfig": {"NetworkMode": "host", "PidMode": "", "IpcMode": "private", "CgroupnsMode": "host", "Privileged": true,
            "CapAdd": ["NET_ADMIN"], "CapDrop": null, "ReadonlyRootfs": false,
            "SecurityOpt": ["seccomp=unconfined", "seccomp={\"defaultAction\":\"SCMP_ACT_ERRNO\",\"x\":\"LONG\"}"],
            "Devices": [{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm", "CgroupPermissions": "rwm"}]},
        "Mounts": [{"Type": "bind", "Source": "/var/run/docker.sock", "Destination": "/docker.sock", "Mode": "", "RW": false, "Propagation": "rprivate"}],
        "Config": {"User": "1000:1000", "WorkingDir": "/srv", "Env": ["PATH=/bin", "DB_PASSWORD=hunter2", "COLOUR=blue"]},
        "NetworkSettings": {"Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "90/tcp": null}}
    }"#;

    #[test]
    fn what_docker_says_of_a_container_is_kept_and_its_secrets_are_not() {
        let answer = ANSWER.replace("LONG", &"a".repeat(1000));
        let found: ContainerInspectResponse = serde_json::from_str(&answer).expect("an answer");
        let setup = setup(&found, &Selection::of(&Config::default()));
        assert_eq!(setup.command, ["/entry.sh", "serve", "--all"]);
        assert_eq!((setup.user.as_deref(), setup.working_dir.as_deref()), (Some("1000:1000"), Some("/srv")));
        assert_eq!(setup.environment, ["PATH=/bin", "DB_PASSWORD=***", "COLOUR=***"]);
        assert!(setup.privileged && !setup.read_only_root);
        assert_eq!((setup.network_mode.as_deref(), setup.pid_mode), (Some("host"), None));
        assert_eq!(setup.cgroup_namespace_mode.as_deref(), Some("host"));
        assert_eq!((setup.capabilities_added, setup.capabilities_dropped), (vec!["NET_ADMIN".to_owned()], Vec::new()));
        assert_eq!((setup.mounts[0].source.as_str(), setup.mounts[0].read_only), ("/var/run/docker.sock", true));
        assert_eq!(setup.devices, ["/dev/kvm:/dev/kvm:rwm"]);
        assert_eq!(setup.published_ports, ["0.0.0.0:8080 -> 80/tcp"]);
        assert_eq!(setup.security_options[0], "seccomp=unconfined");
        assert!(setup.security_options[1].chars().count() == OPTION_MAX_CHARS + 1);
        assert_eq!(setup.started.as_deref(), Some("2026-11-22T14:00:01Z"));
    }

    #[test]
    fn an_answer_that_says_nothing_is_a_setup_without_anything() {
        let found: ContainerInspectResponse = serde_json::from_str("{}").expect("an answer");
        assert_eq!(setup(&found, &Selection::of(&Config::default())), Setup::default());
    }
}
