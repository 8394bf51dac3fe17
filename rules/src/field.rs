//! The fields that rules speak of, each over our own events.
//!
//! ```text
//! event           evt.*: the event itself          argument      evt.arg.*: what its system call was given
//! process         proc.*, thread.*                 user          user.*, group.*
//! descriptor      fd.*: files and connections      path          fs.path.*
//! container       container.*, k8s.*
//! ```
//!
//! A family is a table: a name, a type, and how it is read from a [`View`]. A field shows its value to an eye, once for
//! each value it has: never where it is unset, several times where it has several (all ancestors, both ends). Values
//! are borrowed, or composed in a text that is used again.
//!
//! Beside each table stand the names of its family that Falco has and we do not, with the reason.

mod argument;
mod container;
mod descriptor;
mod event;
mod flags;
pub(crate) mod path;
mod process;
mod user;

use crate::scene::{Scene, View};
use crate::value::{Type, Value};
use std::net::IpAddr;
use taffrail_trace::event::{Event, Image};

/// A field.
#[derive(Debug)]
pub struct Field {
    /// Its name, without an argument.
    pub name: &'static str,
    /// What its values are.
    pub kind: Type,
    /// What may follow its name.
    pub takes: Takes,
    read: fn(&mut Look<'_, '_>) -> bool,
}

/// What may follow a field's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// A number in brackets, if anything: `proc.aname[2]`.
    Number,
    /// A number or a name, in brackets or after a point: `evt.arg[0]`, `evt.arg.flags`.
    Either,
    /// A name, if anything: `container.label[team]`.
    Name,
}

/// What followed a field's name.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Argument {
    /// Nothing.
    #[default]
    None,
    /// A number.
    Number(usize),
    /// A name.
    Name(String),
}

/// What a name leads to.
#[derive(Debug)]
pub enum Found {
    /// A field, with what followed its name.
    Field(&'static Field, Argument),
    /// A field that we have no data for, and why.
    Missing(&'static str),
    /// A field whose argument is none, and what was expected.
    BadArgument(&'static str),
    /// Nothing is called so.
    Unknown,
}

/// A field being read: what it is read from, and who looks.
pub struct Look<'a, 'e> {
    view: &'e View<'a>,
    argument: &'e Argument,
    scratch: &'e mut String,
    eye: &'e mut dyn FnMut(Value<'_>) -> bool,
}

impl Field {
    /// Shows `eye` each value that the field has in `view`, until it says `true`. Gives what it said last, and `false`
    /// where the field is unset. `scratch` is where a text is composed; what is in it is lost.
    pub fn read(
        &self,
        view: &View<'_>,
        argument: &Argument,
        scratch: &mut String,
        eye: &mut dyn FnMut(Value<'_>) -> bool,
    ) -> bool {
        (self.read)(&mut Look { view, argument, scratch, eye })
    }

    const fn new(name: &'static str, kind: Type, takes: Takes, read: fn(&mut Look<'_, '_>) -> bool) -> Self {
        Self { name, kind, takes, read }
    }
}

const fn text(name: &'static str, read: fn(&mut Look<'_, '_>) -> bool) -> Field {
    Field::new(name, Type::Text, Takes::Nothing, read)
}

const fn number(name: &'static str, read: fn(&mut Look<'_, '_>) -> bool) -> Field {
    Field::new(name, Type::Number, Takes::Nothing, read)
}

const fn flag(name: &'static str, read: fn(&mut Look<'_, '_>) -> bool) -> Field {
    Field::new(name, Type::Flag, Takes::Nothing, read)
}

const fn address(name: &'static str, read: fn(&mut Look<'_, '_>) -> bool) -> Field {
    Field::new(name, Type::Address, Takes::Nothing, read)
}

impl<'a> Look<'a, '_> {
    fn event(&self) -> &'a Event {
        self.view.event
    }

    fn scene(&self) -> &'a dyn Scene {
        self.view.scene
    }

    fn image(&self, generation: usize) -> Option<&'a Image> {
        self.view.image(generation)
    }

    fn text(&mut self, text: &str) -> bool {
        (self.eye)(Value::Text(text))
    }

    fn maybe_text(&mut self, text: Option<&str>) -> bool {
        text.is_some_and(|text| self.text(text))
    }

    fn number(&mut self, number: impl Into<i64>) -> bool {
        (self.eye)(Value::Number(number.into()))
    }

    /// A number that is rarely as large as the type allows.
    fn large(&mut self, number: u64) -> bool {
        (self.eye)(Value::Number(i64::try_from(number).unwrap_or(i64::MAX)))
    }

    fn flag(&mut self, flag: bool) -> bool {
        (self.eye)(Value::Flag(flag))
    }

    fn address(&mut self, address: IpAddr) -> bool {
        (self.eye)(Value::Address(address))
    }

    /// A text that has to be put together first.
    fn composed(&mut self, compose: impl FnOnce(&mut String)) -> bool {
        self.scratch.clear();
        compose(self.scratch);
        (self.eye)(Value::Text(self.scratch))
    }

    /// A text that begins with the same bytes as another one: for output and rare fields.
    fn shown(&mut self, value: impl std::fmt::Display) -> bool {
        self.composed(|out| {
            use std::fmt::Write as _;
            // Writing into a String cannot fail.
            let _ = write!(out, "{value}");
        })
    }
}

/// All families: what there is, and what is missing with the reason.
const FAMILIES: &[(&[Field], Missing)] = &[
    (event::FIELDS, event::MISSING),
    (process::FIELDS, process::MISSING),
    (user::FIELDS, user::MISSING),
    (descriptor::FIELDS, descriptor::MISSING),
    (path::FIELDS, &[]),
    (container::FIELDS, container::MISSING),
];

/// Names without data, and why. A name that ends in a point stands for all that begin with it.
type Missing = &'static [(&'static [&'static str], &'static str)];

/// What a name as a rule writes it (`proc.aname[2]`, `evt.arg.flags`) leads to.
pub fn find(written: &str) -> Found {
    let (name, bracketed) = match written.split_once('[') {
        Some((name, rest)) => (name, Some(rest.strip_suffix(']').unwrap_or(rest).trim_matches(['"', '\'']))),
        None => (written, None),
    };
    for (fields, _) in FAMILIES {
        if let Some(field) = fields.iter().find(|field| field.name == name) {
            return argument(field, bracketed);
        }
    }
    let pointed = all().filter(|field| matches!(field.takes, Takes::Either | Takes::Name)).find_map(|field| {
        let rest = name.strip_prefix(field.name)?.strip_prefix('.')?;
        Some((field, rest))
    });
    if let (Some((field, rest)), None) = (pointed, bracketed) {
        return argument(field, Some(rest));
    }
    let reason = FAMILIES
        .iter()
        .flat_map(|(_, missing)| missing.iter())
        .find(|(names, _)| names.iter().any(|known| *known == name || known.ends_with('.') && name.starts_with(known)));
    reason.map_or(Found::Unknown, |(_, reason)| Found::Missing(reason))
}

/// Every field there is.
pub fn all() -> impl Iterator<Item = &'static Field> {
    FAMILIES.iter().flat_map(|(fields, _)| fields.iter())
}

fn argument(field: &'static Field, written: Option<&str>) -> Found {
    let Some(written) = written else { return Found::Field(field, Argument::None) };
    match (field.takes, written.parse::<usize>()) {
        (Takes::Number | Takes::Either, Ok(number)) => Found::Field(field, Argument::Number(number)),
        (Takes::Either | Takes::Name, _) if !written.is_empty() => {
            Found::Field(field, Argument::Name(written.to_owned()))
        }
        (Takes::Nothing, _) => Found::BadArgument("no argument"),
        (Takes::Number, _) => Found::BadArgument("a number in brackets"),
        (Takes::Either, _) => Found::BadArgument("a number or a name in brackets"),
        (Takes::Name, _) => Found::BadArgument("a name in brackets"),
    }
}
