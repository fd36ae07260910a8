//! What a power cut leaves: any state of the medium that the file system's promises allow.
//!
//! | medium | folder | size of a file | pages below the synced size | pages above it |
//! |---|---|---|---|---|
//! | ext4, ordered | a prefix of the changes | after any of the writes | any version | as new as the size |
//! | XFS | a prefix of the changes | after any of the writes | any version | any version, but the last is as new as the size |
//! | worst POSIX | any subset; a rename may leave both names | after any of the writes | any version of each sector | the same |
//!
//! A page that was never written reads as zeros. What was synced is always there.

use std::collections::BTreeMap;

use super::disk::{Change, Disk, Key};
use super::inode::{Inode, PAGE, Unsynced, apply};
use super::random::Random;

/// Whose promises hold at a power cut.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Medium {
    Ext4,
    Xfs,
    Worst,
}

impl Medium {
    pub(crate) const ALL: [Self; 3] = [Self::Ext4, Self::Xfs, Self::Worst];

    /// What reaches the medium whole or not at all.
    fn unit(self) -> usize {
        if self == Self::Worst { 512 } else { PAGE }
    }
}

/// How much of what was not synced survives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Luck {
    Nothing,
    Everything,
    Some,
}

impl Luck {
    fn draw(random: &mut Random) -> Self {
        random.pick(&[Self::Nothing, Self::Everything, Self::Some, Self::Some, Self::Some])
    }
}

/// The disk as the next boot finds it.
pub(crate) fn surviving(disk: &Disk, medium: Medium, random: &mut Random) -> Disk {
    let names = surviving_names(disk, medium, random);
    let mut by_inode: BTreeMap<Key, Vec<&str>> = BTreeMap::new();
    for (name, key) in &names {
        by_inode.entry(*key).or_default().push(name);
    }
    let mut image = disk.empty_twin();
    for (key, names) in by_inode {
        let inode = &disk.inodes[key];
        image.put_survivor(&names, inode, surviving_content(inode, medium, random));
    }
    image
}

fn surviving_names(disk: &Disk, medium: Medium, random: &mut Random) -> BTreeMap<String, Key> {
    let mut names = disk.durable_names.clone();
    let luck = Luck::draw(random);
    let prefix = match luck {
        Luck::Nothing => 0,
        Luck::Everything => disk.changes.len(),
        Luck::Some if medium == Medium::Worst => disk.changes.len(),
        Luck::Some => random.below(disk.changes.len() + 1),
    };
    for change in &disk.changes[..prefix] {
        let subset = luck == Luck::Some && medium == Medium::Worst;
        if subset && random.one_in(2) {
            continue;
        }
        match change {
            Change::Add { name, key } => drop(names.insert(name.clone(), *key)),
            Change::Remove { name, key } => remove(&mut names, name, *key),
            Change::Exchange { one, other, keys } => {
                names.insert(one.clone(), keys.1);
                names.insert(other.clone(), keys.0);
            }
            Change::Rename { from, to, key } => {
                names.insert(to.clone(), *key);
                if !(subset && random.one_in(2)) {
                    remove(&mut names, from, *key);
                }
            }
        }
    }
    names
}

fn remove(names: &mut BTreeMap<String, Key>, name: &str, key: Key) {
    if names.get(name) == Some(&key) {
        names.remove(name);
    }
}

fn surviving_content(inode: &Inode, medium: Medium, random: &mut Random) -> Vec<u8> {
    let luck = Luck::draw(random);
    if inode.unsynced.is_empty() || luck == Luck::Nothing {
        return inode.durable.clone();
    }
    let versions = versions(inode);
    let newest = versions.len() - 1;
    if luck == Luck::Everything {
        return versions[newest].clone();
    }
    let unit = medium.unit();
    let sized = random.below(versions.len());
    let size = versions[sized].len();
    let mut content = inode.durable.clone();
    content.resize(size, 0);
    for page in inode.dirty_pages(unit) {
        let start = page * unit;
        let oldest = match medium {
            Medium::Ext4 if start >= inode.durable.len() => sized,
            Medium::Xfs if start + unit >= size => sized,
            _ => 0,
        };
        let version = &versions[random.between(oldest, newest)];
        let end = size.min(start + unit);
        if start < end {
            content[start..end].fill(0);
            let end = end.min(version.len()).max(start.min(version.len()));
            let start = start.min(end);
            content[start..end].copy_from_slice(&version[start..end]);
        }
    }
    content
}

/// The content after none, one, two, … of the unsynced writes.
fn versions(inode: &Inode) -> Vec<Vec<u8>> {
    let mut versions = vec![inode.durable.clone()];
    let mut content = inode.durable.clone();
    for change in &inode.unsynced {
        match change {
            Unsynced::Write { offset, bytes } => apply(&mut content, *offset, bytes),
            Unsynced::Resize(size) => content.resize(*size, 0),
        }
        versions.push(content.clone());
    }
    versions
}
