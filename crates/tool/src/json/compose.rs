//! JSON objects in the making.
//!
//! Invariant: members stand in the order in which they were first set; each value is whole JSON text, kept byte for
//! byte.

use event::text::write_json_string;

use crate::text::numbers;

/// An object: names (as WTF-8) and JSON texts.
#[derive(Default, Clone)]
pub(crate) struct Object(Vec<(Vec<u8>, Vec<u8>)>);

impl Object {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Sets a member to a JSON text.
    pub(crate) fn raw(&mut self, name: &str, json: impl Into<Vec<u8>>) -> &mut Self {
        let json = json.into();
        match self.0.iter_mut().find(|(known, _)| known == name.as_bytes()) {
            Some((_, value)) => *value = json,
            None => self.0.push((name.as_bytes().to_vec(), json)),
        }
        self
    }

    pub(crate) fn string(&mut self, name: &str, text: &str) -> &mut Self {
        self.raw(name, string(text.as_bytes()))
    }

    pub(crate) fn number(&mut self, name: &str, number: f64) -> &mut Self {
        self.raw(name, numbers::json(number))
    }

    pub(crate) fn count(&mut self, name: &str, number: u64) -> &mut Self {
        self.raw(name, number.to_string())
    }

    /// A number, or null.
    pub(crate) fn maybe(&mut self, name: &str, number: Option<f64>) -> &mut Self {
        self.raw(name, number.map_or_else(|| "null".to_owned(), numbers::json))
    }

    pub(crate) fn boolean(&mut self, name: &str, value: bool) -> &mut Self {
        self.raw(name, if value { "true" } else { "false" })
    }

    pub(crate) fn object(&mut self, name: &str, object: &Self) -> &mut Self {
        self.raw(name, object.text())
    }

    /// The text, in one line.
    pub(crate) fn text(&self) -> Vec<u8> {
        let mut out = vec![b'{'];
        for (position, (name, value)) in self.0.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            write_json_string(name, &mut out);
            out.push(b':');
            out.extend_from_slice(value);
        }
        out.push(b'}');
        out
    }
}

/// A string's JSON text; `text` is WTF-8.
pub(crate) fn string(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 2);
    write_json_string(text, &mut out);
    out
}

/// An array of JSON texts.
pub(crate) fn array<T: AsRef<[u8]>>(items: impl IntoIterator<Item = T>) -> Vec<u8> {
    let mut out = vec![b'['];
    for (position, item) in items.into_iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item.as_ref());
    }
    out.push(b']');
    out
}
