//! The line scanner against its naive twin, on any bytes: the same verdict, the same fields, no panic.
//!
//! Half of the inputs are a seed for a hostile line, as `crates/event/tests/line_v8.rs` makes them, and bytes to put into it: it takes
//! bytes alone too long to become JSON. One scanner judges all inputs, so that what one line leaves in its buffers meets
//! the next.

#![no_main]

#[allow(dead_code, reason = "the lines made by hand are for the test")]
#[path = "../../crates/event/tests/support/hostile_lines.rs"]
mod hostile_lines;
#[path = "../../crates/event/tests/support/line_twin.rs"]
mod line_twin;

use std::cell::RefCell;

use event::line::Scanner;
use event::text::{decode_json_str, parse_json_string, write_json_string};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SCANNER: RefCell<Scanner> = RefCell::new(Scanner::new());
}

/// The line that an input stands for.
fn line(input: &[u8]) -> Vec<u8> {
    let Some((kind, rest)) = input.split_first() else { return Vec::new() };
    let (true, Some((seed, inserted))) = (kind % 2 == 1, rest.split_first_chunk()) else {
        return rest.to_vec();
    };
    let seed = u64::from_le_bytes(*seed);
    let mut line = hostile_lines::line(&mut hostile_lines::Random(seed));
    let at = usize::from(*kind) * line.len() / 256;
    line.splice(at..at, inserted.iter().copied());
    line
}

fuzz_target!(|input: &[u8]| {
    let line = line(input);
    let line = line.as_slice();
    let described = SCANNER.with_borrow_mut(|scanner| line_twin::describe(scanner, line));
    if let Some(naive) = line_twin::describe_naively(line) {
        assert_eq!(described, naive);
    }

    let decoded = decode_json_str(line);
    let mut written = Vec::new();
    write_json_string(&decoded, &mut written);
    assert_eq!(parse_json_string(&written).as_deref(), Some(&*decoded));
});
