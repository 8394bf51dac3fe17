//! A YAML document as the rule or the correlation that it is.

use crate::problem::{Place, Problem, hint};
use crate::rule::Priority;
use crate::source::Source;
use crate::value;
use crate::yaml::{Data, Node};

/// A document.
pub enum Document {
    /// With a `detection`.
    Rule(RuleItem),
    /// With a `correlation`.
    Correlation(CorrelationItem),
}

/// What both have.
pub struct Head {
    /// `title`
    pub title: Text,
    /// `id`
    pub id: Option<String>,
    /// `name`
    pub name: Option<String>,
    /// `description`
    pub description: String,
    /// `level`
    pub priority: Priority,
    /// `tags`
    pub tags: Vec<String>,
    /// Its `status` says that it is not to be used.
    pub retired: bool,
}

/// A text and where it stands.
#[derive(Clone)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Where.
    pub place: Place,
}

/// A rule.
pub struct RuleItem {
    /// What it is called.
    pub head: Head,
    /// `logsource`
    pub logsource: LogSource,
    /// The search identifiers of `detection`.
    pub selections: Vec<(Text, Node)>,
    /// `condition` of `detection`: one of these.
    pub conditions: Vec<Source>,
    /// `fields`
    pub fields: Vec<String>,
}

/// Where a rule's events come from.
#[derive(Default)]
pub struct LogSource {
    /// `category`
    pub category: Option<String>,
    /// `product`
    pub product: Option<String>,
    /// `service`
    pub service: Option<String>,
}

/// A correlation.
pub struct CorrelationItem {
    /// What it is called.
    pub head: Head,
    /// `type`
    pub kind: Text,
    /// `rules`: titles, names or ids.
    pub rules: Vec<Text>,
    /// `group-by`
    pub group_by: Vec<Text>,
    /// `timespan`
    pub within_ns: u64,
    /// `condition`: keys and values.
    pub condition: Vec<(Text, Text)>,
    /// `aliases`: alias, rule, field.
    pub aliases: Vec<(String, Text, Text)>,
    /// `generate`: what it refers to makes findings too.
    pub generate: bool,
}

const CORRELATION_KEYS: &[&str] = &["type", "rules", "group-by", "timespan", "condition", "aliases", "generate"];
const LEVELS: [(&str, Priority); 5] = [
    ("informational", Priority::Informational),
    ("low", Priority::Notice),
    ("medium", Priority::Warning),
    ("high", Priority::Error),
    ("critical", Priority::Critical),
];
const STATES: [&str; 5] = ["stable", "test", "experimental", "deprecated", "unsupported"];

/// What a document says; `None` where it has faults that leave nothing of it.
pub fn read(node: &Node, problems: &mut Vec<Problem>) -> Option<Document> {
    let mut reader = Reader { problems };
    let head = reader.head(node)?;
    if let Some(correlation) = node.get("correlation") {
        return reader.correlation(head, correlation).map(Document::Correlation);
    }
    if node.get("filter").is_some() || node.get("action").is_some() {
        reader.wrong(&node.place, "filters and 'action' are not read: only rules and correlations are");
        return None;
    }
    reader.rule(head, node).map(Document::Rule)
}

struct Reader<'a> {
    problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    fn wrong(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem::new(place, message));
    }

    fn expected(&mut self, node: &Node, what: &str) {
        self.wrong(&node.place, format!("expected {what}, found {}", node.described()));
    }

    fn needed<'n>(&mut self, node: &'n Node, what: &str, key: &str) -> Option<&'n Node> {
        let found = node.get(key);
        if found.is_none() {
            let keys = node.entries().unwrap_or_default().iter().filter_map(|(key, _)| key.text());
            let near =
                keys.filter(|known| !hint(known, [key]).is_empty()).map(|known| format!(", but '{known}'")).next();
            self.wrong(&node.place, format!("this {what} has no '{key}'{}", near.unwrap_or_default()));
        }
        found
    }

    fn text(&mut self, node: &Node) -> Option<Text> {
        let found = node.text().map(str::trim).filter(|text| !text.is_empty());
        if found.is_none() {
            self.expected(node, "a text");
        }
        found.map(|text| Text { text: text.to_owned(), place: node.place.clone() })
    }

    /// A text or a list of texts.
    fn texts(&mut self, node: &Node) -> Vec<Text> {
        match &node.data {
            Data::List(nodes) => nodes.iter().filter_map(|node| self.text(node)).collect(),
            _ => self.text(node).into_iter().collect(),
        }
    }

    fn plain(&mut self, node: &Node, key: &str) -> Option<String> {
        node.get(key).and_then(|node| self.text(node)).map(|text| text.text)
    }

    fn head(&mut self, node: &Node) -> Option<Head> {
        let title = self.needed(node, "rule", "title").and_then(|node| self.text(node))?;
        let priority = match node.get("level") {
            Some(level) => {
                let word = self.text(level)?;
                let known = LEVELS.iter().find(|(name, _)| *name == word.text);
                if known.is_none() {
                    let hint = hint(&word.text, LEVELS.map(|(name, _)| name));
                    self.wrong(&word.place, format!("'{}' is no level{hint}", word.text));
                }
                known.map(|(_, priority)| *priority)
            }
            None => None,
        };
        let state = node.get("status").and_then(|node| self.text(node));
        if let Some(state) = state.as_ref().filter(|state| !STATES.contains(&state.text.as_str())) {
            self.wrong(&state.place, format!("'{}' is no status{}", state.text, hint(&state.text, STATES)));
        }
        let tags = node.get("tags").map(|node| self.texts(node)).unwrap_or_default();
        Some(Head {
            title,
            id: self.plain(node, "id"),
            name: self.plain(node, "name"),
            description: self.plain(node, "description").unwrap_or_default(),
            priority: priority.unwrap_or(Priority::Warning),
            tags: tags.into_iter().map(|tag| tag.text).collect(),
            retired: state.is_some_and(|state| matches!(state.text.as_str(), "deprecated" | "unsupported")),
        })
    }

    fn rule(&mut self, head: Head, node: &Node) -> Option<RuleItem> {
        let logsource = self.needed(node, "rule", "logsource").and_then(|node| self.logsource(node));
        let detection = self.needed(node, "rule", "detection")?;
        let Some(entries) = detection.entries() else {
            self.expected(detection, "selections and a 'condition'");
            return None;
        };
        let mut selections = Vec::new();
        let mut conditions = Vec::new();
        for (key, value) in entries {
            let Some(name) = self.text(key) else { continue };
            match (name.text.as_str(), &value.data) {
                ("condition", Data::Scalar(source)) => conditions.push(source.clone()),
                ("condition", Data::List(nodes)) => {
                    for node in nodes {
                        match &node.data {
                            Data::Scalar(source) => conditions.push(source.clone()),
                            _ => self.expected(node, "a condition"),
                        }
                    }
                }
                ("condition", Data::Map(_)) => self.expected(value, "a condition"),
                ("timeframe", _) => self.wrong(&key.place, "'timeframe' is not read: a correlation has a 'timespan'"),
                _ => selections.push((name, value.clone())),
            }
        }
        if conditions.is_empty() {
            self.wrong(&detection.place, "this detection has no 'condition'");
            return None;
        }
        if selections.is_empty() {
            self.wrong(&detection.place, "this detection has no selection");
        }
        let fields = node.get("fields").map(|node| self.texts(node)).unwrap_or_default();
        let fields = fields.into_iter().map(|field| field.text).collect();
        Some(RuleItem { head, logsource: logsource?, selections, conditions, fields })
    }

    fn logsource(&mut self, node: &Node) -> Option<LogSource> {
        let Some(entries) = node.entries() else {
            self.expected(node, "a 'category', 'product' or 'service'");
            return None;
        };
        let known = ["category", "product", "service", "definition"];
        for (key, _) in entries {
            if let Some(name) = key.text().filter(|name| !known.contains(name)) {
                self.wrong(&key.place, format!("'{name}' is no key of a logsource{}", hint(name, known)));
            }
        }
        Some(LogSource {
            category: self.plain(node, "category"),
            product: self.plain(node, "product"),
            service: self.plain(node, "service"),
        })
    }

    fn correlation(&mut self, head: Head, node: &Node) -> Option<CorrelationItem> {
        let Some(entries) = node.entries() else {
            self.expected(node, "'type', 'rules', 'timespan' and what else a correlation has");
            return None;
        };
        for (key, _) in entries {
            if let Some(name) = key.text().filter(|name| !CORRELATION_KEYS.contains(name)) {
                let hint = hint(name, CORRELATION_KEYS.iter().copied());
                self.wrong(&key.place, format!("'{name}' is no key of a correlation{hint}"));
            }
        }
        let kind = self.needed(node, "correlation", "type").and_then(|node| self.text(node));
        let rules = self.needed(node, "correlation", "rules").map(|node| self.texts(node));
        let within_ns = self.needed(node, "correlation", "timespan").and_then(|node| self.timespan(node));
        let generate = node.get("generate").and_then(|node| self.text(node)).is_some_and(|text| text.text == "true");
        Some(CorrelationItem {
            head,
            kind: kind?,
            rules: rules?,
            group_by: node.get("group-by").map(|node| self.texts(node)).unwrap_or_default(),
            within_ns: within_ns?,
            condition: node.get("condition").map(|node| self.pairs(node)).unwrap_or_default(),
            aliases: node.get("aliases").map(|node| self.aliases(node)).unwrap_or_default(),
            generate,
        })
    }

    fn timespan(&mut self, node: &Node) -> Option<u64> {
        let text = self.text(node)?.text;
        let weeks = text.strip_suffix('w').and_then(|weeks| weeks.parse::<u64>().ok()?.checked_mul(7));
        let span = weeks.map_or_else(|| value::duration(&text), |days| value::duration(&format!("{days}d")));
        if span.is_none() {
            self.expected(node, "a timespan (10s, 5m, 1h, 1d)");
        }
        span
    }

    fn pairs(&mut self, node: &Node) -> Vec<(Text, Text)> {
        let Some(entries) = node.entries() else {
            self.expected(node, "'gte' and a number");
            return Vec::new();
        };
        entries.iter().filter_map(|(key, value)| Some((self.text(key)?, self.text(value)?))).collect()
    }

    fn aliases(&mut self, node: &Node) -> Vec<(String, Text, Text)> {
        let mut aliases = Vec::new();
        for (alias, fields) in node.entries().unwrap_or_default() {
            let Some(alias) = self.text(alias) else { continue };
            let pairs = self.pairs(fields);
            aliases.extend(pairs.into_iter().map(|(rule, field)| (alias.text.clone(), rule, field)));
        }
        aliases
    }
}
