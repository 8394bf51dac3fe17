//! What can be asked for, by name, and which keys ask for it. The dispatcher, the help, the palette and the footer all
//! read this one table and the keymap, so that none can drift.

mod keymap;

use crate::state::{Action, Move, Only, View};

pub use keymap::{FILE_BYTES_MAX, Key, Keymap, KeymapError};

/// A row of the table: actions that belong together.
#[derive(Debug)]
pub struct Binding {
    /// The actions by the names that the keymap and the palette know them by.
    pub actions: &'static [(&'static str, Action)],
    /// What they do, for the help.
    pub does: &'static str,
    /// The footer's word for it, where there is room.
    pub hint: Option<&'static str>,
}

const fn row(actions: &'static [(&'static str, Action)], does: &'static str) -> Binding {
    Binding { actions, does, hint: None }
}

const fn hinted(actions: &'static [(&'static str, Action)], does: &'static str, hint: &'static str) -> Binding {
    Binding { actions, does, hint: Some(hint) }
}

/// The table. `keymap.toml` has the keys.
pub const BINDINGS: &[Binding] = &[
    row(
        &[
            ("story", Action::Show(View::Story)),
            ("timeline", Action::Show(View::Timeline)),
            ("processes", Action::Show(View::Processes)),
            ("network", Action::Show(View::Network)),
            ("files", Action::Show(View::Files)),
            ("terminal", Action::Show(View::Terminal)),
            ("sql", Action::Show(View::Sql)),
        ],
        "the views: story, timeline, processes, network, files, terminal, SQL",
    ),
    hinted(&[("play", Action::PlayOrPause)], "play or pause", "play"),
    hinted(&[("back", Action::Step(-1)), ("on", Action::Step(1))], "one event back, on", "step"),
    row(&[("second-back", Action::Seconds(-1)), ("second-on", Action::Seconds(1))], "a second back, on"),
    row(&[("ten-back", Action::Seconds(-10)), ("ten-on", Action::Seconds(10))], "ten seconds back, on"),
    hinted(
        &[("finding-back", Action::Finding(-1)), ("finding-on", Action::Finding(1))],
        "the finding before, after",
        "finding",
    ),
    row(&[("trigger", Action::Trigger)], "to the trigger"),
    row(&[("first", Action::First), ("last", Action::Last)], "first, last event"),
    hinted(&[("go-to", Action::GoTo)], "go to a time: 12:03:04, -30s, +2m, trigger", "go to"),
    row(&[("closer", Action::Zoom(1)), ("farther", Action::Zoom(-1))], "the strip: eight times closer, farther"),
    row(&[("faster", Action::Speed(1)), ("slower", Action::Speed(-1))], "faster, slower (0.1x to 1000x)"),
    row(&[("skip-silence", Action::SkipIdle)], "skip silence while playing: on, off"),
    row(&[("range", Action::Range)], "a range begins here; once more: it ends here, and all views keep to it"),
    hinted(
        &[("pane", Action::Focus(true)), ("pane-back", Action::Focus(false))],
        "next, previous pane or session",
        "pane",
    ),
    row(&[("up", Action::Move(Move::Line(-1))), ("down", Action::Move(Move::Line(1)))], "up, down in the pane"),
    row(
        &[("page-up", Action::Move(Move::Page(-1))), ("page-down", Action::Move(Move::Page(1)))],
        "a page up, down in the pane",
    ),
    hinted(&[("enter", Action::Enter)], "look closer at the row: another view of it, or only its process", "closer"),
    row(&[("escape", Action::Escape)], "back along the trail; at its start: all filters off"),
    row(&[("fold", Action::Fold), ("fold-all", Action::FoldAll)], "fold or unfold the row; all"),
    row(&[("all-processes", Action::AllProcesses)], "the processes of the whole record, or those of this moment"),
    row(
        &[
            ("only-process", Action::Only(Only::Process)),
            ("only-file", Action::Only(Only::File)),
            ("only-address", Action::Only(Only::Address)),
        ],
        "only this process, this file, this address",
    ),
    row(
        &[("led-here", Action::Only(Only::LedHere)), ("came-after", Action::Only(Only::CameAfter))],
        "what led here; what came after: of the same lineage",
    ),
    hinted(&[("search", Action::Search)], "search a text; nothing is hidden", "search"),
    row(
        &[("next-match", Action::Match(1)), ("previous-match", Action::Match(-1))],
        "next, previous match; beyond the last comes the first",
    ),
    hinted(
        &[("filter", Action::Find)],
        "only events with a text, or that meet a condition: proc.name = nc (Tab completes)",
        "filter",
    ),
    row(&[("kind", Action::NextKind)], "only one kind of event, one after the other, then all"),
    row(&[("drop-filter", Action::DropChip)], "the last filter off"),
    row(&[("mark", Action::Mark)], "mark the event in the case notes, or take the mark off"),
    row(&[("annotate", Action::Annotate)], "write a note on the event; #words are tags"),
    row(&[("export-notes", Action::ExportNotes)], "write the notes as Markdown and JSON beside the bundle"),
    row(&[("copy", Action::Copy)], "copy the row to the clipboard (OSC 52)"),
    row(&[("theme", Action::NextTheme)], "the next theme: dark, light, colour-blind safe, none"),
    row(&[("mouse", Action::Mouse)], "mouse on, off: the wheel moves, a click on the strip goes there"),
    hinted(&[("palette", Action::Palette)], "every command by its name", "commands"),
    hinted(&[("help", Action::Help)], "this help", "help"),
    hinted(&[("quit", Action::Quit)], "quit", "quit"),
];

/// Every action with its name, and what it does by itself.
pub fn named() -> impl Iterator<Item = (&'static str, Action, &'static str)> {
    let alone = |binding: &'static Binding, name: &str| {
        ALONE.iter().find(|(known, _)| *known == name).map_or(binding.does, |(_, does)| *does)
    };
    BINDINGS.iter().flat_map(move |binding| {
        binding.actions.iter().map(move |(name, action)| (*name, *action, alone(binding, name)))
    })
}

/// What commands do that share a row of the table with others.
const ALONE: &[(&str, &str)] = &[
    ("story", "the story: what happened, in sentences"),
    ("timeline", "the time line: every event"),
    ("processes", "the process tree"),
    ("network", "who talked to whom"),
    ("files", "what was changed on disk"),
    ("terminal", "terminal sessions played back"),
    ("sql", "questions in SQL"),
    ("back", "one event back"),
    ("on", "one event on"),
    ("second-back", "a second back"),
    ("second-on", "a second on"),
    ("ten-back", "ten seconds back"),
    ("ten-on", "ten seconds on"),
    ("finding-back", "to the finding before"),
    ("finding-on", "to the next finding"),
    ("first", "to the first event"),
    ("last", "to the last event"),
    ("closer", "the strip eight times closer"),
    ("farther", "the strip eight times farther"),
    ("faster", "play faster, up to 1000x"),
    ("slower", "play slower, down to 0.1x"),
    ("pane", "the next pane or session"),
    ("pane-back", "the pane or session before"),
    ("up", "up in the pane"),
    ("down", "down in the pane"),
    ("page-up", "a page up in the pane"),
    ("page-down", "a page down in the pane"),
    ("fold", "fold or unfold the row"),
    ("fold-all", "fold or unfold all rows"),
    ("only-process", "only this row's process and below"),
    ("only-file", "only this row's file"),
    ("only-address", "only this row's address"),
    ("led-here", "only what led here, of the same lineage"),
    ("came-after", "only what came after, of the same lineage"),
    ("next-match", "the next match of the search"),
    ("previous-match", "the match before"),
];
