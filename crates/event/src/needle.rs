//! Bytes that a line must contain to be an event that is wanted, so that other lines need not be scanned.
//!
//! A string that is asked for stands in a line as its own bytes, in quotes, or with an escape. Where none of its
//! characters has a short escape (as `\n` or `\/`), the escape is `\u` and four digits. So for most strings only lines
//! with `\u` have to be scanned beside those with the bytes; a large log is passed over at the speed of memory.
//!
//! Invariant: a line that matches is never passed over.

use memchr::memmem::Finder;

/// What to look for.
#[derive(Debug)]
pub struct Needle {
    bytes: Finder<'static>,
    escape: Finder<'static>,
}

impl Needle {
    /// For a string that some value of the event must be. `None` if it may stand there in more ways: broken bytes are
    /// read as U+FFFD.
    #[must_use]
    pub fn new(wanted: &[u8]) -> Option<Self> {
        Self::quoted(wanted, b"\"")
    }

    /// For the beginning of such a string. `None` as well for an empty one, which every string begins with.
    #[must_use]
    pub fn of_beginning(wanted: &[u8]) -> Option<Self> {
        if wanted.is_empty() { None } else { Self::quoted(wanted, b"") }
    }

    fn quoted(wanted: &[u8], end: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(wanted).ok().filter(|text| !text.contains('\u{FFFD}'))?;
        let short = |char: char| char < ' ' || matches!(char, '"' | '\\' | '/');
        let escape: &[u8] = if text.contains(short) { b"\\" } else { b"\\u" };
        let bytes = [b"\"", wanted, end].concat();
        Some(Self { bytes: Finder::new(&bytes).into_owned(), escape: Finder::new(escape) })
    }

    /// Whether a line may match.
    #[must_use]
    pub fn may_match(&self, line: &[u8]) -> bool {
        self.bytes.find(line).is_some() || self.escape.find(line).is_some()
    }

    /// The hits in a text.
    #[must_use]
    pub fn hits<'a>(&'a self, text: &'a [u8]) -> Hits<'a> {
        Hits { needle: self, text, bytes: None, escape: None }
    }
}

/// Goes through hits. Each kind of hit is looked for once, however often the other kind is met.
#[derive(Debug)]
pub struct Hits<'a> {
    needle: &'a Needle,
    text: &'a [u8],
    /// The next hit of each kind, as far as it is known; the text's length if there is none.
    bytes: Option<usize>,
    escape: Option<usize>,
}

impl Hits<'_> {
    /// The first hit from a position on.
    pub fn from(&mut self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let end = self.text.len();
        let known = |kind: &Option<usize>| kind.is_some_and(|hit| hit >= at);
        if !known(&self.bytes) {
            self.bytes = Some(self.needle.bytes.find(rest).map_or(end, |hit| at + hit));
        }
        if !known(&self.escape) {
            self.escape = Some(self.needle.escape.find(rest).map_or(end, |hit| at + hit));
        }
        self.bytes.min(self.escape).filter(|&hit| hit < end)
    }
}

#[cfg(test)]
mod tests {
    use super::Needle;

    #[test]
    fn bytes_and_escapes_are_hits() {
        let find =
            |text: &str| Needle::new(b"task-1").and_then(|needle| needle.hits(text.as_bytes()).from(0));
        assert_eq!(find("{\"taskId\":\"task-1\"}"), Some(10));
        assert_eq!(find("{\"taskId\":\"task-11\"}"), None);
        assert_eq!(find("{\"taskId\":\"\\u0074ask-1\"}"), Some(11));
        assert_eq!(find("\\n\"task-1\""), Some(2), "no way to write any of its characters");
        assert_eq!(find("{\"taskId\":\"task-2\"}"), None);
        let needle = Needle::new(b"");
        let text = b"\"\"..\\u.\"\"\\u";
        let mut hits = needle.as_ref().map(|needle| needle.hits(text));
        let mut from = |at: usize| hits.as_mut().and_then(|hits| hits.from(at));
        assert_eq!(
            [from(0), from(1), from(5), from(8), from(10)],
            [Some(0), Some(4), Some(7), Some(9), None]
        );
        for wanted in ["a/b", "a\"b", "a\\b", "a\nb", "\u{7}"] {
            let line = br#"{"taskId":"a\/b\"\\\n"}"#;
            assert!(
                Needle::new(wanted.as_bytes()).is_some_and(|needle| needle.may_match(line)),
                "{wanted:?}"
            );
        }
        let begins =
            |wanted: &[u8]| Needle::of_beginning(wanted).map(|needle| needle.may_match(b"\"task-1\""));
        assert_eq!([begins(b"tas"), begins(b"ask"), begins(b"")], [Some(true), Some(false), None]);
        assert!(Needle::new("\u{FFFD}".as_bytes()).is_none());
    }
}
