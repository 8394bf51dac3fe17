//! Who came of whom: the branch that a rule named is told from the rest.

use std::collections::{HashMap, HashSet};

/// What an image has to do with what the rules named.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// Nothing.
    #[default]
    Plain,
    /// A named image came of it.
    Led,
    /// A rule named it, or it came of one that a rule named.
    Hostile,
}

/// One program image, as lean as a million of them need.
#[derive(Clone, Copy, Debug)]
pub struct Image {
    /// The image.
    pub exec_id: u64,
    /// The image that made its process.
    pub parent: Option<u64>,
    /// Its process.
    pub process_id: u64,
    /// When it came to be, UTC nanoseconds.
    pub start_ns: i64,
    /// It is a fork that has its parent's program.
    pub is_fork: bool,
}

/// One process in the tree.
#[derive(Clone, Debug)]
pub struct Node {
    /// 0 for a root.
    pub depth: usize,
    /// Its images, oldest first; a fork that ran a program is left out.
    pub images: Vec<u64>,
    /// How many more it had, in the middle.
    pub left_out: usize,
}

/// All images of a bundle with their marks.
#[derive(Debug, Default)]
pub struct Lineage {
    images: Vec<Image>,
    by_process: HashMap<u64, Vec<usize>>,
    /// By place in `images`, the image that the same process was before.
    before: Vec<Option<usize>>,
    of_image: HashMap<u64, usize>,
    marks: HashMap<u64, Mark>,
}

/// The most images of one process in the tree: the first two and the last ones.
const IMAGES_MAX: usize = 8;
/// A depth that no kernel reaches.
const DEPTH_MAX: usize = 128;

impl Lineage {
    /// Of all images and those that rules named.
    pub fn new(mut images: Vec<Image>, named: &[u64]) -> Self {
        images.sort_by_key(|image| (image.start_ns, image.exec_id));
        let mut seen = HashSet::new();
        images.retain(|image| seen.insert(image.exec_id));
        let mut by_process: HashMap<u64, Vec<usize>> = HashMap::new();
        let mut before = Vec::with_capacity(images.len());
        for (index, image) in images.iter().enumerate() {
            let own = by_process.entry(image.process_id).or_default();
            before.push(own.last().copied());
            own.push(index);
        }
        let of_image = images.iter().enumerate().map(|(index, image)| (image.exec_id, index)).collect();
        let mut lineage = Self { images, by_process, before, of_image, marks: HashMap::new() };
        lineage.mark(named);
        lineage
    }

    /// What an image has to do with what the rules named.
    pub fn mark_of(&self, exec_id: u64) -> Mark {
        self.marks.get(&exec_id).copied().unwrap_or_default()
    }

    /// The images with a mark, oldest first.
    pub fn marked(&self, mark: Mark) -> impl Iterator<Item = &Image> {
        self.images.iter().filter(move |image| self.mark_of(image.exec_id) == mark)
    }

    /// What the named images' processes were before: their connections and files are those of the named. A fork that
    /// had not yet run anything is not told of.
    pub fn before(&self, named: &[u64]) -> Vec<u64> {
        let mut found = Vec::new();
        for start in named.iter().filter_map(|id| self.get(*id)) {
            let mut at = *start;
            while let Some(source) = self.came_of(&at).filter(|source| source.process_id == start.process_id) {
                if source.is_fork || found.len() >= DEPTH_MAX {
                    break;
                }
                found.push(source.exec_id);
                at = *source;
            }
        }
        found
    }

    /// All images, oldest first.
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// How many processes there are.
    pub fn processes(&self) -> usize {
        self.by_process.len()
    }

    /// The image that this one came of: what its process was before, else the one that made its process.
    pub fn came_of(&self, image: &Image) -> Option<&Image> {
        let before = self.before[*self.of_image.get(&image.exec_id)?].map(|index| &self.images[index]);
        before.or_else(|| self.get(image.parent?)).filter(|source| source.exec_id != image.exec_id)
    }

    /// An image.
    pub fn get(&self, exec_id: u64) -> Option<&Image> {
        self.of_image.get(&exec_id).map(|index| &self.images[*index])
    }

    fn mark(&mut self, named: &[u64]) {
        let mut marks: HashMap<u64, Mark> = HashMap::new();
        for start in named.iter().filter_map(|id| self.get(*id)) {
            marks.insert(start.exec_id, Mark::Hostile);
            let mut at = *start;
            for _ in 0..DEPTH_MAX {
                let Some(source) = self.came_of(&at) else { break };
                marks.entry(source.exec_id).or_insert(Mark::Led);
                at = *source;
            }
        }
        let mut children: HashMap<u64, Vec<u64>> = HashMap::new();
        for image in &self.images {
            if let Some(source) = self.came_of(image) {
                children.entry(source.exec_id).or_default().push(image.exec_id);
            }
        }
        let mut open: Vec<u64> = named.to_vec();
        let mut done = HashSet::new();
        while let Some(id) = open.pop().filter(|id| done.insert(*id) || !open.is_empty()) {
            marks.insert(id, Mark::Hostile);
            open.extend(children.get(&id).into_iter().flatten().filter(|child| !done.contains(*child)));
        }
        self.marks = marks;
    }

    /// The tree, depth first, of at most `most` processes: marked ones before others, and nobody without those above.
    pub fn tree(&self, most: usize) -> Vec<Node> {
        let mark = |process: &u64| {
            let own = self.by_process[process].iter().map(|index| self.mark_of(self.images[*index].exec_id));
            own.max().unwrap_or_default()
        };
        let mut processes: Vec<u64> = Vec::new();
        let mut known = HashSet::new();
        processes.extend(self.images.iter().map(|image| image.process_id).filter(|id| known.insert(*id)));
        let made_by = |process: &u64| {
            let first = &self.images[*self.by_process[process].first()?];
            Some(self.get(first.parent?)?.process_id).filter(|parent| parent != process)
        };
        let mut chosen: HashSet<u64> = HashSet::new();
        for wanted in [Mark::Hostile, Mark::Led, Mark::Plain] {
            for process in processes.iter().filter(|process| mark(process) == wanted) {
                if chosen.len() >= most {
                    break;
                }
                let mut line = vec![*process];
                while let Some(above) = made_by(&line[line.len() - 1]).filter(|above| !line.contains(above)) {
                    if chosen.contains(&above) || line.len() > DEPTH_MAX {
                        break;
                    }
                    line.push(above);
                }
                if chosen.len() + line.len() <= most {
                    chosen.extend(line);
                }
            }
        }
        let mut below: HashMap<Option<u64>, Vec<u64>> = HashMap::new();
        for process in processes.iter().filter(|process| chosen.contains(process)) {
            let above = made_by(process).filter(|above| chosen.contains(above));
            below.entry(above).or_default().push(*process);
        }
        let mut nodes = Vec::new();
        let mut open: Vec<(u64, usize)> =
            below.remove(&None).unwrap_or_default().into_iter().rev().map(|id| (id, 0)).collect();
        while let Some((process, depth)) = open.pop() {
            nodes.push(self.node(process, depth));
            let children = below.remove(&Some(process)).unwrap_or_default();
            open.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
        }
        nodes
    }

    fn node(&self, process: u64, depth: usize) -> Node {
        let own = &self.by_process[&process];
        let last = own.len() - 1;
        let told = own.iter().enumerate().filter(|(at, index)| !self.images[**index].is_fork || *at == last);
        let mut images: Vec<u64> = told.map(|(_, index)| self.images[*index].exec_id).collect();
        let left_out = images.len().saturating_sub(IMAGES_MAX);
        if left_out > 0 {
            images.drain(2..2 + left_out);
        }
        Node { depth, images, left_out }
    }
}

#[cfg(test)]
mod tests {
    use super::Mark::{Hostile, Led, Plain};
    use super::*;

    fn image(exec_id: u64, process_id: u64, parent: Option<u64>, is_fork: bool) -> Image {
        Image { exec_id, parent, process_id, start_ns: exec_id.cast_signed(), is_fork }
    }

    /// 1 forks 2, which runs 3 and becomes 4; 4 makes 5, which runs 6; 1 also makes 7.
    fn family() -> Vec<Image> {
        vec![
            image(1, 10, None, false),
            image(2, 20, Some(1), true),
            image(3, 20, Some(1), false),
            image(4, 20, Some(1), false),
            image(5, 30, Some(4), true),
            image(6, 30, Some(4), false),
            image(7, 40, Some(1), true),
        ]
    }

    #[test]
    fn what_came_of_a_named_image_is_hostile_and_what_led_to_it_is_not() {
        let lineage = Lineage::new(family(), &[4]);
        let marks: Vec<Mark> = (1..=7).map(|id| lineage.mark_of(id)).collect();
        assert_eq!(marks, [Led, Led, Led, Hostile, Hostile, Hostile, Plain]);
        assert_eq!(lineage.before(&[4]), [3], "not the fork before it");
    }

    #[test]
    fn the_tree_is_of_processes_and_leaves_out_forks_that_ran_something() {
        let nodes = Lineage::new(family(), &[]).tree(100);
        let told: Vec<(usize, Vec<u64>)> = nodes.into_iter().map(|node| (node.depth, node.images)).collect();
        assert_eq!(told, [(0, vec![1]), (1, vec![3, 4]), (2, vec![6]), (1, vec![7])]);
    }

    #[test]
    fn a_small_tree_keeps_the_named_branch_and_those_above_it() {
        let nodes = Lineage::new(family(), &[6]).tree(3);
        assert_eq!(nodes.iter().map(|node| node.images[0]).collect::<Vec<_>>(), [1, 3, 6]);
    }

    #[test]
    fn a_process_that_ran_very_many_programs_is_cut_in_the_middle() {
        let many = (0..50_000).map(|id| image(id, 10, None, false)).collect();
        let nodes = Lineage::new(many, &[49_999]).tree(10);
        assert_eq!(nodes[0].images, [0, 1, 49_994, 49_995, 49_996, 49_997, 49_998, 49_999]);
        assert_eq!(nodes[0].left_out, 49_992);
    }

    #[test]
    fn a_circle_of_parents_ends() {
        let circle = vec![image(1, 10, Some(2), false), image(2, 20, Some(1), false), image(3, 30, Some(3), false)];
        let lineage = Lineage::new(circle, &[2]);
        assert_eq!(lineage.mark_of(1), Mark::Hostile);
        assert!(lineage.tree(10).len() <= 3);
    }
}
