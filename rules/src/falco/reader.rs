//! Pieces of YAML as what an item wants of them: a word, a text, a list, a truth.

use super::item::{Given, Shape};
use super::syntax::{Word, unquoted};
use crate::problem::{Place, Problem, hint};
use crate::source::Source;
use crate::yaml::{Data, Node};

/// Reads pieces of YAML, and keeps what is wrong with them.
pub struct Reader<'a> {
    /// What is wrong.
    pub problems: &'a mut Vec<Problem>,
}

impl Reader<'_> {
    pub fn wrong(&mut self, place: &Place, message: impl Into<String>) {
        self.problems.push(Problem::new(place, message));
    }

    pub fn expected(&mut self, node: &Node, what: &str) {
        self.wrong(&node.place, format!("expected {what}, found {}", node.described()));
    }

    /// The item's name, once its keys are known to be all right.
    pub fn keyed(&mut self, node: &Node, entries: &[(Node, Node)], key: &str, known: &[&str]) -> Option<Word> {
        self.keys(entries, known);
        let word = self.get(entries, key, Self::word);
        match word {
            Some(word) if word.text.is_empty() => {
                self.wrong(&node.place, format!("this {key} has no name"));
                None
            }
            word => word,
        }
    }

    pub fn keys(&mut self, entries: &[(Node, Node)], known: &[&str]) {
        for (at, (key, _)) in entries.iter().enumerate() {
            let Data::Scalar(text) = &key.data else {
                self.expected(key, "a key");
                continue;
            };
            let text = text.text();
            if !known.contains(&text) {
                let hint = hint(text, known.iter().copied());
                self.wrong(&key.place, format!("'{text}' is no key of this item{hint}"));
            }
            if entries[..at].iter().any(|(earlier, _)| is_text(earlier, text)) {
                self.wrong(&key.place, format!("the key '{text}' stands here twice"));
            }
        }
    }

    pub fn get<T>(
        &mut self,
        entries: &[(Node, Node)],
        key: &str,
        read: fn(&mut Self, &Node) -> Option<T>,
    ) -> Option<T> {
        let (_, value) = entries.iter().find(|(known, _)| is_text(known, key))?;
        read(self, value)
    }

    pub fn required<T>(
        &mut self,
        node: &Node,
        entries: &[(Node, Node)],
        key: &str,
        name: &Word,
        read: fn(&mut Self, &Node) -> Option<T>,
    ) -> Option<T> {
        if !entries.iter().any(|(known, _)| is_text(known, key)) {
            self.wrong(&node.place, format!("'{}' has no '{key}'", name.text));
        }
        self.get(entries, key, read)
    }

    pub fn source(&mut self, node: &Node) -> Option<Source> {
        match &node.data {
            Data::Scalar(source) if !source.text().trim().is_empty() => Some(source.clone()),
            _ => {
                self.expected(node, "a text");
                None
            }
        }
    }

    pub fn word(&mut self, node: &Node) -> Option<Word> {
        let Data::Scalar(source) = &node.data else {
            self.expected(node, "a word");
            return None;
        };
        // Quotes inside the YAML's own say that the word is a value, whatever lists there are.
        let text = source.text();
        let quoted = ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote));
        let place = node.place.clone();
        Some(match quoted {
            Some(inner) => Word { text: unquoted(inner), quoted: true, place },
            None => Word { text: text.to_owned(), quoted: false, place },
        })
    }

    pub fn words(&mut self, node: &Node) -> Option<Vec<Word>> {
        let Data::List(nodes) = &node.data else {
            self.expected(node, "a list");
            return None;
        };
        Some(nodes.iter().filter_map(|node| self.word(node)).collect())
    }

    pub fn truth(&mut self, node: &Node) -> Option<bool> {
        let word = self.word(node)?;
        match word.text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => {
                self.expected(node, "true or false");
                None
            }
        }
    }

    pub fn shape(&mut self, node: &Node) -> Option<Shape<Word>> {
        match &node.data {
            Data::List(_) => self.words(node).map(Shape::Many),
            _ => self.word(node).map(Shape::One),
        }
    }

    pub fn given(&mut self, node: &Node) -> Option<Given> {
        match &node.data {
            Data::List(nodes) => {
                let values = nodes.iter().filter_map(|node| self.given(node)).collect();
                Some(Given::List(values, node.place.clone()))
            }
            _ => self.word(node).map(Given::Word),
        }
    }
}

/// Whether a piece of YAML is this text.
pub fn is_text(node: &Node, text: &str) -> bool {
    matches!(&node.data, Data::Scalar(source) if source.text() == text)
}
