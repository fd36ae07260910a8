//! The events of a task are the same whichever way they are found: by a search of the text, by the columns, in sequence.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![expect(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;
use store::disk::folder::RealFolder;
use store::{Query, Reader, Store};

const LOG: &str = "events.ndjson";

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, log: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("guidance-ledger-task-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join(LOG), log).unwrap();
        Self(path)
    }

    fn store(&self) -> Arc<Store> {
        Store::alone(Arc::new(RealFolder::new(&self.0)))
    }

    /// What each line is to a program that reads all of them.
    fn naive(&self, query: &Query) -> Vec<Value> {
        let log = fs::read(self.0.join(LOG)).unwrap();
        log.split(|&byte| byte == b'\n')
            .filter_map(|line| serde_json::from_str::<Value>(&String::from_utf8_lossy(line)).ok())
            .filter(|event| is_wanted(event, query))
            .collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What a reader gives, as JavaScript filters it.
fn found(store: &Arc<Store>, query: &Query, by_columns: bool) -> Vec<Value> {
    let mut reader = Reader::new(Arc::clone(store), query.clone(), by_columns);
    let mut events = Vec::new();
    while let Some(slice) = reader.next_slice().unwrap() {
        // Bytes that are not UTF-8 are replaced on the way to JavaScript.
        let slice: Vec<Value> = serde_json::from_str(&String::from_utf8_lossy(&slice)).unwrap();
        events.extend(slice.into_iter().filter(|event| is_wanted(event, query)));
    }
    events
}

/// As JavaScript compares.
fn is_wanted(event: &Value, query: &Query) -> bool {
    let task = event.get("taskId").and_then(Value::as_str).map(str::as_bytes);
    let time = event.get("timestamp").and_then(Value::as_f64);
    task == query.task.as_deref()
        && query.from.is_none_or(|from| time.is_some_and(|time| time >= from))
        && query.to.is_none_or(|to| time.is_some_and(|time| time <= to))
}

/// Whether the process has the columns of the log.
fn has_columns(store: &Arc<Store>) -> bool {
    let query = Query { from: Some(5.0), to: Some(10.0), task: None };
    Reader::new(Arc::clone(store), query, true).slice_at_once().unwrap().is_some()
}

/// Numbers that look random: `SplitMix64`.
fn below(state: &mut u64, limit: u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (z ^ (z >> 31)) % limit
}

/// Ways in which `t/1` and others may stand in a log, and some in which they are not meant.
const TASKS: [&[u8]; 14] = [
    br#""taskId":"t/1""#,
    br#""taskId":"t\/1""#,
    br#""taskId":"\u0074/1""#,
    br#""taskId":"plain""#,
    br#""taskId":"pl\u0061in""#,
    br#""task\u0049d":"plain""#,
    br#""taskId":"plain","taskId":"t/1""#,
    br#""taskId":"t/1","taskId":"plain""#,
    br#""taskId":"other","x":"plain t/1""#,
    br#""taskId":["plain"]"#,
    br#""taskId":"line\nend""#,
    br#""taskId":"line\u000aend""#,
    b"\"taskId\":\"pl\xFFain\"",
    "\"taskId\":\"Ünï\"".as_bytes(),
];
const ASKED: [&str; 8] = ["t/1", "plain", "line\nend", "Ünï", "pl\u{FFFD}ain", "other", "absent", ""];

fn log(seed: u64, lines: u64) -> Vec<u8> {
    let mut state = seed;
    let mut log = Vec::new();
    for line in 0..lines {
        match below(&mut state, 50) {
            0 => log.extend_from_slice(b"plain t/1 no event\n"),
            1 => log.extend_from_slice(b"\r\n"),
            _ => {
                let place = usize::try_from(below(&mut state, TASKS.len() as u64)).unwrap();
                let filler = "y".repeat(usize::try_from(below(&mut state, 900)).unwrap());
                log.extend_from_slice(format!("{{\"eventId\":\"{line}\",\"timestamp\":{line},").as_bytes());
                log.extend_from_slice(TASKS.get(place).unwrap());
                log.extend_from_slice(format!(",\"filler\":\"{filler}\"}}\n").as_bytes());
            }
        }
    }
    log
}

fn expect_the_same(folder: &Folder) {
    for task in ASKED {
        let query = Query { from: None, to: None, task: Some(task.into()) };
        let naive = folder.naive(&query);
        let store = folder.store();
        assert_eq!(found(&store, &query, false), naive, "{task:?}, in sequence");
        assert_eq!(found(&store, &query, true), naive, "{task:?}, by a search");
        assert_eq!(found(&store, &query, true), naive, "{task:?}, by the columns");
        let timed = Query { from: Some(1000.0), to: Some(2000.0), ..query };
        assert_eq!(found(&store, &timed, false), folder.naive(&timed), "{task:?}, in sequence, of a time");
    }
}

#[test]
fn however_a_task_is_written() {
    expect_the_same(&Folder::new("written", &log(1, 6000)));
    expect_the_same(&Folder::new("few", &log(2, 20)));
    expect_the_same(&Folder::new("none", b""));
}

#[test]
fn long_lines_and_a_line_without_its_end() {
    let mut text = log(3, 40);
    for filler in [1 << 20, (1 << 20) - 30, 5 << 20] {
        text.extend_from_slice(
            format!("{{\"x\":\"{}\",\"taskId\":\"plain\"}}\n", "z".repeat(filler)).as_bytes(),
        );
        text.extend_from_slice(format!("{}plain\n", "z".repeat(filler)).as_bytes());
        text.extend_from_slice(b"{\"taskId\":\"plain\"}\n");
    }
    text.extend_from_slice(b"{\"taskId\":\"plain\",\"last\":true}");
    expect_the_same(&Folder::new("long", &text));
}

#[test]
fn the_first_question_of_a_process_is_searched_for_and_the_second_is_not() {
    let folder = Folder::new("searched", &log(4, 6000));
    let store = folder.store();
    let query = Query { from: None, to: None, task: Some(b"plain".to_vec()) };
    assert!(!has_columns(&store));
    let first = found(&store, &query, true);
    assert!(!has_columns(&store), "a search needs none");
    assert_eq!(found(&store, &query, true), first);
    assert!(has_columns(&store));
}
