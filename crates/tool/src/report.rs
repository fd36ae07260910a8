//! Where output goes: data to stdout, all else to stderr.
//!
//! Invariant: stdout holds nothing but data, in blocks, and memory stays bounded however slow the reader is. A reader
//! that goes away ends the work quietly.

use std::io::{self, BufWriter, Stdout, Write};

use crate::exit::{Failure, Result};
use crate::text::safe::push_json;

const BLOCK: usize = 64 << 10;

/// Says something on stderr. Nothing is left to be done if stderr is closed.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Data for stdout.
pub(crate) struct Output(BufWriter<Stdout>);

impl Output {
    pub(crate) fn new() -> Self {
        Self(BufWriter::with_capacity(BLOCK, io::stdout()))
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.write_all(bytes).map_err(|error| failed(&error))
    }

    /// One line of text, which is fit to be shown.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// One line of JSON, made harmless.
    pub(crate) fn json(&mut self, text: &[u8]) -> Result<()> {
        let mut line = Vec::with_capacity(text.len() + 1);
        push_json(text, &mut line);
        line.push(b'\n');
        self.bytes(&line)
    }

    /// Gives all of it to the reader.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.0.flush().map_err(|error| failed(&error))
    }
}

fn failed(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::BrokenPipe {
        return Failure::ReaderGone;
    }
    Failure::io("write", std::path::Path::new("stdout"), error)
}
