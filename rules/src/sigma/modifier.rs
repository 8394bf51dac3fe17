//! What stands behind a field's name: `CommandLine|base64offset|contains`.

use crate::expr::Relation;
use crate::problem::{Place, Problem, hint};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;

/// What may stand there, in the order of Sigma's own list.
const NAMES: &[&str] = &[
    "contains",
    "startswith",
    "endswith",
    "all",
    "re",
    "i",
    "m",
    "s",
    "cidr",
    "base64",
    "base64offset",
    "wide",
    "utf16le",
    "utf16be",
    "utf16",
    "windash",
    "exists",
    "cased",
    "gt",
    "gte",
    "lt",
    "lte",
    "neq",
    "fieldref",
];
/// What may stand there too, and is not read, with the reason.
const REFUSED: &[(&str, &str)] = &[
    ("expand", "placeholders are filled in by whoever runs a rule, and nothing here does: write the values"),
    ("minute", "parts of times are not compared"),
    ("hour", "parts of times are not compared"),
    ("day", "parts of times are not compared"),
    ("week", "parts of times are not compared"),
    ("month", "parts of times are not compared"),
    ("year", "parts of times are not compared"),
];
/// Dashes that Windows programs take for one.
const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];
/// How many ways to write a value are tried.
const WAYS_MAX: usize = 1000;

/// What is done with a field and its values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word that may stand there or not")]
pub struct Modifiers {
    /// Where in the field the value stands: any text may be before it.
    pub before: bool,
    /// Any text may be behind it.
    pub behind: bool,
    /// All values, not one of them.
    pub all: bool,
    /// Letters are taken as they are.
    pub cased: bool,
    /// Not so.
    pub negated: bool,
    /// What the value is, if no text.
    pub form: Form,
    /// How it is written, first to last.
    pub ways: Vec<Way>,
}

/// What a value can be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// A text with wildcards.
    #[default]
    Text,
    /// A regular expression, with its flags.
    Regex(String),
    /// A network.
    Network,
    /// A number, and how the field is related to it.
    Number(Relation),
    /// Whether the field is there at all.
    Exists,
    /// The name of another field.
    Field,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Base64,
    Base64Offset,
    Wide,
    WideBigEndian,
    WideMarked,
    Dashes,
}

/// What is wrong with modifiers.
#[derive(Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A fault.
    Fault(Problem),
    /// It means something that is not read.
    Unread(String),
}

impl Modifiers {
    /// What these names mean.
    ///
    /// # Errors
    /// The first that means nothing here.
    pub fn of<'a>(names: impl Iterator<Item = &'a str>, place: &Place) -> Result<Self, Wrong> {
        let mut modifiers = Self::default();
        for name in names {
            if let Some((_, reason)) = REFUSED.iter().find(|(known, _)| *known == name) {
                return Err(Wrong::Unread(format!("'{name}': {reason}")));
            }
            let fault = |message: String| Err(Wrong::Fault(Problem::new(place, message)));
            let relation = |relation| Form::Number(relation);
            let (before, behind, form, way) = match name {
                "contains" => (true, true, None, None),
                "startswith" => (false, true, None, None),
                "endswith" => (true, false, None, None),
                "re" => (false, false, Some(Form::Regex(String::new())), None),
                "cidr" => (false, false, Some(Form::Network), None),
                "exists" => (false, false, Some(Form::Exists), None),
                "fieldref" => (false, false, Some(Form::Field), None),
                "gt" => (false, false, Some(relation(Relation::Greater)), None),
                "gte" => (false, false, Some(relation(Relation::GreaterOrEqual)), None),
                "lt" => (false, false, Some(relation(Relation::Less)), None),
                "lte" => (false, false, Some(relation(Relation::LessOrEqual)), None),
                "base64" => (false, false, None, Some(Way::Base64)),
                "base64offset" => (false, false, None, Some(Way::Base64Offset)),
                "wide" | "utf16le" => (false, false, None, Some(Way::Wide)),
                "utf16be" => (false, false, None, Some(Way::WideBigEndian)),
                "utf16" => (false, false, None, Some(Way::WideMarked)),
                "windash" => (false, false, None, Some(Way::Dashes)),
                "all" => {
                    modifiers.all = true;
                    continue;
                }
                "cased" => {
                    modifiers.cased = true;
                    continue;
                }
                "neq" => {
                    modifiers.negated = true;
                    continue;
                }
                "i" | "m" | "s" => match &mut modifiers.form {
                    Form::Regex(flags) => {
                        flags.push_str(name);
                        continue;
                    }
                    _ => return fault(format!("'{name}' stands behind 're' only")),
                },
                _ => return fault(format!("'{name}' is no modifier{}", hint(name, NAMES.iter().copied()))),
            };
            modifiers.before |= before;
            modifiers.behind |= behind;
            modifiers.ways.extend(way);
            if let Some(form) = form {
                if modifiers.form != Form::Text {
                    return fault(format!("'{name}' says a second time what the value is"));
                }
                modifiers.form = form;
            }
        }
        let texts = [Form::Text, Form::Field].contains(&modifiers.form);
        if !texts && (modifiers.before || modifiers.behind || !modifiers.ways.is_empty()) {
            let message = "'contains' and what else is about texts goes with no 're', 'cidr', 'exists' or number";
            return Err(Wrong::Fault(Problem::new(place, message)));
        }
        Ok(modifiers)
    }

    /// Whether values are encoded, so that wildcards have no place in them.
    pub fn encodes(&self) -> bool {
        self.ways.iter().any(|way| *way != Way::Dashes)
    }

    /// The texts that a value is looked for as: one of them.
    ///
    /// # Errors
    /// Why there are none, or too many.
    pub fn texts(&self, value: &str) -> Result<Vec<String>, String> {
        let mut texts = vec![value.as_bytes().to_vec()];
        for way in &self.ways {
            let mut next: Vec<Vec<u8>> = Vec::new();
            for text in &texts {
                match way {
                    Way::Base64 => next.push(STANDARD_NO_PAD.encode(text).into_bytes()),
                    Way::Base64Offset => next.extend((0..3).map(|offset| offset_base64(text, offset))),
                    Way::Wide => next.push(wide(text, u16::to_le_bytes)),
                    Way::WideBigEndian => next.push(wide(text, u16::to_be_bytes)),
                    Way::WideMarked => next.push([vec![0xFF, 0xFE], wide(text, u16::to_le_bytes)].concat()),
                    Way::Dashes => next.extend(dashes(&String::from_utf8_lossy(text))?),
                }
            }
            texts = next;
        }
        let texts = texts.into_iter().map(String::from_utf8).collect::<Result<Vec<_>, _>>();
        let texts = texts.map_err(|_| "UTF-16 without 'base64' behind it: no text here is written so".to_owned())?;
        if texts.iter().any(|text| text.contains('\0')) {
            return Err("UTF-16 without 'base64' behind it: no text here is written so".to_owned());
        }
        Ok(texts)
    }
}

fn wide(text: &[u8], bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    String::from_utf8_lossy(text).encode_utf16().flat_map(bytes).collect()
}

/// What of a text's Base64 is the same wherever the text stands, with `offset` bytes before it.
fn offset_base64(text: &[u8], offset: usize) -> Vec<u8> {
    let shifted = [vec![b' '; offset], text.to_vec()].concat();
    let encoded = STANDARD_NO_PAD.encode(&shifted).into_bytes();
    // Six bits a letter: the first ones also tell of what is before, and the last one of what follows.
    let begin = (offset * 8).div_ceil(6);
    let end = shifted.len() * 8 / 6;
    encoded.get(begin..end).unwrap_or_default().to_vec()
}

/// A text with each dash before a word as each of the characters that stand for one.
fn dashes(text: &str) -> Result<Vec<Vec<u8>>, String> {
    let mut ways = vec![String::new()];
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(ch) = chars.next() {
        let begins = !before.is_alphanumeric() && chars.peek().is_some_and(|next| next.is_alphanumeric());
        if matches!(ch, '-' | '/') && begins {
            ways = ways.iter().flat_map(|way| DASHES.map(|dash| format!("{way}{dash}"))).collect();
            if ways.len() > WAYS_MAX {
                return Err(format!("'windash': there are more than {WAYS_MAX} ways to write this"));
            }
        } else {
            for way in &mut ways {
                way.push(ch);
            }
        }
        before = ch;
    }
    Ok(ways.into_iter().map(String::into_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    fn texts(names: &str, value: &str) -> Vec<String> {
        let place = Place { file: Arc::from("f"), line: 1, column: 1 };
        Modifiers::of(names.split('|'), &place).expect(names).texts(value).expect(value)
    }

    #[test]
    fn values_are_looked_for_as_they_may_be_written() {
        assert_eq!(texts("base64", "foo"), ["Zm9v"]);
        assert_eq!(texts("base64offset|contains", "foobar"), ["Zm9vYmFy", "Zvb2Jhc", "mb29iYX"]);
        assert_eq!(texts("wide|base64", "ab"), ["YQBiAA"]);
        assert_eq!(texts("windash", " -a b-c"), [" -a b-c", " /a b-c", " –a b-c", " —a b-c", " ―a b-c"]);
        assert_eq!(texts("windash", "-a -b").len(), 25);
    }

    #[test]
    fn what_is_cut_off_at_an_offset_is_what_neighbours_change() {
        for (before, behind) in [("", ""), ("x", "yy"), ("xy", "z"), ("xyz", "\u{7f}"), ("~~~~", "~"), ("a", "")] {
            let encoded = STANDARD_NO_PAD.encode(format!("{before}http://{behind}"));
            let found = texts("base64offset", "http://").iter().any(|text| encoded.contains(text));
            assert!(found, "{before} {behind}");
        }
    }
}
