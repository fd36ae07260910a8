//! The line scanner against V8, and against its naive twin.
//!
//! Hostile lines are made from a seed and put before the scanner, the twin and, through `line_verdicts.js`, a
//! Node.js process. All three must say the same of every line. Another seed can be tried with
//! `LINE_SEED=<number>`.

#![expect(clippy::disallowed_methods, reason = "a test uses real files, threads and clocks")]
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "support/hostile_lines.rs"]
mod hostile_lines;
#[path = "support/line_twin.rs"]
mod line_twin;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::Command;

use event::line::{Line, Scanner, Task};
use hostile_lines::{Random, handmade, line};
use line_twin::{describe, describe_naively};

const LINES: usize = 30_000;

#[test]
fn scanner_twin_and_v8_say_the_same_of_hostile_lines() {
    let seed = std::env::var("LINE_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0x5EED_1E57);
    let mut random = Random(seed);
    let mut lines = handmade();
    lines.extend((0..LINES).map(|_| line(&mut random)));
    // The text of a task that is no string is a stretch of the line. It is right if V8 sees the same task in
    // a line made of it alone.
    let mut scanner = Scanner::new();
    let mut alone = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Line::Event(event) = scanner.scan(line)
            && let Task::Other(json) = event.task
        {
            alone.push((at, [b"{\"taskId\":", json, b"}"].concat()));
        }
    }
    let originals = lines.len();
    lines.extend(alone.iter().map(|(_, line)| line.clone()));

    let verdicts = ask_v8(&lines);
    assert_eq!(verdicts.len(), lines.len(), "V8 judged every line");
    let mut kinds = HashMap::new();
    for (line, verdict) in lines.iter().zip(&verdicts) {
        let tell = || format!("seed {seed}, line of {} bytes: {}", line.len(), shown(line));
        let described = describe(&mut scanner, line);
        if let Some(naive) = describe_naively(line) {
            assert_eq!(described, naive, "scanner (left) and twin, {}", tell());
        }
        assert_eq!(
            without_text_of_task(&described),
            without_text_of_task(verdict),
            "scanner (left) and V8, {}",
            tell()
        );
        *kinds.entry(described.split('\t').next().unwrap_or_default().to_owned()).or_insert(0_usize) += 1;
    }
    for ((at, line), verdict) in alone.iter().zip(&verdicts[originals..]) {
        let (task, original) = (text_of_task(verdict), text_of_task(&verdicts[*at]));
        assert_eq!(task, original, "task of seed {seed}, {}", shown(line));
    }

    // The lines are worth the name: a good part is accepted, a good part is not, each way of failing is met.
    assert!(
        kinds["event"] > LINES / 4 && kinds["malformed"] > LINES / 4 && kinds["blank"] > LINES / 200,
        "{kinds:?}"
    );
    let count =
        |wanted: fn(&[&str]) -> bool| verdicts.iter().filter(|verdict| wanted(&columns(verdict))).count();
    assert!(count(|parts| parts.len() > 1 && parts[1].contains("\\ud")) > 100, "ids with lone surrogates");
    assert!(count(|parts| parts.len() > 1 && parts[1].contains('\u{FFFD}')) > 100, "ids with broken bytes");
    assert!(count(|parts| parts.len() > 4 && parts[4].len() > 4) > 1_000, "violations");
    assert!(count(|parts| parts.len() > 5 && parts[5] == "other") > 500, "tasks that are no strings");
}

/// Splits what `describe` writes. The seventh column, the text of a task, is the only one that may contain
/// tabs.
fn columns(verdict: &str) -> Vec<&str> {
    verdict.splitn(7, '\t').collect()
}

fn without_text_of_task(verdict: &str) -> Vec<&str> {
    verdict.splitn(7, '\t').take(6).collect()
}

fn text_of_task(verdict: &str) -> Option<&str> {
    verdict.splitn(7, '\t').nth(6)
}

fn shown(line: &[u8]) -> String {
    line.get(..2_000).unwrap_or(line).escape_ascii().to_string()
}

fn ask_v8(lines: &[Vec<u8>]) -> Vec<String> {
    let mut hex = String::new();
    for line in lines {
        for byte in line {
            write!(hex, "{byte:02x}").expect("a String takes all");
        }
        hex.push('\n');
    }
    let path = std::env::temp_dir().join(format!("guidance-ledger-lines-{}", std::process::id()));
    fs::write(&path, hex).expect("the temporary folder can be written");
    let output = Command::new("node")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/support/line_verdicts.js"))
        .stdin(File::open(&path).expect("the file has just been written"))
        .output()
        .expect("node is on the PATH");
    fs::remove_file(&path).expect("the file can be removed");
    assert!(output.status.success(), "node failed: {}", String::from_utf8_lossy(&output.stderr));
    // Not `lines()`: that would cut a carriage return off. V8 writes none, but this should not hide it.
    let text = String::from_utf8(output.stdout).expect("V8 writes UTF-8");
    let mut verdicts: Vec<_> = text.split('\n').map(str::to_owned).collect();
    assert_eq!(verdicts.pop().as_deref(), Some(""));
    verdicts
}
