//! What a ledger holds when it is saved, and what that makes of a log.
//!
//! Invariant: every line of the log is in the new log, in the form that the ledger has of it, unless the ledger
//! held its event and dropped it. A line whose event the ledger never held stays as it is.

use event::identity::event_key;
use event::line::{Line, Scanner};

use crate::sealed::{Keys, Sealed, SealedError, add_keys};

/// See the head of this file.
pub struct Holdings<'a> {
    /// The loaded events, of which some may be live.
    pub sealed: Option<&'a Sealed>,
    /// Lines of the live events in ledger order, each ending in a newline.
    pub live: &'a [u8],
    /// Index in the ledger of each live event.
    pub positions: &'a [u32],
    /// Identities of events that the ledger held and dropped.
    pub dropped: &'a Keys,
}

impl Holdings<'_> {
    /// The identities of all events that the ledger holds or held.
    #[must_use]
    pub fn known(&self) -> Keys {
        let mut known = self.written();
        add_keys(self.live, &mut known);
        known
    }

    /// The identities of events that the ledger loaded, or wrote before.
    #[must_use]
    pub fn written(&self) -> Keys {
        let mut written = self.dropped.clone();
        if let Some(sealed) = self.sealed {
            sealed.add_keys_to(&mut written);
        }
        written
    }

    /// Calls `visit` with the line of each event, in the ledger's order, without its newline.
    ///
    /// # Errors
    /// [`SealedError`], or what `visit` says.
    pub fn visit<E: From<SealedError>>(
        &self,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut next = 0;
        for (line, &position) in self.live_lines().zip(self.positions) {
            self.visit_loaded(next, position as usize, visit)?;
            visit(line)?;
            next = position as usize + 1;
        }
        self.visit_loaded(next, usize::MAX, visit)
    }

    /// The lines of those live events that differ from what was loaded in their place, and of those that were not
    /// loaded; and how many that are.
    ///
    /// # Errors
    /// [`SealedError`].
    pub fn changed(&self) -> Result<(Vec<u8>, u32), SealedError> {
        let (mut changed, mut count) = (Vec::new(), 0);
        for (line, &position) in self.live_lines().zip(self.positions) {
            let mut same = false;
            let (start, end) = (position as usize, position as usize + 1);
            self.visit_loaded(start, end, &mut |loaded| -> Result<(), SealedError> {
                same = loaded == line;
                Ok(())
            })?;
            if !same {
                changed.extend_from_slice(line);
                changed.push(b'\n');
                count += 1;
            }
        }
        Ok((changed, count))
    }

    fn live_lines(&self) -> impl Iterator<Item = &[u8]> {
        self.live.split(|&byte| byte == b'\n').filter(|line| !line.is_empty())
    }

    fn visit_loaded<E: From<SealedError>>(
        &self,
        start: usize,
        end: usize,
        visit: &mut dyn FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        match self.sealed {
            Some(sealed) if start < end => sealed.visit_loaded(start, end, visit),
            _ => Ok(()),
        }
    }

    /// The text of the log after a save: the ledger's events in order, then every line of `log` whose event the
    /// ledger never held. Lines that are not events stay.
    ///
    /// # Errors
    /// [`SealedError`].
    pub fn apply_to(&self, log: &[u8]) -> Result<Vec<u8>, SealedError> {
        let mut saved = Vec::with_capacity(log.len());
        let mut add = |line: &[u8]| {
            saved.extend_from_slice(line);
            saved.push(b'\n');
        };
        self.visit(&mut |line| -> Result<(), SealedError> {
            add(line);
            Ok(())
        })?;
        let known = self.known();
        let mut scanner = Scanner::new();
        for line in log.split(|&byte| byte == b'\n') {
            match scanner.scan(line) {
                Line::Event(event) if known.contains(&event_key(&event)) => {}
                Line::Blank => {}
                Line::Event(_) | Line::Malformed => add(line),
            }
        }
        Ok(saved)
    }
}

#[cfg(test)]
mod tests {
    use super::Holdings;
    use crate::gathering::Gathering;
    use crate::sealed::{Keys, add_keys};

    const LOADED: &[u8] = b"{\"eventId\":\"a\"}\n\n5\n{\"eventId\":\"b\"}\n{\"eventId\":\"c\"}";

    #[test]
    fn the_ledgers_lines_come_first_and_unknown_ones_stay() {
        let sealed = Gathering::of(LOADED.to_vec()).seal("a text".to_owned());
        assert_eq!(sealed.len(), 3);
        let mut dropped = Keys::new();
        add_keys(b"{\"eventId\":\"gone\"}\n", &mut dropped);
        let live = b"{\"eventId\":\"b\",\"new\":1}\n{\"eventId\":\"d\"}\n";
        let holdings = Holdings { sealed: Some(&sealed), live, positions: &[1, 3], dropped: &dropped };
        assert_eq!(holdings.changed().unwrap(), (live.to_vec(), 2));
        let live = b"{\"eventId\":\"a\"}\n{\"eventId\":\"b\",\"new\":1}\n";
        let unchanged = Holdings { live, positions: &[0, 1], ..holdings };
        assert_eq!(unchanged.changed().unwrap(), (b"{\"eventId\":\"b\",\"new\":1}\n".to_vec(), 1));
        let log = [LOADED, b"\n{\"eventId\":\"gone\"}\n{\"eventId\":\"other\"}\n"].concat();
        let saved = holdings.apply_to(&log).unwrap();
        assert_eq!(
            String::from_utf8(saved).unwrap(),
            "{\"eventId\":\"a\"}\n{\"eventId\":\"b\",\"new\":1}\n{\"eventId\":\"c\"}\n{\"eventId\":\"d\"}\n\
             5\n{\"eventId\":\"other\"}\n"
        );
    }
}
