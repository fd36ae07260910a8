//! The line scanner against its naive twin, on any bytes: the same verdict, the same fields, no panic.
//!
//! One scanner judges all inputs, so that what one line leaves in its buffers meets the next.

#![no_main]

#[path = "../../tests/support/line_twin.rs"]
mod line_twin;

use std::cell::RefCell;

use guidance_ledger::engine::line::Scanner;
use guidance_ledger::engine::text::{decode_json_str, parse_json_string, write_json_string};
use libfuzzer_sys::fuzz_target;

thread_local! {
    static SCANNER: RefCell<Scanner> = RefCell::new(Scanner::new());
}

fuzz_target!(|line: &[u8]| {
    let described = SCANNER.with_borrow_mut(|scanner| line_twin::describe(scanner, line));
    if let Some(naive) = line_twin::describe_naively(line) {
        assert_eq!(described, naive);
    }

    let decoded = decode_json_str(line);
    let mut written = Vec::new();
    write_json_string(&decoded, &mut written);
    assert_eq!(parse_json_string(&written).as_deref(), Some(&*decoded));
});
