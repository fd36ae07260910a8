//! Whatever an interrupted rewrite left, the next writer moves exactly those lines of the old log from S on that the new
//! one lacks; dying half way and doing it again changes nothing.

#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use store::{Durability, OnFault};

#[path = "support/checkpoint_file.rs"]
mod checkpoint_file;
#[path = "support/folder.rs"]
mod folder;
#[path = "support/threads.rs"]
mod threads;

use folder::Folder;

const LOG: &str = "events.ndjson";
const PREVIOUS: &str = ".events.prev";
const CHECKPOINT: &str = ".events.ckpt";

#[derive(Arbitrary, Debug)]
enum Text {
    /// One of a few events, so that both logs often hold the same.
    Event(u8),
    Any(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Log {
    lines: Vec<Text>,
    /// Behind the last newline.
    tail: Option<Text>,
}

#[derive(Arbitrary, Debug)]
enum Record {
    /// S and the place where copies begin, in lines.
    Right {
        from: u8,
        kept: u8,
    },
    /// Of another log.
    Strange {
        from: u64,
        kept: u64,
    },
    /// Of this one, but made up.
    Forged {
        from: u64,
        kept: u64,
    },
    Bytes(Vec<u8>),
}

#[derive(Arbitrary, Debug)]
struct Input {
    log: Log,
    previous: Log,
    record: Record,
    /// How much of what the first recovery wrote is left when it is done again.
    cut: u16,
}

type Counts = BTreeMap<Vec<u8>, usize>;

impl Text {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Event(number) => format!("{{\"eventId\":\"{}\"}}", number % 6).into_bytes(),
            Self::Any(bytes) => bytes.iter().copied().filter(|&byte| byte != b'\n').collect(),
        }
    }
}

impl Log {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.whole(self.lines.len());
        bytes.extend(self.tail.iter().flat_map(Text::bytes));
        bytes
    }

    /// The first `count` lines.
    fn whole(&self, count: usize) -> Vec<u8> {
        self.lines.iter().take(count).flat_map(|line| [line.bytes(), vec![b'\n']].concat()).collect()
    }
}

fn lines(bytes: &[u8]) -> Counts {
    let mut counts = Counts::new();
    for line in bytes.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        *counts.entry(line.to_vec()).or_default() += 1;
    }
    counts
}

fn recover(folder: &Folder) -> Vec<u8> {
    folder.store().append(Vec::new(), OnFault::Refuse, Durability::Process).expect("writable");
    assert!(!folder.exists(PREVIOUS), "no process writes to the old log, so it goes");
    folder.read(LOG)
}

fuzz_target!(|input: Input| {
    let (log, previous) = (input.log.bytes(), input.previous.bytes());
    let folder = Folder::new();
    folder.write(LOG, &log);
    folder.write(PREVIOUS, &previous);
    folder.link(PREVIOUS, "again");
    let id = folder.id(PREVIOUS);
    let record = |inode, from, kept| checkpoint_file::of_rewrite([id.device, inode, id.born_ns, from, kept]);
    let (checkpoint, from, kept) = match &input.record {
        Record::Right { from, kept } => {
            let (from, kept) = (usize::from(*from), usize::from(*kept));
            let (from, kept) = (input.previous.whole(from).len(), input.log.whole(kept).len());
            (record(id.inode, from as u64, kept as u64), from, kept)
        }
        Record::Strange { from, kept } => (record(id.inode + 1, *from, *kept), 0, 0),
        Record::Forged { from, kept } => (record(id.inode, *from, *kept), 0, 0),
        Record::Bytes(bytes) => (bytes.clone(), 0, 0),
    };
    folder.write(CHECKPOINT, &checkpoint);

    let once = recover(&folder);
    assert!(once.starts_with(&log), "what is in the new log stays as it is");
    if matches!(input.record, Record::Forged { .. }) {
        return;
    }
    let copies = lines(&log[kept..]);
    let mut expected = lines(&log);
    for (line, count) in lines(&previous[from..]) {
        let there = copies.get(&line).copied().unwrap_or(0);
        *expected.entry(line).or_default() += count.saturating_sub(there);
    }
    expected.retain(|_, count| *count > 0);
    assert_eq!(lines(&once), expected, "every line once, none invented");

    // The machine was stopped before the old log was removed; part of what was written is there.
    let left = log.len() + usize::from(input.cut) % (once.len() - log.len() + 1);
    folder.write(LOG, &once[..left]);
    folder.link("again", PREVIOUS);
    folder.write(CHECKPOINT, &checkpoint);
    let twice = recover(&folder);
    // A line that was cut stays as a malformed one, or, if another line has the same text, stands for that.
    let torn = once[..left].rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    let whole = once.get(left).is_none_or(|&byte| byte == b'\n');
    let mut found = lines(&twice);
    if !torn.is_empty() && !whole && left > log.len() {
        let copies = found.remove(torn).unwrap_or(0);
        let wanted = expected.remove(torn).unwrap_or(0);
        assert!(copies == wanted + 1 || copies == wanted && wanted > 0, "the line that was cut");
    }
    assert_eq!(found, expected, "the second time");

    let event = b"{\"eventId\":\"new\"}\n";
    folder.store().append(event.to_vec(), OnFault::Refuse, Durability::Process).expect("writable");
    let torn = twice.last().is_some_and(|&byte| byte != b'\n');
    assert_eq!(folder.read(LOG), [twice.as_slice(), if torn { b"\n" } else { b"" }, event].concat());
});
