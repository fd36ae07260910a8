//! `backup` and `restore`: the whole lines of a log as one file, and a log from it.
//!
//! Invariants: a backup holds the log as it was at one instant, byte for byte, lines that are not events included, and
//! half a line at the end left out; it is read again before it is called done. A restore never writes where events are.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::time::Duration;

use event::line::{Line, Scanner};
use sha2::{Digest, Sha256};

use crate::call::keeping::{BackupArgs, RestoreArgs};
use crate::context::Context;
use crate::engine::{Backup, Durability, Engine, LOG, StoreFile};
use crate::exit::{Exit, Failure, Result};
use crate::folder::shown;
use crate::json::compose::Object;
use crate::text::numbers::{bytes, counted, long};
use crate::whole_file::place_for_engine;

/// Bytes that are written at once.
const PIECE: u64 = 1 << 20;

/// What was written, and the hash of it.
#[derive(Default)]
struct Written {
    lines: u64,
    events: u64,
    bytes: u64,
    hash: Sha256,
}

impl Written {
    fn add(&mut self, scanner: &mut Scanner, line: &[u8]) {
        self.lines += 1;
        self.events += u64::from(matches!(scanner.scan(line), Line::Event(_)));
        self.bytes += long(line.len()) + 1;
        self.hash.update(line);
        self.hash.update(b"\n");
    }

    /// Fails if `found` is the hash of something else.
    fn must_be(&self, found: &Sha256, path: &Path) -> Result<()> {
        if self.hash.clone().finalize() == found.clone().finalize() {
            return Ok(());
        }
        let message = format!("{} does not hold what was written to it: check the disk", shown(path));
        Err(Failure::System(message))
    }
}

fn say(
    context: &mut Context,
    (lines, events, size): (u64, u64, u64),
    name: &str,
    path: &Path,
    verb: &str,
) -> Result<Exit> {
    if context.json {
        let mut said = Object::new();
        said.string(name, &path.to_string_lossy()).count("lines", lines).count("events", events);
        context.out.json(&said.count("bytes", size).text())?;
    } else {
        let (events, lines) = (counted(events, "event"), counted(lines, "line"));
        let size = bytes(size);
        context.out.line(&format!("{events} in {lines}, {size}, {verb} {}, and read again.", shown(path)))?;
    }
    context.out.flush()?;
    Ok(Exit::Done)
}

/// Writes a backup.
pub(crate) fn backup(mut context: Context, args: &BackupArgs) -> Result<Exit> {
    context.must_exist_with("--out FILE")?;
    let Some(place) = place_for_engine(&args.out, "--out", &context.folder)? else {
        let message = "--out must be a file, which is read again when it is written";
        return Err(Failure::usage(message, format!("{} --out FILE", context.call)));
    };
    // A link in the place of the log is refused by every command.
    StoreFile::open(&context.folder.path, LOG)?;
    let Backup { lines, events, bytes } = Engine::at(&context.folder.path).backup(&place, None)?;
    say(&mut context, (lines, events, bytes), "out", &args.out, "written to")
}

/// Makes a log from a backup.
pub(crate) fn restore(mut context: Context, args: &RestoreArgs) -> Result<Exit> {
    context.folder.not_a_file(&context.call)?;
    let file = File::open(&args.file).map_err(|error| Failure::io("open", &args.file, &error))?;
    if StoreFile::open(&context.folder.path, LOG)?.is_some() {
        let message =
            format!("{} holds a log already; a backup is restored into a new folder", context.folder.shown());
        return Err(Failure::usage(message, format!("{} {} --dir NEW", context.call, shown(&args.file))));
    }
    let engine = Engine::at(&context.folder.path);
    let lock = engine.lock(Duration::from_secs_f64(args.lock.lock_timeout / 1000.0))?;
    let restored = copy_in(&engine, BufReader::new(file), &args.file);
    let released = lock.release();
    let written = restored?;
    released?;
    let log = context.folder.file(LOG);
    if written.lines > 0 {
        written.must_be(&hash_of(&log)?, &log)?;
    }
    let folder = context.folder.path.clone();
    say(&mut context, (written.lines, written.events, written.bytes), "folder", &folder, "restored to")
}

/// Appends the whole lines of a file.
fn copy_in(engine: &Engine, mut source: impl BufRead, path: &Path) -> Result<Written> {
    let mut written = Written::default();
    let mut scanner = Scanner::new();
    let mut piece = Vec::new();
    loop {
        let start = piece.len();
        let failed = |error| Failure::io("read", path, &error);
        let read = source.read_until(b'\n', &mut piece).map_err(failed)?;
        if read > 0 {
            if piece.last() != Some(&b'\n') {
                piece.push(b'\n');
            }
            let line = piece.get(start..piece.len() - 1).unwrap_or_default();
            written.add(&mut scanner, line);
        }
        if !piece.is_empty() && (read == 0 || long(piece.len()) >= PIECE) {
            engine.append(std::mem::take(&mut piece), Durability::Process)?;
        }
        if read == 0 {
            break;
        }
    }
    if written.lines > 0 {
        engine.flush(Durability::Disk)?;
    }
    Ok(written)
}

/// The hash of a file's bytes.
fn hash_of(path: &Path) -> Result<Sha256> {
    let failed = |error| Failure::io("read", path, &error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 << 10];
    loop {
        match file.read(&mut buffer).map_err(failed)? {
            0 => return Ok(hash),
            read => hash.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}
