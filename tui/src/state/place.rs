//! Where one is: a view, a moment, a filter; and the trail of places that led there.

use super::State;
use super::filter::Filter;
use super::recording::Time;

/// One of the seven ways to look at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum View {
    /// What happened, in sentences.
    Story,
    /// Every event beside the process tree.
    #[default]
    Timeline,
    /// The processes at the moment.
    Processes,
    /// Who talked to whom.
    Network,
    /// What was changed on disk.
    Files,
    /// Terminal sessions played back.
    Terminal,
    /// Questions in SQL.
    Sql,
}

impl View {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 7] =
        [Self::Story, Self::Timeline, Self::Processes, Self::Network, Self::Files, Self::Terminal, Self::Sql];

    /// The word on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Story => "story",
            Self::Timeline => "timeline",
            Self::Processes => "processes",
            Self::Network => "network",
            Self::Files => "files",
            Self::Terminal => "terminal",
            Self::Sql => "SQL",
        }
    }
}

/// A place that one has been at.
#[derive(Clone, Debug)]
pub struct Place {
    /// The view.
    pub view: View,
    /// The playhead.
    pub at: Time,
    selected: Option<u32>,
    filter: Filter,
}

impl Place {
    /// Whether it is this view with this filter.
    pub(super) fn is(&self, view: View, filter: &Filter) -> bool {
        self.view == view && self.filter == *filter
    }
}

/// How many places the trail keeps; the oldest goes first.
const TRAIL_MAX: usize = 32;

impl State {
    /// Looks at the same moment in another way.
    pub(super) fn show(&mut self, view: View) {
        self.help = None;
        self.view = view;
    }

    /// Remembers where one is and looks closer in `view`.
    pub(super) fn drill(&mut self, view: View) {
        self.remember();
        self.show(view);
    }

    /// Puts the present place on the trail.
    pub(super) fn remember(&mut self) {
        if self.trail.len() == TRAIL_MAX {
            self.trail.remove(0);
        }
        let place = Place { view: self.view, at: self.at, selected: self.selected, filter: self.filter.clone() };
        self.trail.push(place);
    }

    /// Back to the last place of the trail; false where there is none.
    pub(super) fn back(&mut self) -> bool {
        let Some(place) = self.trail.pop() else { return false };
        self.view = place.view;
        if self.filter != place.filter {
            self.set_filter(place.filter);
        }
        self.playing = false;
        self.stand_at(place.at, place.selected);
        true
    }
}
