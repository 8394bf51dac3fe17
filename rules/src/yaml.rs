//! YAML as a tree whose every word knows where it stood.
//!
//! Scalars stay the text that was written: `010`, `yes` and `1.10` are items of lists as they are. Anchors and aliases
//! are refused: rule files do not use them, and a few lines of them can become more than memory holds.

use crate::problem::{Place, Problem};
use crate::source::Source;
use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};
use std::sync::Arc;

/// How deep a file may be nested; rules need four levels.
const DEPTH_MAX: usize = 32;

/// A piece of YAML.
#[derive(Clone, Debug)]
pub struct Node {
    /// Where it begins.
    pub place: Place,
    /// What it is.
    pub data: Data,
    /// It is a text in quotes or a block, and no word that could mean something else, as `null` does.
    pub quoted: bool,
}

/// What a piece of YAML is.
#[derive(Clone, Debug)]
pub enum Data {
    /// A text.
    Scalar(Source),
    /// A list.
    List(Vec<Node>),
    /// Keys and values, in their order.
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.data {
            Data::Scalar(source) => Some(source.text()),
            Data::List(_) | Data::Map(_) => None,
        }
    }

    /// Keys and values, where it has some.
    pub fn entries(&self) -> Option<&[(Node, Node)]> {
        match &self.data {
            Data::Map(entries) => Some(entries),
            Data::Scalar(_) | Data::List(_) => None,
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()?.iter().find(|(known, _)| known.text() == Some(key)).map(|(_, value)| value)
    }

    /// What a message calls it.
    pub fn described(&self) -> String {
        match &self.data {
            Data::Scalar(source) if source.text().is_empty() => "nothing".to_owned(),
            Data::Scalar(source) if source.text().chars().count() <= 40 => format!("'{}'", source.text().trim_end()),
            Data::Scalar(_) => "a text".to_owned(),
            Data::List(_) => "a list".to_owned(),
            Data::Map(_) => "keys and values".to_owned(),
        }
    }
}

/// The documents of a file.
///
/// # Errors
/// Where it is no YAML: the first place that is not, for what follows cannot be told.
pub fn parse(file: &Arc<str>, text: &str) -> Result<Vec<Node>, Problem> {
    let mut reader = Reader { file, chars: text.chars().collect(), parser: Parser::new_from_str(text) };
    let mut documents = Vec::new();
    loop {
        let (event, span) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(documents),
            Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
            event => documents.push(reader.node(event, span, 0)?),
        }
    }
}

struct Reader<'a> {
    file: &'a Arc<str>,
    chars: Vec<char>,
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let (line, column) = (error.marker().line(), error.marker().col() + 1);
                let place = Place { file: Arc::clone(self.file), line, column };
                Err(Problem::new(&place, format!("this is no YAML: {}", error.info())))
            }
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn place(&self, span: Span) -> Place {
        Place { file: Arc::clone(self.file), line: span.start.line(), column: span.start.col() + 1 }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let place = self.place(span);
        if depth > DEPTH_MAX {
            return Err(Problem::new(&place, format!("nested deeper than {DEPTH_MAX} levels")));
        }
        let anchor = match &event {
            Event::Scalar(_, _, anchor, _) | Event::SequenceStart(anchor, _) | Event::MappingStart(anchor, _) => {
                *anchor
            }
            Event::Alias(anchor) => *anchor,
            _ => 0,
        };
        if anchor != 0 {
            return Err(Problem::new(&place, "anchors and aliases are not read; write the text again"));
        }
        let quoted = matches!(&event, Event::Scalar(_, style, ..) if *style != ScalarStyle::Plain);
        let data = match event {
            Event::Scalar(text, style, ..) => {
                let marks = self.marks(&text, style, span);
                Data::Scalar(Source::new(text.into_owned(), marks))
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd | Event::StreamEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                Data::List(items)
            }
            Event::MappingStart(..) => {
                let mut entries = Vec::new();
                loop {
                    let (event, span) = self.next()?;
                    if matches!(event, Event::MappingEnd | Event::StreamEnd) {
                        break;
                    }
                    let key = self.node(event, span, depth + 1)?;
                    let (event, span) = self.next()?;
                    entries.push((key, self.node(event, span, depth + 1)?));
                }
                Data::Map(entries)
            }
            _ => Data::Scalar(Source::at("", place.clone())),
        };
        Ok(Node { place, data, quoted })
    }

    /// Where the runs of a scalar stand: its words are looked for in the file, in their order.
    fn marks(&self, text: &str, style: ScalarStyle, span: Span) -> Vec<(usize, Place)> {
        let mut at =
            Cursor { chars: &self.chars, index: span.start.index(), line: span.start.line(), column: span.start.col() };
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded if matches!(at.current(), Some('|' | '>')) => at.skip_line(),
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => at.step(),
            _ => {}
        }
        let mut marks = vec![(0, self.place(span))];
        let mut expected = None;
        for (offset, ch) in text.char_indices().filter(|(_, ch)| !ch.is_whitespace()) {
            let width = at.find(ch, style);
            if expected != Some((offset, at.index)) {
                let place = Place { file: Arc::clone(self.file), line: at.line, column: at.column + 1 };
                // The first word's place takes over from that of the quote or the sign before it.
                if offset == 0 {
                    marks.clear();
                }
                marks.push((offset, place));
            }
            (0..width).for_each(|_| at.step());
            expected = Some((offset + ch.len_utf8(), at.index));
        }
        marks
    }
}

/// A place in the file's characters.
struct Cursor<'a> {
    chars: &'a [char],
    index: usize,
    line: usize,
    column: usize,
}

impl Cursor<'_> {
    fn current(&self) -> Option<char> {
        self.chars.get(self.index).copied()
    }

    fn step(&mut self) {
        match self.current() {
            Some('\n') => (self.line, self.column) = (self.line + 1, 0),
            Some(_) => self.column += 1,
            None => return,
        }
        self.index += 1;
    }

    fn skip_line(&mut self) {
        while self.current().is_some_and(|ch| ch != '\n') {
            self.step();
        }
    }

    /// Goes to where `wanted` is written, and says how many characters it is written with.
    fn find(&mut self, wanted: char, style: ScalarStyle) -> usize {
        while let Some(ch) = self.current() {
            let next = self.chars.get(self.index + 1).copied();
            match (style, ch, next) {
                (ScalarStyle::SingleQuoted, '\'', Some('\'')) if wanted == '\'' => return 2,
                (ScalarStyle::DoubleQuoted, '\\', Some(escaped)) => match escaped {
                    'x' => return 4,
                    'u' => return 6,
                    'U' => return 10,
                    escaped if escaped == wanted => return 2,
                    // A line end, a tab: white space, which is not looked for.
                    _ => {
                        self.step();
                        self.step();
                    }
                },
                (_, ch, _) if ch == wanted => return 1,
                _ => self.step(),
            }
        }
        0
    }
}
