//! The hash of the instruction files in force, by which metrics tell whether a change of guidance helped.
//!
//! SHA-256 over `CLAUDE.md`, `CLAUDE.local.md` and `AGENTS.md` of the project's root, in this order, each with its name
//! and length; the first sixteen hexadecimal digits. A file that is missing is left out; without any the hash is `none`.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

/// The files, in the order in which they are hashed.
const FILES: [&str; 3] = ["CLAUDE.md", "CLAUDE.local.md", "AGENTS.md"];
/// The most that is read of each.
const LONGEST: u64 = 1 << 20;
/// Bytes of the hash that are kept.
const KEPT: usize = 8;

/// The hash of a project's guidance.
pub(crate) fn guidance_hash(root: &Path) -> String {
    let mut hasher = Sha256::new();
    let mut any = false;
    for name in FILES {
        let mut content = Vec::new();
        let opened =
            File::open(root.join(name)).and_then(|file| file.take(LONGEST).read_to_end(&mut content));
        if opened.is_err() {
            continue;
        }
        any = true;
        hasher.update(format!("{name}\n{}\n", content.len()));
        hasher.update(&content);
    }
    if !any {
        return "none".to_owned();
    }
    let digits =
        |byte: &u8| [byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or('0'));
    hasher.finalize().iter().take(KEPT).flat_map(digits).collect()
}
