//! From the text of an event to its line in the log.
//!
//! Invariant: the event's own bytes stay as they are, numbers and escapes included. Only line ends outside strings go,
//! and `eventId` and `timestamp` are put in front if there are none.

use event::line::{Line, Scanner};

use crate::engine::{MAX_LINE, too_long};
use crate::json::compose::{Object, string};
use crate::json::value::Value;
use crate::text::times::now_ms;

/// A line, and its id as JSON text.
pub(crate) struct Complete {
    pub(crate) line: Vec<u8>,
    pub(crate) id: Vec<u8>,
}

/// The line of an event; refused with the reason if the text is not one.
pub(crate) fn complete(text: &[u8]) -> Result<Complete, String> {
    if text.len() > MAX_LINE {
        return Err(too_long(text.len()));
    }
    let mut scanner = Scanner::new();
    let text = match scanner.scan(text) {
        Line::Event(event) => event.text,
        Line::Blank => return Err("it is empty".to_owned()),
        Line::Malformed => {
            let json = crate::json::value::parse(text).is_some();
            return Err(if json { "not a JSON object" } else { "not JSON" }.to_owned());
        }
    };
    let found = Value(text);
    let (id, time) = (found.get(b"eventId"), found.get(b"timestamp"));
    let mut missing = Object::new();
    let id = id.map_or_else(
        || {
            let id = string(uuid::Uuid::new_v4().to_string().as_bytes());
            missing.raw("eventId", id.clone());
            id
        },
        |id| id.0.to_vec(),
    );
    if time.is_none() {
        missing.number("timestamp", now_ms());
    }
    // No string holds a raw line end, so each stands between values.
    let mut line: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let head = missing.text();
    if let Some(head) = head.strip_suffix(b"}").filter(|head| head.len() > 1) {
        let empty = found.members().next().is_none();
        let rest = line.get(1..).unwrap_or_default();
        line = [head, if empty { b"" } else { b"," }, rest].concat();
    }
    Ok(Complete { line, id })
}

#[cfg(test)]
mod tests {
    use super::complete;

    fn line(text: &str) -> Result<String, String> {
        complete(text.as_bytes()).map(|complete| String::from_utf8_lossy(&complete.line).into_owned())
    }

    #[test]
    fn a_complete_event_keeps_its_bytes() {
        for text in [
            r#"{"eventId":"a","timestamp":1,"n":738529527931269425,"x":[1e999,-0],"s":"\u0041\ud800"}"#,
            r#"{ "eventId" : null , "timestamp" : "soon" }"#,
        ] {
            assert_eq!(line(text).as_deref(), Ok(text));
        }
        assert_eq!(
            line("{\n  \"eventId\": \"a\",\r\n  \"timestamp\": 1\n}\n"),
            Ok("{  \"eventId\": \"a\",  \"timestamp\": 1}".into())
        );
    }

    #[test]
    fn what_is_missing_is_put_in_front() {
        let made = line(r#"{"taskId":"t"}"#).unwrap_or_default();
        assert!(made.starts_with("{\"eventId\":\"") && made.ends_with(",\"taskId\":\"t\"}"), "{made}");
        assert!(made.contains("\",\"timestamp\":1"), "{made}");
        let made = line(r#"{ "eventId":"e"}"#).unwrap_or_default();
        assert!(made.starts_with("{\"timestamp\":1") && made.ends_with(", \"eventId\":\"e\"}"), "{made}");
        assert!(line("{}").is_ok_and(|made| made.ends_with('}') && !made.contains(",}")));
    }

    #[test]
    fn what_is_not_an_event_is_refused() {
        assert_eq!(line("[1]"), Err("not a JSON object".into()));
        assert_eq!(line("{\"a\":"), Err("not JSON".into()));
    }
}
