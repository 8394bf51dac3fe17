//! What evidence takes on the disk, and who filled it.
//!
//! A container goes by its name in the bundles' file names: so one that is made anew under its name again and again, as a
//! crash makes it, is one, and no bundle has to be opened to know.

use std::collections::HashMap;
use std::path::Path;
use taffrail_trace::bundle::SUFFIX;

/// No container may fill more than one part in so many with what rules seal.
const SHARES: u64 = 4;

/// The bundles in a directory.
#[derive(Debug, Default)]
pub struct Evidence {
    total_bytes: u64,
    by_container: HashMap<String, u64>,
}

impl Evidence {
    /// What is there now. What cannot be read is not counted.
    pub fn of(dir: &Path) -> Self {
        let mut evidence = Self::default();
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_file() {
                evidence.add(&entry.file_name().to_string_lossy(), meta.len());
            }
        }
        evidence
    }

    fn add(&mut self, file: &str, bytes: u64) {
        self.total_bytes += bytes;
        if let Some(container) = container_of(file) {
            *self.by_container.entry(container.to_owned()).or_default() += bytes;
        }
    }

    /// Whether there is room for more of a container, whose name is as file names have it.
    ///
    /// # Errors
    /// What is full.
    pub fn room(&self, container: &str, most_bytes: u64) -> Result<(), &'static str> {
        let own_bytes = self.by_container.get(container).copied().unwrap_or(0);
        if self.total_bytes >= most_bytes {
            Err("evidence_total_bytes is used up")
        } else if own_bytes >= most_bytes.div_ceil(SHARES) {
            Err("this container used up its quarter of evidence_total_bytes")
        } else {
            Ok(())
        }
    }
}

/// The container's name in `<container>-<UTC time>-<id>.evidence.zip`.
fn container_of(file: &str) -> Option<&str> {
    let (rest, _id) = file.strip_suffix(SUFFIX)?.rsplit_once('-')?;
    let (container, _time) = rest.rsplit_once('-')?;
    Some(container)
}

#[cfg(test)]
mod tests {
    use super::*;
    use taffrail_trace::container::{Container, Runtime};
    use taffrail_trace::ids::ContainerKey;

    fn evidence(files: &[(&str, u64)]) -> Evidence {
        let mut evidence = Evidence::default();
        files.iter().for_each(|(file, bytes)| evidence.add(file, *bytes));
        evidence
    }

    #[test]
    fn one_noisy_container_uses_up_a_quarter_and_its_neighbours_seal_on() {
        let noisy = evidence(&[
            ("web-1-20260314T090010Z-0badcafe.evidence.zip", 15),
            ("web-1-20260314T090110Z-0badcaff.evidence.zip", 10),
            ("web-20260314T090110Z-0badcafd.evidence.zip", 24),
        ]);
        assert!(noisy.room("web-1", 100).expect_err("its quarter").contains("quarter"));
        assert_eq!(noisy.room("web", 100), Ok(()), "a name is not the beginning of another");
        assert_eq!(noisy.room("db", 100), Ok(()));
    }

    #[test]
    fn all_together_use_up_no_more_than_all_of_it() {
        let names = ["a", "b", "c", "d"];
        let files = names.map(|name| (format!("{name}-20260314T090010Z-0badcafe.evidence.zip"), 25));
        let full = evidence(&files.each_ref().map(|(file, bytes)| (file.as_str(), *bytes)));
        assert!(full.room("e", 100).expect_err("all of it").contains("evidence_total_bytes is used up"));
        let other = evidence(&[("notes.txt", 100)]);
        assert!(other.room("a", 100).is_err(), "whatever lies there takes room");
    }

    #[test]
    fn the_name_in_a_file_name_is_the_one_that_is_asked_for() {
        let container = Container {
            key: ContainerKey(1),
            id: "c".to_owned(),
            name: "web-1/\u{1b}[2J".to_owned(),
            runtime: Runtime::Docker,
            cgroup_path: String::new(),
            created_ns: None,
            image: None,
            image_digest: None,
            labels: Default::default(),
            setup: None,
        };
        let file = crate::seal::file_name(&container, 1_773_478_810_000_000_000, "0badcafe");
        assert_eq!(container_of(&file), Some(crate::seal::name_in_file(&container).as_str()));
    }
}
