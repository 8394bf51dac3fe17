//! Models: an image is learned, what it never did before is found, and models travel as files.

use crate::support::container::Container;
use crate::support::{Recorder, ask, run, until};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

/// What is done every day, by programs of their own: busybox's shell runs its own commands without an exec otherwise.
const EVERY_DAY: &str = "while [ ! -e /attack ]; do /bin/date > /tmp/now; /bin/cat /tmp/now > /dev/null; sleep 0.1; done; \
    /bin/wget -q -O /tmp/x http://127.0.0.1:9/; echo pwned > /etc/cron; touch /done; sleep 600";

struct Learner {
    recorder: Recorder,
}

impl Learner {
    fn model(&self, args: &[&str]) -> (i32, String, String) {
        let state = self.recorder.state_dir();
        let (what, rest) = args.split_first().expect("what to do");
        run(&[&["model", what, "--state-dir", &state.to_string_lossy()][..], rest].concat())
    }

    fn show(&self, image: &str) -> Value {
        let (code, out, err) = self.model(&["show", image, "--json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).expect("JSON")
    }
}

#[test]
fn a_program_that_an_image_never_ran_is_found_in_words_and_sealed_with_what_was_before() {
    let config = "default_rules = false\nmodel_learn_seconds = 2\nmodel_dry_run_seconds = 0\nbefore_seconds = 60\nafter_seconds = 1\n";
    let learner = Learner { recorder: Recorder::start(config) };
    let (web, own) = Container::of_own_image("model", EVERY_DAY);
    let image = own.0.as_str();
    until("the image's model is active", || {
        let (_, out, _) = learner.model(&["list"]);
        out.contains(image) && out.contains("active")
    });
    assert!(learner.recorder.bundles().is_empty(), "learning tells nothing");
    let shown = learner.show(image);
    let toml = shown["toml"].as_str().expect("a file");
    for fact in ["[program.\"/bin/busybox sh\"]", "    \"/bin/busybox date\",", "    \"/tmp\","] {
        assert!(toml.contains(fact), "{fact} is not in\n{toml}");
    }

    let file = learner.recorder.state_dir().join("exported.toml");
    let (code, _, err) = learner.model(&["export", image, "-o", &file.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), toml);

    // Not with `docker exec`, which would be a deviation of its own.
    let pid = crate::support::container::docker(&["inspect", "-f", "{{.State.Pid}}", &web.name]);
    fs::write(format!("/proc/{pid}/root/attack"), "").expect("the sign");
    until("a deviation is sealed", || !learner.recorder.bundles().is_empty());
    let bundles = learner.recorder.bundles();
    let found = ask(
        &bundles[0],
        "SELECT rule, source, severity, message, techniques FROM finding WHERE source = 'model' ORDER BY time",
    );
    let message = found[0]["message"].as_str().expect("a message");
    assert!(message.starts_with("sh has never run wget; it runs: cat, date"), "{found:#?}");
    assert!(message.contains("This was: /bin/wget -q -O /tmp/x http://127.0.0.1:9/ (pid "), "{message}");
    assert_eq!((&found[0]["rule"], &found[0]["source"]), (&"model".into(), &"model".into()), "{found:#?}");
    let before = ask(&bundles[0], "SELECT count(*) AS n FROM process WHERE comm = 'date' AND origin = 'exec'");
    assert!(before[0]["n"].as_u64() > Some(3), "what was before the deviation is in the evidence: {before:?}");

    // The evidence, learned, has what the model had and what deviated.
    let learned = learner.recorder.state_dir().join("learned.toml");
    let (code, _, err) = run(&["model", "learn", &bundles[0].to_string_lossy(), "-o", &learned.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    let (code, out, err) = run(&["model", "diff", &file.to_string_lossy(), &learned.to_string_lossy()]);
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("+ /bin/busybox sh runs /bin/busybox wget\n"), "{out}");

    let (code, out, err) = learner.model(&["relearn", image, "--keep"]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("learning 0s of 2s"), "{out}");
    let (code, out, err) = learner.model(&["import", &file.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    assert!(out.contains(": active, "), "{out}");
    assert_eq!(learner.show(image)["toml"].as_str(), Some(toml));
    drop(web);
}

#[test]
fn what_is_asked_of_models_that_are_not_there_is_refused_in_one_line() {
    let learner = Learner { recorder: Recorder::start("") };
    let dir = learner.recorder.state_dir();
    let (bad, large) = (dir.join("bad.toml"), dir.join("large.toml"));
    fs::write(&bad, "format = 1\n[program.\"/bin/x\"]\nlistens = [\"80\"]\n").expect("write");
    fs::write(&large, "#".repeat((1 << 20) + 1)).expect("write");
    for (args, words) in [
        (&["show", "nginx"][..], "there is no model"),
        (&["relearn", "nginx\u{1b}[2J"], "there is no model"),
        (&["import", &bad.to_string_lossy()], "expected a protocol and a port"),
        (&["import", &large.to_string_lossy()], "larger than 1048576 bytes"),
        (&["import", "/nonexistent"], "cannot open /nonexistent"),
    ] {
        let (code, out, err) = learner.model(args);
        assert_eq!((code, out.as_str()), (2, ""), "{args:?}: {err}");
        assert!(err.contains(words) && err.lines().count() == 1 && !err.contains('\u{1b}'), "{args:?}: {err}");
    }
    drop(learner);
    let off = Learner { recorder: Recorder::start("models = false\n") };
    let (code, _, err) = off.model(&["list"]);
    assert!(code == 2 && err.contains("models = false"), "{err}");
}

#[test]
fn models_are_learned_from_evidence_and_compared_without_a_recorder() {
    let dir = tempfile::tempdir().expect("a directory");
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-traces/reverse-shell.evidence.zip");
    let learned = dir.path().join("learned.toml");
    let (code, printed, err) = run(&["model", "learn", &sample.to_string_lossy()]);
    assert_eq!(code, 0, "{err}");
    let args =
        ["model", "learn", &sample.to_string_lossy(), &sample.to_string_lossy(), "-o", &learned.to_string_lossy()];
    assert_eq!(run(&args), (0, String::new(), String::new()));
    assert_eq!(fs::read_to_string(&learned).expect("a file"), printed, "twice the same is the same");
    assert!(printed.starts_with("format = 1\n") && printed.contains("runs = ["), "{printed}");
    let same = run(&["model", "diff", &learned.to_string_lossy(), &learned.to_string_lossy()]);
    assert_eq!(same, (0, String::new(), String::new()));
    let old = dir.path().join("old.toml");
    fs::write(&old, "format = 1\n").expect("write");
    let (code, out, err) = run(&["model", "diff", &old.to_string_lossy(), &learned.to_string_lossy()]);
    assert_eq!(code, 1, "{err}");
    assert!(out.lines().count() > 5 && out.lines().all(|line| line.starts_with("+ ")), "{out}");
    let (code, out, err) = run(&["model", "learn", &old.to_string_lossy()]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("cannot learn from"), "{err}");
}

/// The files that docs/MODELS.md shows are models, and what it tells to do without a recorder works.
#[test]
fn the_page_on_models_is_true() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/MODELS.md")).expect("the page");
    let dir = tempfile::tempdir().expect("a directory");
    let file = page.split("```toml\n").find(|block| block.starts_with("format = 1")).expect("a file");
    let file = file.split("```").next().expect("its end");
    fs::write(dir.path().join("old.toml"), file).expect("write");
    fs::write(dir.path().join("new.toml"), file.replace("tcp 80", "tcp 8080")).expect("write");
    let mut done = 0;
    for line in page.lines().filter(|line| line.starts_with("taffrail model")) {
        let words: Vec<&str> = line.split(" #").next().expect("a command").split_whitespace().skip(1).collect();
        if !matches!(words[1], "learn" | "diff") {
            // Asked of a recorder: the test above does that. Here it is only known to be a command.
            let (code, _, err) = run(&[&words[..2], &["--help"]].concat());
            assert_eq!(code, 0, "{line}: {err}");
            continue;
        }
        let words: Vec<String> = words
            .into_iter()
            .map(|word| {
                let path = if word.ends_with(".toml") { dir.path().join(word) } else { PathBuf::from(word) };
                path.to_string_lossy().into_owned()
            })
            .collect();
        if words[1] == "learn" {
            let out = dir.path().join("learned.toml").to_string_lossy().into_owned();
            let mut words: Vec<&str> = words.iter().map(String::as_str).collect();
            *words.last_mut().expect("a file") = &out;
            assert_eq!(run(&words), (0, String::new(), String::new()), "{line}");
        } else {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (code, out, err) = run(&words);
            assert_eq!(code, 1, "{line}: {err}");
            assert!(out.contains("- /usr/sbin/nginx listens tcp 80\n"), "{out}");
        }
        done += 1;
    }
    assert_eq!(done, 2, "the page tells to learn and to compare");
}
