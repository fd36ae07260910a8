//! A fresh process that asks for a range of time reads only the blocks that the checkpoint names, and finds what one
//! that reads all finds, whatever became of the checkpoint and of the log.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use store::disk::folder::RealFolder;
use store::{Durability, OnFault, Query, Reader, Store};

const LOG: &str = "events.ndjson";
const CHECKPOINT: &str = ".events.ckpt";
/// Where the blocks stand in the checkpoint.
const BLOCKS: usize = 512 << 10;
const LINES: u32 = 12_000;

type Harm = fn(&mut Vec<u8>);

struct Folder(PathBuf);

impl Folder {
    /// A log of six megabytes, whose times go up with some disorder, and its checkpoint.
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("guidance-ledger-times-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let folder = Self(path);
        folder.write(LOG, lines(0, f64::from).as_bytes());
        folder.append("{\"eventId\":\"first\",\"timestamp\":5}\n");
        folder
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.join(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.0.join(name)).unwrap()
    }

    fn store(&self) -> Arc<Store> {
        Store::alone(Arc::new(RealFolder::new(&self.0)))
    }

    /// What a process appends that brings the checkpoint up to date.
    fn append(&self, line: &str) {
        let store = self.store();
        store.append(line.as_bytes().to_vec(), OnFault::Refuse, Durability::Process).unwrap();
        store.flush(Durability::Process, &store.caller()).unwrap();
    }

    /// The ids of what a fresh process finds.
    fn found(&self, from: f64, to: f64, by_columns: bool) -> Vec<String> {
        let query = Query { from: Some(from), to: Some(to), task: None };
        let mut reader = Reader::new(self.store(), query, by_columns);
        let mut ids = Vec::new();
        while let Some(slice) = reader.next_slice().unwrap() {
            let events: Vec<serde_json::Value> = serde_json::from_slice(&slice).unwrap();
            ids.extend(events.iter().map(|event| event["eventId"].as_str().unwrap().to_owned()));
        }
        ids
    }

    /// Both ways of reading give what a look at each line gives.
    fn expect_right(&self, what: &str) {
        for (from, to) in
            [(5.0, 5.0), (100.0, 140.0), (6000.0, 6010.0), (11_990.0, 1e9), (-1.0, 0.0), (2e9, 3e9)]
        {
            let log = String::from_utf8(self.read(LOG)).unwrap();
            let naive: Vec<String> = log
                .lines()
                .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
                .filter(|event| event["timestamp"].as_f64().is_none_or(|time| time >= from && time <= to))
                .map(|event| event["eventId"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(self.found(from, to, true), naive, "{what}: [{from}, {to}], by columns");
            assert_eq!(self.found(from, to, false), naive, "{what}: [{from}, {to}], in sequence");
        }
    }

    /// How many blocks the newer slot counts.
    fn counted(&self) -> u32 {
        let bytes = self.read(CHECKPOINT);
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let newer = if number(8) > number(256 + 8) { 0 } else { 256 };
        number(newer + 152)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn lines(first: u32, time: impl Fn(u32) -> f64) -> String {
    let mut text = String::new();
    for line in first..first + LINES {
        let time = match line % 4000 {
            // Only JavaScript can tell whether it lies in a range.
            3000 => "\"none\"".to_owned(),
            _ => (time(line) + f64::from(line * 7919 % 41) - 20.0).to_string(),
        };
        let filler = "x".repeat(480);
        let _ = writeln!(text, "{{\"eventId\":\"{line}\",\"timestamp\":{time},\"x\":\"{filler}\"}}");
    }
    text
}

#[test]
fn a_range_is_found_by_blocks() {
    let folder = Folder::new("found");
    assert_eq!(folder.counted(), 5);
    folder.expect_right("as it is");
    folder.append("{\"eventId\":\"later\",\"timestamp\":120}\n");
    folder.append("{\"eventId\":\"odd\",\"timestamp\":\"none\"}\n");
    folder.expect_right("after appends");
    folder.write(LOG, &[folder.read(LOG), b"{\"eventId\":\"torn\",\"timestamp\":6005}".to_vec()].concat());
    folder.expect_right("with an unterminated event");
}

#[test]
fn blocks_are_read_that_may_match_and_no_others() {
    let folder = Folder::new("read");
    let log = folder.read(LOG);
    // What is outside the blocks that match is never looked at: a change there, of the same length, is not seen.
    let harmed =
        String::from_utf8(log.clone()).unwrap().replacen("\"eventId\":\"6005\"", "\"eventId\":\"6OO5\"", 1);
    let file = fs::OpenOptions::new().write(true).open(folder.0.join(LOG)).unwrap();
    let modified = file.metadata().unwrap().modified().unwrap();
    std::io::Write::write_all(&mut &file, harmed.as_bytes()).unwrap();
    file.set_modified(modified).unwrap();
    let read = |from, to| folder.found(from, to, true).contains(&"6OO5".to_owned());
    assert_eq!((read(5900.0, 6100.0), read(100.0, 140.0)), (true, false));
    folder.expect_right("changed in place");
}

#[test]
fn a_damaged_checkpoint_is_no_danger() {
    let folder = Folder::new("damaged");
    let whole = folder.read(CHECKPOINT);
    let harms: [(&str, Harm); 6] = [
        ("a block's end", |bytes| bytes[BLOCKS] ^= 1),
        ("a block's oldest", |bytes| {
            bytes[BLOCKS + 8..BLOCKS + 16].copy_from_slice(&1e300_f64.to_le_bytes());
        }),
        ("cut", |bytes| bytes.truncate(BLOCKS + 40)),
        ("cut before", |bytes| bytes.truncate(600)),
        ("a slot", |bytes| (bytes[160], bytes[256 + 160]) = (1, 1)),
        ("nothing", |bytes| bytes.clear()),
    ];
    for (what, harm) in harms {
        let mut bytes = whole.clone();
        harm(&mut bytes);
        folder.write(CHECKPOINT, &bytes);
        folder.expect_right(what);
        folder.append("{\"eventId\":\"next\",\"timestamp\":130}\n");
        folder.expect_right(what);
    }
}

#[test]
fn blocks_of_another_log_count_for_nothing() {
    let folder = Folder::new("other");
    // In place, as a program does that opens and truncates: the same inode.
    folder.write(LOG, lines(50_000, |line| f64::from(62_000 - line)).as_bytes());
    folder.expect_right("written anew in place");
    folder.append("{\"eventId\":\"next\",\"timestamp\":130}\n");
    folder.expect_right("after an append");
    folder.write("other", lines(0, |line| f64::from(LINES - line)).as_bytes());
    fs::rename(folder.0.join("other"), folder.0.join(LOG)).unwrap();
    folder.expect_right("replaced");
    let store = folder.store();
    store.compact(7000, &store.caller()).unwrap();
    assert_eq!(folder.counted(), 3);
    folder.expect_right("compacted");
}

#[test]
fn a_program_that_knows_no_blocks_leaves_a_log_that_is_read() {
    let folder = Folder::new("older");
    let mut bytes = folder.read(CHECKPOINT);
    for slot in bytes[..512].chunks_exact_mut(256) {
        slot[92] &= !8;
        slot[152..252].fill(0);
        let crc = crc32fast::hash(&slot[..252]);
        slot[252..].copy_from_slice(&crc.to_le_bytes());
    }
    folder.write(CHECKPOINT, &bytes);
    folder.expect_right("without blocks");
    folder.append("{\"eventId\":\"next\",\"timestamp\":130}\n");
    assert_eq!(folder.counted(), 0);
    folder.expect_right("after an append");
}
