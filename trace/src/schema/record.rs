//! What the recorder itself has to say.

use super::{COMMON, Kind, Table, has, may};

/// `lifecycle`: the container itself.
pub const LIFECYCLE: Table = Table {
    name: "lifecycle",
    doc: "One row per moment in the life of the container itself.",
    common: COMMON,
    columns: &[
        has(
            "op",
            Kind::Text,
            "`found` (older than the recorder), `created`, `removed`, `entered` (a process from outside was put into it) or `level` (how much is recorded of it was changed).",
        ),
        has("cgroup_path", Kind::Text, "Path of the cgroup below the unified hierarchy's root."),
        may("detail", Kind::Text, "More about it: the process that entered, the new level."),
    ],
};

/// `finding`: why this evidence was sealed, and what else matched.
pub const FINDING: Table = Table {
    name: "finding",
    doc: "One row per rule that matched, per deviation from a model, per alarm from outside and per person who asked; \
          its time is the moment of the trigger.",
    common: COMMON,
    columns: &[
        has(
            "rule",
            Kind::Text,
            "The rule's stable name; of an alarm its own name (`alertname`, another program's rule, else what raised it); `model` for a deviation; `manual` where a person asked; of a response what asked for it.",
        ),
        has("severity", Kind::Text, "`info`, `warning` or `critical`."),
        has("message", Kind::Text, "What matched, in one sentence."),
        may("finding_id", Kind::U32, "Its number in this bundle, from 1; `finding_event.finding_id` refers to it."),
        may(
            "source",
            Kind::Text,
            "Who says so: `rule`, `model` (it differs from what was learned of the image), `person` (somebody asked), `alarm` (another program raised it) or `response` (the recorder did something to the container).",
        ),
        may("priority", Kind::Text, "The rule's own word, `debug` to `emergency`; NULL where no rule matched."),
        may("tags", Kind::TextList, "The rule's tags."),
        may("techniques", Kind::TextList, "Techniques of MITRE ATT&CK, as in `T1059`."),
    ],
};

/// `finding_event`: what findings stand on.
pub const FINDING_EVENT: Table = Table {
    name: "finding_event",
    doc: "One row per event that a finding stands on: `time` and `exec_id` are the event's, and find it in its own table.",
    common: COMMON,
    columns: &[
        has("finding_id", Kind::U32, "The finding; joins `finding.finding_id`."),
        has("rule", Kind::Text, "The finding's rule."),
        may("step", Kind::Text, "Which step of a sequence it is; NULL where the rule has none."),
    ],
};

/// `gap`: what is missing.
pub const GAP: Table = Table {
    name: "gap",
    doc: "One row per interval and class in which events are missing, with their number and the reason. `time` is \
          `from_time`. Bytes of terminals that were not kept are events' own: `cut` in the table `terminal`; the view \
          `coverage` has both.",
    common: COMMON,
    columns: &[
        has("class", Kind::Text, "`vital` or `bulk`."),
        has(
            "cause",
            Kind::Text,
            "`ring_full`, `flow_table_full`, `descriptor_table_full`, `nested`, `malformed` (the kernel could not deliver), `refused` (a budget said no), `evicted` (the ring aged it out), `damaged`, `recorder_down`, `redacted` (left out of a smaller bundle).",
        ),
        may("lost", Kind::U64, "How many events are missing; NULL where that cannot be known."),
        has("from_time", Kind::Time, "They happened not before this."),
        has("to_time", Kind::Time, "They happened not after this."),
        has("own", Kind::Bool, "They were this container's; false where they could have been any container's."),
    ],
};
