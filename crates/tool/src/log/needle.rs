//! Bytes that an event must contain to be wanted, so that other lines need not be looked at.
//!
//! A string that is asked for stands in a line as its own bytes or with an escape, which has a backslash. So a line
//! that has neither the bytes nor a backslash cannot match; most lines of a large log are passed over at the speed of
//! memory.
//!
//! Invariant: a line that matches is never passed over.

use memchr::memmem::Finder;

/// What to look for.
pub(crate) struct Needle(Finder<'static>);

impl Needle {
    /// For a string that some value of the event must be. `None` if it may stand there in more ways: broken bytes are
    /// read as U+FFFD, and an empty string is everywhere.
    pub(crate) fn new(wanted: &[u8]) -> Option<Self> {
        let replaced = std::str::from_utf8(wanted).is_ok_and(|text| !text.contains('\u{FFFD}'));
        (replaced && !wanted.is_empty()).then(|| Self(Finder::new(wanted).into_owned()))
    }

    /// Whether a line may match.
    pub(crate) fn may_match(&self, line: &[u8]) -> bool {
        self.0.find(line).is_some() || memchr::memchr(b'\\', line).is_some()
    }

    /// The hits in a text.
    pub(crate) fn hits<'a>(&'a self, text: &'a [u8]) -> Hits<'a> {
        Hits { needle: self, text, bytes: None, escape: None }
    }
}

/// Goes through hits. Each kind of hit is looked for once, however often the other kind is met.
pub(crate) struct Hits<'a> {
    needle: &'a Needle,
    text: &'a [u8],
    /// The next hit of each kind, as far as it is known; the text's length if there is none.
    bytes: Option<usize>,
    escape: Option<usize>,
}

impl Hits<'_> {
    /// The first hit from a position on.
    pub(crate) fn from(&mut self, at: usize) -> Option<usize> {
        let rest = self.text.get(at..)?;
        let end = self.text.len();
        if self.bytes.is_none_or(|known| known < at) {
            self.bytes = Some(self.needle.0.find(rest).map_or(end, |hit| at + hit));
        }
        if self.escape.is_none_or(|known| known < at) {
            self.escape = Some(memchr::memchr(b'\\', rest).map_or(end, |hit| at + hit));
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
        assert_eq!(find("{\"taskId\":\"task-1\"}"), Some(11));
        assert_eq!(find("{\"taskId\":\"\\u0074ask-1\"}"), Some(11));
        assert_eq!(find("\\ task-1"), Some(0));
        assert_eq!(find("{\"taskId\":\"task-2\"}"), None);
        let needle = Needle::new(b"ab");
        let text = b"ab..\\..ab\\";
        let mut hits = needle.as_ref().map(|needle| needle.hits(text));
        let mut from = |at: usize| hits.as_mut().and_then(|hits| hits.from(at));
        assert_eq!(
            [from(0), from(1), from(5), from(8), from(10)],
            [Some(0), Some(4), Some(7), Some(9), None]
        );
        assert!(Needle::new(b"").is_none() && Needle::new("\u{FFFD}".as_bytes()).is_none());
    }
}
