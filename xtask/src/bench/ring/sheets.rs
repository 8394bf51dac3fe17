//! The reader's figures as tables.

use super::seal::History;
use crate::bench::figures::{Series, Sheet, at_most};
use serde_json::Value;

/// The most bytes that an event of the mix may take.
const TARGET_BYTES: f64 = 6.0;
/// Events a second that one consumer core is designed for: kernel records decoded, encoded and packed.
const DESIGN_RATE: f64 = 3e6;
/// The other forms, by their names in the figures.
const FORMS: [(&str, &str); 3] = [("JSON lines", "json"), ("rows", "rows"), ("scap-like", "records")];

/// The mix, each of it and together, and what else was recorded.
fn groups(figures: &Value) -> Vec<(&str, &Value)> {
    let mix = list(&figures["groups"]).iter().map(|group| (text(&group["name"]), group));
    mix.chain([("the mix", &figures["named"]), ("host and others", &figures["others"])]).collect()
}

/// The mix's histories, the one with the most events last.
pub fn histories<'a>(figures: &'a Value) -> Vec<History<'a>> {
    let history = |group: &'a Value| History {
        name: text(&group["name"]),
        id: text(&group["id"]),
        events: group["events"].as_u64().unwrap_or(0),
    };
    let mut histories: Vec<History<'_>> = list(&figures["groups"]).iter().map(history).collect();
    histories.sort_by_key(|history| history.events);
    histories
}

/// What an event takes, and what it would take in other forms.
pub fn sizes(figures: &Value, seconds: u64) -> String {
    let mut columns = vec!["history", "events", "ring"];
    columns.extend(FORMS.iter().flat_map(|(name, _)| [*name, "+ zstd"]));
    let mut sheet = Sheet::new(&format!("Bytes an event, {seconds} s of the mix (x: times the ring)"), &columns);
    for (name, group) in groups(figures) {
        let (events, ours) = (number(&group["events"]), number(&group["file_bytes"]));
        let mut cells = vec![name.to_owned(), format!("{events:.0}"), format!("{:.1}", ours / events)];
        for bytes in FORMS.iter().flat_map(|(_, key)| ["raw", "batches"].map(|kind| number(&group[key][kind]))) {
            cells.push(format!("{:.1} (x {:.1})", bytes / events, bytes / ours));
        }
        sheet.row(cells);
    }
    let ours = number(&figures["named"]["file_bytes"]) / number(&figures["named"]["events"]);
    sheet.note(format!("target, the mix: {}", at_most(ours, TARGET_BYTES, "bytes an event")));
    sheet.note("ring: every byte of every file, live images and descriptions of containers included".to_owned());
    sheet.note("zstd: at the ring's level, in the ring's batches; rows have the live images too".to_owned());
    sheet.note(
        "JSON lines and scap-like records are the events alone; of who acted the latter have the thread".to_owned(),
    );
    sheet.text()
}

/// What the same events would take if they had not to be on disk so soon.
pub fn longer(figures: &Value) -> String {
    let mut sheet = Sheet::new(
        "Bytes an event in longer batches",
        &["history", "ring", "no images", "4096 events", "65536 events", "JSON lines", "rows", "scap-like"],
    );
    for (name, group) in groups(figures) {
        let events = number(&group["events"]);
        let mut cells = vec![name.to_owned()];
        let segments = ["as_written", "no_images", "of_4096", "of_65536"].map(|kind| number(&group["segments"][kind]));
        let streams = FORMS.map(|(_, key)| number(&group[key]["stream"]));
        cells.extend(segments.into_iter().chain(streams).map(|bytes| format!("{:.1}", bytes / events)));
        sheet.row(cells);
    }
    sheet.note("ring: segments as they were written, without their live images, and the same events in segments of so many at least".to_owned());
    sheet.note(
        "the others: one stream a class of a history, of events alone, which nobody could read or cut before its end"
            .to_owned(),
    );
    sheet.text()
}

/// What is small and what is large in the ring.
pub fn classes(figures: &Value) -> String {
    let mut sheet = Sheet::new(
        "Where the ring's bytes are",
        &["history", "vital", "segments", "bytes an event", "bulk", "segments", "bytes an event", "descriptions"],
    );
    for (name, group) in groups(figures) {
        let mut cells = vec![name.to_owned()];
        let mut described = number(&group["file_bytes"]);
        for share in ["vital", "bulk"].map(|class| &group[class]) {
            let (events, bytes) = (number(&share["events"]), number(&share["bytes"]));
            described -= bytes;
            let an_event = format!("{:.1}", bytes / events.max(1.0));
            cells.extend([format!("{events:.0}"), share["segments"].to_string(), an_event]);
        }
        cells.push(format!("{:.1} KiB", described / 1024.0));
        sheet.row(cells);
    }
    sheet.text()
}

/// How fast segments are made and read.
pub fn rates(figures: &Value) -> String {
    let rates = &figures["rates"];
    let series = |name: &str| {
        let mut series = Series::default();
        for rate in list(&rates[name]) {
            series.push(number(rate));
        }
        series
    };
    let [encode, decode, copy] = ["encode", "decode", "copy"].map(series);
    let mut sheet = Sheet::new(
        &format!("Segments on one core, {} events in memory", rates["events"]),
        &["what", "M events/s", "", "ns an event", "times a copy"],
    );
    for (name, series) in [("encode: columns, zstd, sums", &encode), ("decode", &decode), ("copy of the rows", &copy)] {
        sheet.row(vec![
            name.to_owned(),
            format!("{:.2}", series.median() / 1e6),
            format!("± {:.2}", series.spread() / 1e6),
            format!("{:.1}", 1e9 / series.median()),
            format!("{:.0}", copy.over(series).median()),
        ]);
    }
    let verdict =
        if encode.median() < DESIGN_RATE { "MISSED by encoding alone" } else { "open, kernel records are not in this" };
    let design = DESIGN_RATE / 1e6;
    sheet.note(format!("design, {design:.0} M events/s a core from kernel record to packed segment: {verdict}"));
    sheet.note("encode is columns, zstd, CRC and SHA-256: no kernel records, no identities, no disk".to_owned());
    sheet.text()
}

/// What the whole recorder took: CPU seconds of the thread that records and of all, and what its status says.
pub fn recorder(cpu_seconds: [f64; 2], status: &Value, is_mix: impl Fn(&str) -> bool) -> String {
    let mut sheet =
        Sheet::new("The recorder meanwhile", &["threads", "CPU seconds", "events", "M events a CPU second"]);
    let events = number(&status["events"]);
    for (name, seconds) in ["the one that records", "all"].into_iter().zip(cpu_seconds) {
        let rate = events / seconds / 1e6;
        sheet.row(vec![name.to_owned(), format!("{seconds:.2}"), format!("{events:.0}"), format!("{rate:.2}")]);
    }
    sheet.note(
        "from kernel records to disk, a look every 10 ms included; all: hashing of executables, Docker's names too"
            .to_owned(),
    );
    for (whose, of_mix) in [("the mix", true), ("host and others", false)] {
        let containers =
            list(&status["containers"]).iter().filter(|container| is_mix(text(&container["id"])) == of_mix);
        let sum = |name: &str| containers.clone().map(|container| number(&container[name])).sum::<f64>();
        let [lost, refused, evicted] = ["lost", "refused", "evicted"].map(sum);
        sheet.note(format!("{whose}: lost {lost:.0}, refused {refused:.0}, evicted {evicted:.0}"));
    }
    sheet.note(format!("lost by anybody: {}", status["lost_anywhere"]));
    sheet.text()
}

/// How long events wait.
pub fn delays(figures: &Value, flush_ms: u64) -> String {
    let mut sheet = Sheet::new(
        "From the kernel's clock to the segment's, ms",
        &["class", "events", "p50", "p99", "most", "below zero"],
    );
    for class in ["vital", "bulk"] {
        let spread = &figures["delays"][class];
        let mut cells = vec![class.to_owned(), spread["events"].to_string()];
        cells.extend(["p50_ns", "p99_ns", "max_ns"].map(|name| format!("{:.1}", number(&spread[name]) / 1e6)));
        cells.push(spread["below_zero"].to_string());
        sheet.row(cells);
    }
    sheet.note(format!(
        "flush age configured: {flush_ms} ms; the segment's clock is read before it is packed and written"
    ));
    sheet.text()
}

/// A number; NaN where there is none.
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
