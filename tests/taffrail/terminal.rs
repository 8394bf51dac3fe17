//! What reaches a terminal: the replay in a real one (tmux), and no byte of a trace unescaped.

use crate::support::container::Container;
use crate::support::{Recorder, until};
use std::process::Command;

/// A tmux server of its own, ended with the test.
struct Terminal {
    socket: String,
}

impl Terminal {
    fn run(command: &str) -> Self {
        let socket = format!("taffrail-test-{}", std::process::id());
        let terminal = Self { socket };
        terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-s", "t", "-x", "120", "-y", "40", command]);
        terminal
    }

    fn tmux(&self, args: &[&str]) -> String {
        let output = Command::new("tmux")
            .args(["-L", &self.socket])
            .args(args)
            .output()
            .expect("tmux is installed; `cargo xtask test` does that");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-t", "t"])
    }

    /// What is drawn, control sequences included.
    fn raw_screen(&self) -> String {
        self.tmux(&["capture-pane", "-p", "-e", "-t", "t"])
    }

    fn keys(&self, keys: &[&str]) {
        self.tmux(&[&["send-keys", "-t", "t"], keys].concat());
    }

    /// The screen once it has stopped changing.
    fn at_rest(&self) -> String {
        let mut screen = self.screen();
        until("the screen rests", || {
            std::thread::sleep(std::time::Duration::from_millis(300));
            std::mem::replace(&mut screen, self.screen()) == screen
        });
        screen
    }

    fn shows(&self, text: &str) {
        until(&format!("the screen shows {text:?}:\n{}", self.screen()), || self.screen().contains(text));
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A program whose name, argument and file carry an escape sequence that would set the title and recolour the screen.
const HOSTILE: &str = r#"n=$(printf '/tmp/\033]0;owned\007\033[31mred'); cp /bin/busybox "$n"; ln -s "$n" /tmp/x; "$n" "$n"; while [ ! -e /go ]; do sleep 0.05; done; cd /tmp; mv "$n" "$n-moved"; touch /done; sleep 600"#;

#[test]
fn a_program_named_with_escape_sequences_acts_on_no_terminal() {
    let recorder = Recorder::start("");
    let evil = Container::run("evil", HOSTILE);
    recorder.wait_for(&evil.name);
    evil.exec(&["touch", "/go"]);
    evil.wait_for("/done");
    let bundle = recorder.trigger(&evil.name, "60s", "0s");
    let name = bundle.to_string_lossy();
    let program = env!("CARGO_BIN_EXE_taffrail");

    for format in ["table", "csv", "json", "ndjson"] {
        // script(1) gives the command a terminal, as a person has; what it writes there is what counts.
        let command = format!(
            "'{program}' query '{name}' --format {format} --sql \"SELECT op, path, new_path FROM file WHERE op = 'rename'\""
        );
        let output = Command::new("script").args(["-qec", &command, "/dev/null"]).output().expect("script");
        let shown = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(shown.contains("owned"), "{format}: the hostile row is there: {shown}");
        let bare = shown.replace("\r\n", "").replace('\n', "");
        assert!(!bare.chars().any(char::is_control), "{format} let a control character through: {bare:?}");
    }

    let terminal = Terminal::run(&format!("'{program}' replay '{name}'"));
    terminal.shows("owned");
    terminal.keys(&["End"]);
    terminal.keys(&["?"]);
    terminal.keys(&["Escape"]);
    let title = terminal.tmux(&["display-message", "-p", "-t", "t", "#{pane_title}"]);
    assert!(!title.contains("owned"), "the title was set: {title}");
    assert!(!terminal.raw_screen().contains("\u{1b}]0"), "a title sequence is on the screen");
}

/// What the README says of the replay, in its words: each is followed below, so that neither goes without the other.
const WALK_THROUGH: [&str; 8] = [
    "taffrail replay sample-traces/reverse-shell.evidence.zip",
    "`1` to `7` look at the same moment as a story, a time line, processes, a network map, files, the intruder's",
    "terminal and SQL;",
    "space plays, the arrows step,",
    "`t` jumps to the trigger,",
    "`f` filters by a text or a condition in Falco's",
    "`?` tells the rest",
    "with `--notes` also what was written down in the replay (`m`, `e`).",
];

#[test]
fn the_readmes_walk_through_leads_from_the_trigger_to_the_answers_in_a_real_terminal() {
    let root = env!("CARGO_MANIFEST_DIR");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).expect("the README");
    for line in WALK_THROUGH {
        assert!(readme.contains(line), "the README says {line:?}");
    }
    // The notes are beside the bundle: a copy has its own.
    let dir = tempfile::tempdir().expect("a directory");
    let sample = dir.path().join("reverse-shell.evidence.zip");
    std::fs::copy(format!("{root}/sample-traces/reverse-shell.evidence.zip"), &sample).expect("a copy");
    let (sample, program) = (sample.to_string_lossy(), env!("CARGO_BIN_EXE_taffrail"));
    let terminal = Terminal::run(&format!("'{program}' replay '{sample}'"));

    // It opens on why it was sealed.
    terminal.shows("Netcat gives a program away");
    terminal.shows("[2 timeline]");
    // The arrows step, `t` jumps to the trigger, space plays.
    let opened = terminal.screen();
    terminal.keys(&["Home"]);
    until("Home leads elsewhere", || terminal.screen() != opened);
    let first = terminal.at_rest();
    terminal.keys(&["Right"]);
    until("a step changes the screen", || terminal.screen() != first);
    terminal.keys(&["Left"]);
    until("a step back leads back", || terminal.screen() == first);
    terminal.keys(&["t"]);
    terminal.shows("+0.000 s");
    let still = terminal.screen();
    terminal.keys(&["Space"]);
    until("playing moves by itself", || terminal.screen() != still);
    terminal.keys(&["Space", "?"]);
    terminal.shows("to the trigger");
    let help = terminal.screen();
    terminal.keys(&["Escape"]);
    // Sent together the two would be Alt-q.
    until("Escape closes the help", || terminal.screen() != help);

    // Each view has its answer: what was first, where it came from, what was typed, fetched and hidden, where it connects.
    for (key, view, text) in [
        ("1", "[1 story]", " was given `wget 127.0.0.1 "),
        ("2", "[2 timeline]", "lineage"),
        ("3", "[3 processes]", "run by"),
        ("4", "[4 network]", "127.0.0.1"),
        ("5", "[5 files]", "/var/tmp"),
        ("6", "[6 terminal]", "root:*:19000"),
    ] {
        terminal.keys(&["End", key]);
        terminal.shows(view);
        terminal.shows(text);
    }
    // What is missing from the record stands in every view.
    terminal.shows("lost: 0");

    // `f` filters by a text, or by a condition in Falco's language.
    terminal.keys(&["2", "f"]);
    terminal.shows("filter: ");
    terminal.keys(&["-l", "/etc/shadow"]);
    terminal.keys(&["Enter"]);
    terminal.shows("[\"/etc/shadow\"]");
    terminal.shows("open /etc/shadow");
    terminal.keys(&["BSpace", "f"]);
    terminal.keys(&["-l", "evt.type = connect and proc.name = wget"]);
    terminal.keys(&["Enter"]);
    terminal.shows("[evt.type = connect and proc.name");
    terminal.shows("connect 127.0.0.1:");
    // A note on it, with `m` and `e`.
    terminal.keys(&["m"]);
    terminal.shows("1 noted");
    terminal.keys(&["e"]);
    terminal.shows("note: ");
    terminal.keys(&["-l", "the fetch #tool"]);
    terminal.keys(&["Enter", "BSpace"]);

    // A question in SQL leads to a moment.
    terminal.keys(&["7"]);
    terminal.shows("tables and views");
    terminal.keys(&["Enter"]);
    terminal.shows(" rows in ");
    terminal.keys(&["Enter"]);
    terminal.shows("[2 timeline]");
    terminal.keys(&["q"]);
    until("q gives the terminal back", || terminal.tmux(&["list-sessions"]).is_empty());

    let report = Command::new(program).args(["report", &*sample, "--notes"]).output().expect("a report");
    let report = String::from_utf8_lossy(&report.stdout).into_owned();
    assert!(report.contains("the fetch"), "the note is in the report: {report}");
}
