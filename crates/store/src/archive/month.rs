//! Taking an eviction that has happened into the file of its month.
//!
//! ```text
//! a  lock the archive
//! b  see which members of the eviction are in the month's files already: a process may have died at c or d
//! c  note how long the file is, fsync; append what is missing; write again what was there, fsync
//! d  fsync the folders; remove the eviction
//! ```
//!
//! A crash in c leaves a torn end. The next that locks the archive cuts it off, but only behind what was noted: there
//! it is a copy of what an eviction still holds. A file whose end is torn for another reason is left as it is, and the
//! month goes on in a file with a number.
//!
//! Invariant: a member is in the files of its month once. Doing this twice, or dying in the middle and doing it again,
//! changes nothing.

use std::collections::HashMap;
use std::io;
use std::time::Duration;

use crate::archive::eviction::Header;
use crate::archive::members::{Members, Stretch};
use crate::disk::bytes::{read_range, read_whole, write_all_at};
use crate::disk::{File, Open};
use crate::error::{Error, Obstacle, Result};
use crate::folder::Folder;
use crate::limits::{FOLDER_WAIT, INLINE_WAIT};
use crate::log::recovery::remove_drafts;
use crate::paths::{ARCHIVE, ARCHIVE_LOCK, EvictionState, archive_file, eviction_of, new_id, temporary};
use crate::wait::patience::{Caller, Patience, Pauses};

/// Pauses between two tries to lock an archive.
const PAUSES: Pauses = Pauses(Duration::from_millis(1), Duration::from_millis(20));
/// Length of what is noted in the lock's file: name, length, CRC.
const NOTE: usize = 64;
/// What is written at once to see whether there is room.
const ROOM: usize = 1 << 20;

/// Takes all evictions that have happened into their archives, one after the other, until one fails. What is left is
/// read where it is.
pub(crate) fn take_in_all(folder: &Folder, caller: &Caller) -> Result<()> {
    let names = folder.list().map_err(|error| Error::io("scandir", folder.path(), &error))?;
    for name in names.iter().filter(|name| matches!(eviction_of(name), Some((_, EvictionState::Happened)))) {
        let file = match folder.open(name, Open::Read) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened.map_err(|error| folder.failed("open", name, &error))?,
        };
        let header = Header::read(&*file).map_err(|error| folder.failed("read", name, &error))?;
        // Nothing of ours has such a name and such content; it is not ours to remove.
        let Some(header) = header else { continue };
        take_in(folder, name, &*file, &header, caller)?;
    }
    Ok(())
}

/// Makes the archive's folder, and a file in it: what cannot be archived is not evicted.
pub(crate) fn prepare(archive: &Folder) -> Result<()> {
    archive.create_folder().map_err(|error| Error::io("mkdir", archive.path(), &error))?;
    archive.open(ARCHIVE_LOCK, Open::Side).map_err(|error| archive.failed("open", ARCHIVE_LOCK, &error))?;
    Ok(())
}

/// Makes sure that there is room for so many bytes: what finds none is not evicted.
pub(crate) fn check_room(archive: &Folder, bytes: u64) -> Result<()> {
    let name = temporary(ARCHIVE, &new_id(archive.random()));
    let failed = |error: io::Error| archive.failed("write", &name, &error);
    let file = archive.open(&name, Open::New).map_err(failed)?;
    let blank = vec![0; ROOM];
    let mut written = Ok(());
    let mut position = 0;
    while position < bytes && written.is_ok() {
        let piece =
            blank.get(..usize::try_from(bytes - position).unwrap_or(ROOM).min(ROOM)).unwrap_or_default();
        written = write_all_at(&*file, piece, position);
        position += piece.len() as u64;
    }
    drop(file);
    match archive.remove(&name) {
        // Another process took it for a dead one's.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        removed => written = written.and(removed),
    }
    written.map_err(failed)
}

fn take_in(folder: &Folder, name: &str, file: &dyn File, header: &Header, caller: &Caller) -> Result<()> {
    let archive = header.place.folder(folder)?;
    prepare(&archive)?;
    let lock = lock(&archive, &archive.patience_of(caller, FOLDER_WAIT))?;
    let failed = |error: io::Error| Error::io("write", archive.path(), &error);
    // Another process may have taken it in while we waited.
    let there = folder.stat(name).map_err(|error| folder.failed("stat", name, &error))?;
    if there.is_none() {
        return Ok(());
    }
    drop(remove_drafts(&archive));
    append_once(&archive, &*lock, file, header).map_err(failed)?;
    let patience = folder.patience(INLINE_WAIT);
    archive.make_names_durable(&patience).map_err(|error| Error::io("fsync", archive.path(), &error))?;
    // The archive's own name may be new.
    folder.make_names_durable(&patience).map_err(|error| Error::io("fsync", folder.path(), &error))?;
    folder.remove(name).map_err(|error| folder.failed("unlink", name, &error))
}

fn lock(archive: &Folder, patience: &Patience) -> Result<Box<dyn File>> {
    let failed = |syscall| move |error: io::Error| archive.failed(syscall, ARCHIVE_LOCK, &error);
    let file = archive.open(ARCHIVE_LOCK, Open::Side).map_err(failed("open"))?;
    let time = &*archive.background().time;
    let attempt = || file.try_lock().map(|locked| locked.then_some(()));
    let locked = patience.poll(time, PAUSES, attempt).map_err(failed("flock"))?;
    match locked {
        Some(()) => Ok(file),
        None => Err(archive.busy(ARCHIVE_LOCK, patience, Obstacle::Process(file.lock_holder()))),
    }
}

/// A file of a month, walked through.
struct MonthFile {
    name: String,
    file: Box<dyn File>,
    /// Where its sound part ends.
    end: u64,
    /// Whether something is behind that, which a process that died was writing.
    torn: bool,
    /// Whether it may go on behind its end.
    usable: bool,
}

/// Members of an eviction by their number: which file they are in, and where.
type There = HashMap<u32, (usize, u64)>;

/// Steps b and c. The archive is locked.
fn append_once(archive: &Folder, lock: &dyn File, eviction: &dyn File, header: &Header) -> io::Result<()> {
    let (mut files, there) = files_of_month(archive, lock, header)?;
    let Some(target) = files.iter().rposition(|file| file.usable) else { return Ok(()) };
    if let Some(last) = files.get_mut(target) {
        if std::mem::take(&mut last.torn) {
            last.file.set_len(last.end)?;
        }
        note(lock, &last.name, last.end)?;
        lock.sync()?;
    }
    let mut touched = vec![target];
    let mut own = Members::new(header.size(), header.length);
    while let Some(stretch) = own.next(eviction)? {
        let Stretch::Member(at, head) = stretch else { return Err(io::ErrorKind::InvalidData.into()) };
        let member = read_whole(eviction, at, head.length as usize)?;
        // What is there is written again: after an fsync that failed, the kernel shows what the disk has not.
        let (place, at) = there.get(&head.number).copied().unzip();
        let place = place.unwrap_or(target);
        let Some(file) = files.get_mut(place) else { continue };
        let at = at.unwrap_or(file.end);
        write_all_at(&*file.file, &member, at)?;
        file.end = file.end.max(at + member.len() as u64);
        if !touched.contains(&place) {
            touched.push(place);
        }
    }
    for file in touched.into_iter().filter_map(|place| files.get(place)) {
        file.file.sync()?;
    }
    // All of it is sound now. Should this note be lost, the one before does no harm.
    files.get(target).map_or(Ok(()), |last| note(lock, &last.name, last.end))
}

/// The files of a month, one of which is usable, and what of the eviction is in them.
fn files_of_month(archive: &Folder, lock: &dyn File, header: &Header) -> io::Result<(Vec<MonthFile>, There)> {
    let noted = noted(lock);
    let (mut files, mut there): (Vec<MonthFile>, There) = (Vec::new(), HashMap::new());
    for number in 1.. {
        let name = archive_file(&header.month, number);
        let exists = archive.stat(&name)?;
        if exists.is_none() && files.iter().any(|file| file.usable) {
            break;
        }
        if exists.is_some_and(|stat| !stat.regular) {
            continue;
        }
        let file = archive.open(&name, Open::Side)?;
        // Behind this there is what the last process wrote, and nothing else.
        let copies = noted.as_ref().filter(|(noted, _)| *noted == name).map(|(_, end)| *end);
        let size = file.size()?;
        let mut month = MonthFile { name, file, end: size, torn: false, usable: true };
        let mut members = Members::new(0, size);
        while let Some(stretch) = members.next(&*month.file)? {
            month.usable = true;
            match stretch {
                Stretch::Member(at, head) if head.id == header.id => {
                    there.insert(head.number, (files.len(), at));
                }
                Stretch::Member(..) => {}
                Stretch::Gap(gap) if copies.is_some_and(|copies| copies <= gap.start) => {
                    month.end = gap.start;
                    month.torn = true;
                    break;
                }
                Stretch::Gap(_) => month.usable = false,
            }
        }
        files.push(month);
    }
    Ok((files, there))
}

/// Notes that everything behind `length` of a file is a copy of what an eviction holds.
fn note(lock: &dyn File, name: &str, length: u64) -> io::Result<()> {
    let mut note = name.as_bytes().to_vec();
    note.resize(NOTE - 12, 0);
    note.extend_from_slice(&length.to_le_bytes());
    note.extend_from_slice(&crc32fast::hash(&note).to_le_bytes());
    write_all_at(lock, &note, 0)
}

fn noted(lock: &dyn File) -> Option<(String, u64)> {
    let note = read_range(lock, 0, NOTE).ok()?;
    let (content, crc) = note.split_last_chunk::<4>()?;
    let (name, length) = content.split_last_chunk::<8>()?;
    let name = std::str::from_utf8(name).ok()?.trim_end_matches('\0');
    let sound = crc32fast::hash(content) == u32::from_le_bytes(*crc);
    sound.then(|| (name.to_owned(), u64::from_le_bytes(*length)))
}
