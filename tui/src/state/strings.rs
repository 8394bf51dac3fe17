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
    /// Texts that others have too: their symbols are the first.
    base: Option<Arc<Strings>>,
    texts: Vec<Arc<str>>,
    known: HashMap<Arc<str>, Sym>,
}

impl Strings {
    /// No own texts yet, and those of `base`.
    pub fn over(base: Arc<Self>) -> Self {
        Self { base: Some(base), ..Self::default() }
    }

    /// The symbol of `text`, which is kept if it is new.
    pub fn add(&mut self, text: &str) -> Sym {
        if let Some(sym) = self.base.as_ref().and_then(|base| base.known.get(text)).or_else(|| self.known.get(text)) {
            return *sym;
        }
        let text: Arc<str> = Arc::from(text);
        self.texts.push(Arc::clone(&text));
        let number = u32::try_from(self.before() + self.texts.len()).unwrap_or(u32::MAX);
        let sym = Sym(NonZeroU32::new(number).unwrap_or(NonZeroU32::MAX));
        self.known.insert(text, sym);
        sym
    }

    /// The text of `sym`, empty for a symbol of another recording.
    pub fn get(&self, sym: Sym) -> &str {
        let at = sym.0.get() as usize - 1;
        match (&self.base, at.checked_sub(self.before())) {
            (Some(base), None) => base.get(sym),
            (_, own) => own.and_then(|own| self.texts.get(own)).map_or("", |text| text),
        }
    }

    /// Gives back what only [`Strings::add`] needs.
    pub fn seal(&mut self) {
        self.known = HashMap::new();
        self.texts.shrink_to_fit();
    }

    /// How many texts `base` has.
    fn before(&self) -> usize {
        self.base.as_ref().map_or(0, |base| base.texts.len())
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

    #[test]
    fn texts_over_others_share_their_symbols() {
        let mut base = Strings::default();
        let sh = base.add("sh");
        let mut over = Strings::over(Arc::new(base));
        assert_eq!(over.add("sh"), sh);
        let own = over.add("curl");
        assert_eq!((over.get(sh), over.get(own)), ("sh", "curl"));
    }
}
