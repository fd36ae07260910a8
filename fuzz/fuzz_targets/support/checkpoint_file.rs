//! `.events.ckpt` as its layout says, written without the engine: random bytes would never get past the checksum.

/// Length of a slot.
pub const SLOT: usize = 256;
/// Where a slot counts its events.
#[allow(dead_code, reason = "each target uses its part")]
pub const EVENTS: usize = 64;
const CHECKSUM: usize = SLOT - 4;
const HAS_REWRITE: u32 = 4;

/// Writes numbers into a slot and makes its checksum right.
pub fn forge(slot: &mut [u8], changes: &[(usize, u64)]) {
    for &(at, number) in changes {
        slot[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    let checksum = crc32fast::hash(&slot[..CHECKSUM]);
    slot[CHECKSUM..SLOT].copy_from_slice(&checksum.to_le_bytes());
}

/// A checkpoint without sums that knows of a rewrite: device, inode and birth of the old log, S, and where copies begin.
#[allow(dead_code, reason = "each target uses its part")]
pub fn of_rewrite(rewrite: [u64; 5]) -> Vec<u8> {
    let mut slot = vec![0; SLOT];
    slot[..4].copy_from_slice(b"GLCK");
    slot[4..8].copy_from_slice(&1_u32.to_le_bytes());
    slot[92..96].copy_from_slice(&HAS_REWRITE.to_le_bytes());
    let places = [104, 112, 120, 128, 136];
    let numbers: Vec<_> = places.into_iter().zip(rewrite).chain([(8, 1)]).collect();
    forge(&mut slot, &numbers);
    slot
}
