//! Every distinct text of a recording, once. A million events name a few thousand paths.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// A text of a recording; meaningful only together with its [`Strings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sym(NonZeroU32);

/// The texts, raw as the trace has them: nothing here is safe to show on a terminal yet.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    texts: Vec<Arc<str>>,
    known: HashMap<Arc<str>, Sym>,
}

impl Strings {
    /// The symbol of `text`, which is kept if it is new.
    pub fn add(&mut self, text: &str) -> Sym {
        if let Some(sym) = self.known.get(text) {
            return *sym;
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        let number = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        let sym = Sym(NonZeroU32::new(number).unwrap_or(NonZeroU32::MAX));
        self.known.insert(text, sym);
        sym
    }

    /// The text of `sym`, empty for a symbol of another recording.
    pub fn get(&self, sym: Sym) -> &str {
        self.texts.get(sym.0.get() as usize - 1).map_or("", |text| text)
    }

    /// Gives back what only [`Strings::add`] needs.
    pub fn seal(&mut self) {
        self.known = HashMap::new();
        self.texts.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_kept_once() {
        let mut strings = Strings::default();
        let first = strings.add("/etc/passwd");
        assert_eq!(strings.add("/etc/passwd"), first);
        assert_ne!(strings.add(""), first);
        strings.seal();
        assert_eq!(strings.get(first), "/etc/passwd");
    }
}
