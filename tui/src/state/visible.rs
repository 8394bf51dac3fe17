//! The events that pass the filter, page by page: of most pages all or a few, of some it is not known yet.

use super::timeline::Cuts;
use std::sync::Arc;

/// What passes of one page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// Every event.
    All,
    /// These, by their places in the page, in order.
    These(Arc<[u32]>),
    /// Nobody has looked yet.
    NotYet,
}

/// The events that pass.
#[derive(Clone, Debug, Default)]
pub struct Visible {
    cuts: Arc<Cuts>,
    found: Vec<Found>,
    /// How many pass before each page, and at last of all.
    before: Vec<u32>,
}

impl Visible {
    /// Every event.
    pub fn all(cuts: &Arc<Cuts>) -> Self {
        Self { cuts: Arc::clone(cuts), found: vec![Found::All; cuts.pages()], before: cuts.starts.clone() }
    }

    /// Nothing is known yet.
    pub fn none_yet(cuts: &Arc<Cuts>) -> Self {
        let pages = cuts.pages();
        Self { cuts: Arc::clone(cuts), found: vec![Found::NotYet; pages], before: vec![0; pages + 1] }
    }

    /// What passes of the pages from `first` on.
    pub fn put(&mut self, first: usize, found: Vec<Found>) {
        for (page, found) in (first..).zip(found) {
            if let Some(slot) = self.found.get_mut(page) {
                *slot = found;
            }
        }
        for page in first..self.found.len() {
            self.before[page + 1] = self.before[page] + self.count(page);
        }
    }

    /// Whether somebody has looked at a page.
    pub fn is_known(&self, page: usize) -> bool {
        self.found.get(page).is_some_and(|found| *found != Found::NotYet)
    }

    fn count(&self, page: usize) -> u32 {
        match self.found.get(page) {
            Some(Found::All) => self.cuts.start(page + 1) - self.cuts.start(page),
            Some(Found::These(these)) => these.len() as u32,
            Some(Found::NotYet) | None => 0,
        }
    }

    /// How many, as far as it is known.
    pub fn len(&self) -> usize {
        self.before.last().map_or(0, |all| *all as usize)
    }

    /// None passes, as far as it is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The event at a place among them.
    pub fn get(&self, place: usize) -> Option<u32> {
        let place = u32::try_from(place).ok().filter(|place| (*place as usize) < self.len())?;
        let page = self.before.partition_point(|before| *before <= place).checked_sub(1)?;
        let inside = place - self.before[page];
        let offset = match self.found.get(page)? {
            Found::All => inside,
            Found::These(these) => *these.get(inside as usize)?,
            Found::NotYet => return None,
        };
        Some(self.cuts.start(page) + offset)
    }

    /// The place of an event among them; where it does not pass, the place that it would have.
    ///
    /// # Errors
    /// That place.
    pub fn place(&self, event: u32) -> Result<usize, usize> {
        let page = self.cuts.page_of(event);
        let offset = event.saturating_sub(self.cuts.start(page));
        let before = self.before.get(page).map_or(0, |before| *before as usize);
        match self.found.get(page) {
            Some(Found::All) if event < self.cuts.events() => Ok(before + offset as usize),
            Some(Found::These(these)) => match these.binary_search(&offset) {
                Ok(at) => Ok(before + at),
                Err(at) => Err(before + at),
            },
            _ => Err(before),
        }
    }

    /// Whether an event passes.
    pub fn contains(&self, event: u32) -> bool {
        self.place(event).is_ok()
    }

    /// How many pass before the event at a place of a page.
    pub fn before(&self, page: usize, offset: u32) -> usize {
        let before = self.before.get(page).map_or(0, |before| *before as usize);
        let inside = match self.found.get(page) {
            Some(Found::All) => offset.min(self.count(page)) as usize,
            Some(Found::These(these)) => these.partition_point(|at| *at < offset),
            Some(Found::NotYet) | None => 0,
        };
        before + inside
    }

    /// How many pass before the moment at which so much of a page has passed, as if they were spread evenly.
    pub fn about_before(&self, page: usize, passed: f64) -> usize {
        let before = self.before.get(page).map_or(0, |before| *before as usize);
        before + (f64::from(self.count(page)) * passed) as usize
    }

    /// All of them, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + Clone + '_ {
        (0..self.len()).filter_map(|place| self.get(place))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cuts() -> Arc<Cuts> {
        Arc::new(Cuts { firsts: vec![0, 10, 20], starts: vec![0, 4, 8, 12], ends: None })
    }

    #[test]
    fn places_and_events_lead_to_each_other_over_all_pages() {
        let mut visible = Visible::none_yet(&cuts());
        assert!(visible.is_empty() && visible.get(0).is_none());
        visible.put(1, vec![Found::These([1, 3].into()), Found::All]);
        assert_eq!(visible.iter().collect::<Vec<_>>(), [5, 7, 8, 9, 10, 11]);
        for (place, event) in visible.iter().enumerate() {
            assert_eq!(visible.place(event), Ok(place));
        }
        assert_eq!(visible.place(6), Err(1));
        assert_eq!(visible.place(2), Err(0));
        assert_eq!(visible.before(1, 2), 1);
        assert!(!visible.is_known(0) && visible.is_known(1));
        visible.put(0, vec![Found::These([].into())]);
        assert_eq!((visible.len(), visible.get(6)), (6, None));
    }
}
