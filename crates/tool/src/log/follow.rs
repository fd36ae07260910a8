//! A log as it grows, across compactions.
//!
//! A compaction puts another file under the log's name. The old file stays open here, so nothing of it is missed; then
//! the new file is read from its beginning, and what was in the old one is passed over. An event is known by its id, a
//! line without an id by its text. What is both added and removed between two looks stays unseen.
//!
//! A program that had the old file open may write to it until the end, and the compaction copies such lines to the new
//! file a little later. So what was shown shortly before a change is remembered shortly after it.
//!
//! Invariant: each line is given out once. Nothing is created, and no lock is taken.

use std::collections::{HashMap, VecDeque};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use event::identity::event_key;
use event::line::{Line, Scanner};

use super::forward::walk;
use crate::engine::{LOG, StoreFile, log_id};
use crate::exit::Result;
use crate::report::note;

/// How long before a change a line may have been shown, and how long after it, to be one that is copied late.
const LATE: Duration = Duration::from_secs(10);

/// How often each of some lines is there.
type Counts = HashMap<u64, u32>;

/// A log that is followed. See the head of this file.
pub(crate) struct Follower {
    folder: PathBuf,
    log: Option<StoreFile>,
    offset: u64,
    /// What was given out within [`LATE`].
    recent: VecDeque<(u64, Instant)>,
    late: Counts,
    late_until: Option<Instant>,
}

impl Follower {
    /// Follows the log of a folder: `log`, if it is there, from `offset` on.
    pub(crate) fn new(folder: &Path, log: Option<StoreFile>, offset: u64) -> Self {
        Self {
            folder: folder.to_owned(),
            log,
            offset,
            recent: VecDeque::new(),
            late: Counts::new(),
            late_until: None,
        }
    }

    /// The whole lines that came since the last look.
    pub(crate) fn look(&mut self, visit: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        if self.log.is_none() {
            self.log = StoreFile::open(&self.folder, LOG)?;
        }
        let Some(log) = self.log.take() else { return Ok(()) };
        let (id, size) = log.stat()?;
        if size < self.offset {
            note("The log was cut; it is read again from its beginning.");
            self.offset = 0;
        }
        let since = Instant::now().checked_sub(LATE);
        while self.recent.front().is_some_and(|(_, time)| since.is_some_and(|since| *time < since)) {
            self.recent.pop_front();
        }
        self.give_news(&log, visit)?;
        if log_id(&self.folder).is_some_and(|named| named != id)
            && let Some(next) = StoreFile::open(&self.folder, LOG)?
        {
            self.change(&log, &next, visit)?;
            self.log = Some(next);
        } else {
            self.log = Some(log);
        }
        Ok(())
    }

    /// Gives out what is new in the file; half a line is left for the next look.
    fn give_news(&mut self, log: &StoreFile, visit: &mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let (_, size) = log.stat()?;
        let mut scanner = Scanner::new();
        let Self { recent, late, late_until, .. } = self;
        let watches = late_until.is_some_and(|until| Instant::now() < until);
        let walked = walk(log, self.offset, size, None, &mut |_, line| {
            let key = key_of(&mut scanner, line);
            if !(watches && take(late, key)) {
                recent.push_back((key, Instant::now()));
                visit(line)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.offset = walked.whole;
        Ok(())
    }

    /// The log was replaced: goes over to the new file.
    fn change(
        &mut self,
        old: &StoreFile,
        next: &StoreFile,
        visit: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        self.give_news(old, visit)?;
        let mut scanner = Scanner::new();
        let mut seen = Counts::new();
        walk(old, 0, self.offset, None, &mut |_, line| {
            *seen.entry(key_of(&mut scanner, line)).or_default() += 1;
            Ok(ControlFlow::Continue(()))
        })?;
        let mut late = Counts::new();
        for (key, _) in &self.recent {
            *late.entry(*key).or_default() += 1;
        }
        let recent = &mut self.recent;
        let walked = walk(next, 0, next.stat()?.1, None, &mut |_, line| {
            let key = key_of(&mut scanner, line);
            if take(&mut seen, key) {
                take(&mut late, key);
            } else {
                recent.push_back((key, Instant::now()));
                visit(line)?;
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.offset = walked.whole;
        self.late = late;
        self.late_until = Some(Instant::now() + LATE);
        Ok(())
    }
}

/// Takes one away, if there is one.
fn take(counts: &mut Counts, key: u64) -> bool {
    counts.get_mut(&key).is_some_and(|count| {
        let there = *count > 0;
        *count = count.saturating_sub(1);
        there
    })
}

/// What a line is known by.
fn key_of(scanner: &mut Scanner, line: &[u8]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    if let Line::Event(event) = scanner.scan(line) {
        return event_key(&event);
    }
    let mut hasher = DefaultHasher::new();
    line.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::Follower;
    use std::fs::{File, OpenOptions, create_dir, read_to_string, remove_dir_all, rename, write};
    use std::io::Write;
    use std::path::PathBuf;

    type Tested = Result<(), Box<dyn std::error::Error>>;

    struct Place(PathBuf);

    impl Place {
        fn new(lines: &str) -> std::io::Result<Self> {
            let folder = std::env::temp_dir().join(format!("guidance-ledger-{}", uuid::Uuid::new_v4()));
            create_dir(&folder)?;
            write(folder.join("events.ndjson"), lines)?;
            Ok(Self(folder))
        }

        fn open(&self) -> std::io::Result<File> {
            OpenOptions::new().append(true).open(self.0.join("events.ndjson"))
        }

        fn replace(&self, lines: &str) -> std::io::Result<()> {
            write(self.0.join("new"), lines)?;
            rename(self.0.join("new"), self.0.join("events.ndjson"))
        }

        fn follow(&self) -> impl FnMut() -> Vec<String> {
            let mut follower = Follower::new(&self.0, None, 0);
            move || {
                let mut lines = Vec::new();
                let looked = follower.look(&mut |line| {
                    lines.push(String::from_utf8_lossy(line).into_owned());
                    Ok(())
                });
                if looked.is_err() { vec!["failed".to_owned()] } else { lines }
            }
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            let _ = remove_dir_all(&self.0);
        }
    }

    fn line(number: u32) -> String {
        format!("{{\"eventId\":\"n{number}\"}}\n")
    }

    #[test]
    fn half_a_line_is_left_until_it_is_whole() -> Tested {
        let place = Place::new(&line(0))?;
        let mut look = place.follow();
        let (start, end) = ("{\"eventId\":", "\"n1\"}\n");
        place.open()?.write_all(start.as_bytes())?;
        assert_eq!(look(), [line(0).trim()]);
        assert_eq!(look(), Vec::<String>::new());
        place.open()?.write_all(end.as_bytes())?;
        assert_eq!(look(), [line(1).trim()]);
        Ok(())
    }

    #[test]
    fn a_line_that_is_written_to_the_old_file_and_copied_later_comes_once() -> Tested {
        let place = Place::new(&[line(0), line(1), line(2)].concat())?;
        let mut look = place.follow();
        let mut old = place.open()?;
        assert_eq!(look().len(), 3);
        old.write_all(line(3).as_bytes())?; // just before the change
        assert_eq!(look(), [line(3).trim()]);
        place.replace(&line(2))?;
        old.write_all(line(4).as_bytes())?; // just after it
        assert_eq!(look(), [line(4).trim()]);
        place.open()?.write_all([line(3), line(4), line(5)].concat().as_bytes())?;
        assert_eq!(look(), [line(5).trim()]);
        Ok(())
    }

    #[test]
    fn a_rewrite_gives_only_what_is_new_and_a_missing_log_nothing() -> Tested {
        let place = Place::new("{\"n\":1}\n{\"n\":2}\n{\"n\":2}\n")?;
        let mut look = place.follow();
        assert_eq!(look().len(), 3);
        place.replace("{\"n\":2}\n{\"n\":1}\n{\"n\":2}\n{\"n\":2}\nx\n")?;
        assert_eq!(look(), ["{\"n\":2}", "x"]);
        std::fs::remove_file(place.0.join("events.ndjson"))?;
        assert_eq!(look().len(), 0);
        write(place.0.join("events.ndjson"), line(9))?;
        assert_eq!(look(), [line(9).trim()]);
        assert_eq!(read_to_string(place.0.join("events.ndjson"))?, line(9));
        Ok(())
    }
}
