//! What evidence takes on the disk or is about to take, and who filled it.
//!
//! A container goes by its name in the bundles' file names: so one that is made anew under its name again and again, as a
//! crash makes it, is one, and no bundle has to be opened to know.

use std::collections::HashMap;
use std::path::Path;
use taffrail_trace::bundle::SUFFIX;

/// No container may fill more than one part in so many with what rules seal.
const SHARES: u64 = 4;

/// A bundle that is to be, of an incident that is open or waits to be sealed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promised {
    /// The container's name as file names have it.
    pub container: String,
    /// What the files of its window take in the ring: about what it will take.
    pub bytes: u64,
}

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

    /// Whether there is room for more of a container, whose name is as file names have it, beside what is promised.
    ///
    /// # Errors
    /// What is full.
    pub fn room(&self, container: &str, promised: &[Promised], most_bytes: u64) -> Result<(), &'static str> {
        let sum = |of: &dyn Fn(&&Promised) -> bool| promised.iter().filter(of).map(|one| one.bytes).sum::<u64>();
        let total_bytes = self.total_bytes.saturating_add(sum(&|_| true));
        let own_bytes = self.by_container.get(container).copied().unwrap_or(0);
        if total_bytes >= most_bytes {
            Err("evidence_total_bytes is used up")
        } else if own_bytes.saturating_add(sum(&|one| one.container == container)) >= most_bytes.div_ceil(SHARES) {
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
        assert!(noisy.room("web-1", &[], 100).expect_err("its quarter").contains("quarter"));
        assert_eq!(noisy.room("web", &[], 100), Ok(()), "a name is not the beginning of another");
        assert_eq!(noisy.room("db", &[], 100), Ok(()));
    }

    #[test]
    fn all_together_use_up_no_more_than_all_of_it() {
        let names = ["a", "b", "c", "d"];
        let files = names.map(|name| (format!("{name}-20260314T090010Z-0badcafe.evidence.zip"), 25));
        let full = evidence(&files.each_ref().map(|(file, bytes)| (file.as_str(), *bytes)));
        assert!(full.room("e", &[], 100).expect_err("all of it").contains("evidence_total_bytes is used up"));
        let other = evidence(&[("notes.txt", 100)]);
        assert!(other.room("a", &[], 100).is_err(), "whatever lies there takes room");
    }

    #[test]
    fn what_is_open_or_waits_to_be_sealed_takes_room_before_it_is_a_file() {
        let sealed = evidence(&[("web-20260314T090010Z-0badcafe.evidence.zip", 15)]);
        let promised = |container: &str, bytes| Promised { container: container.to_owned(), bytes };
        let room = |container, promised: &[Promised]| sealed.room(container, promised, 100);
        assert_eq!(room("web", &[promised("web", 9), promised("db", 20)]), Ok(()));
        assert!(room("web", &[promised("web", 10)]).expect_err("its quarter").contains("quarter"));
        assert_eq!(room("db", &[promised("web", 60)]), Ok(()), "a neighbour's is no part of it");
        let many: Vec<Promised> = (0..5).map(|at| promised(&format!("c{at}"), 17)).collect();
        assert!(room("db", &many).expect_err("all of it").contains("evidence_total_bytes is used up"));
    }

    #[test]
    fn the_name_in_a_file_name_is_the_one_that_is_asked_for() {
        let container = Container::new(
            ContainerKey(1),
            "c".to_owned(),
            "web-1/\u{1b}[2J".to_owned(),
            Runtime::Docker,
            String::new(),
        );
        let file = crate::seal::file_name(&container, 1_773_478_810_000_000_000, "0badcafe");
        assert_eq!(container_of(&file), Some(crate::seal::name_in_file(&container).as_str()));
    }
}
