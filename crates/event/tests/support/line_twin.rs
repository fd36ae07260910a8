//! The line scanner's naive twin, and the form in which the two, and V8, are compared.
//!
//! The twin decodes the line, parses it by recursion into a tree, and looks the fields up in the tree. It shares
//! nothing with the scanner.

use std::fmt::Write as _;

use event::line::{Line, Scanner, Task};
use event::text::write_json_string;

/// What a line is, as text: `blank`, `malformed`, or `event` and, each after a tab, the id, the bits of timestamp
/// and rework lines, the violations, the task, and the JSON text of a task that is no string.
pub(crate) fn describe(scanner: &mut Scanner, line: &[u8]) -> String {
    let event = match scanner.scan(line) {
        Line::Blank => return "blank".into(),
        Line::Malformed => return "malformed".into(),
        Line::Event(event) => event,
    };
    let mut violations = None;
    if let Some(list) = event.violations {
        assert_eq!(list.len(), list.iter().count());
        violations =
            Some(list.iter().map(|entry| (quote(&entry.rule.decode()), entry.corrected)).collect::<Vec<_>>());
    }
    let task = match event.task {
        Task::Missing => "-\t".into(),
        Task::Str(task) => quote(&task.decode()) + "\t",
        Task::Other(json) => format!("other\t{}", String::from_utf8_lossy(json)),
    };
    let id = event.id.map(|id| quote(&id.decode()));
    form(id, event.timestamp, event.rework, violations, &task)
}

fn quote(wtf8: &[u8]) -> String {
    let mut out = Vec::new();
    write_json_string(wtf8, &mut out);
    String::from_utf8(out).expect("write_json_string writes UTF-8")
}

fn form(
    id: Option<String>,
    timestamp: Option<f64>,
    rework: Option<f64>,
    violations: Option<Vec<(String, bool)>>,
    task: &str,
) -> String {
    let bits = |number: Option<f64>| number.map_or("-".into(), |number| format!("{:x}", number.to_bits()));
    let list = |list: Vec<(String, bool)>| {
        let entries: Vec<_> = list.iter().map(|(rule, corrected)| format!("{rule}:{corrected}")).collect();
        format!("[{}]", entries.join(","))
    };
    let id = id.unwrap_or("-".into());
    let violations = violations.map_or("-".into(), list);
    format!("event\t{id}\t{}\t{}\t{violations}\t{task}", bits(timestamp), bits(rework))
}

/// As [`describe`], without the scanner. `None` if the line is nested too deeply for recursion, or so long that the
/// standard library may misread a number in it.
pub(crate) fn describe_naively(line: &[u8]) -> Option<String> {
    if line.len() > 60_000 {
        return None;
    }
    let text = String::from_utf8_lossy(line);
    let text: Vec<char> = text.trim_matches(is_white).chars().collect();
    if text.is_empty() {
        return Some("blank".into());
    }
    let mut parser = Parser { text: &text, at: 0 };
    let members = match parser.value(0) {
        Err(Failure::TooDeep) => return None,
        Ok(Json::Object(members)) if parser.at == text.len() => members,
        _ => return Some("malformed".into()),
    };
    let number = |name| match find(&members, name) {
        Some((Json::Number(number), _)) => Some(*number),
        _ => None,
    };
    let id = match find(&members, "eventId") {
        Some((Json::Text(id), _)) => Some(stringify(id)),
        _ => None,
    };
    let task = match find(&members, "taskId") {
        None => "-\t".into(),
        Some((Json::Text(task), _)) => stringify(task) + "\t",
        Some((_, json)) => format!("other\t{json}"),
    };
    let violations = match find(&members, "violations") {
        Some((Json::List(list), _)) => list.iter().map(violation).collect(),
        _ => None,
    };
    Some(form(id, number("timestamp"), number("reworkLines"), violations, &task))
}

fn is_white(character: char) -> bool {
    // Unicode's White_Space with the byte order mark and without U+0085.
    (character.is_whitespace() || character == '\u{FEFF}') && character != '\u{85}'
}

fn violation(entry: &Json) -> Option<(String, bool)> {
    let Json::Object(members) = entry else { return None };
    let Some((Json::Text(rule), _)) = find(members, "ruleId") else { return None };
    match find(members, "autoCorrected") {
        None => Some((stringify(rule), false)),
        Some((Json::Bool(corrected), _)) => Some((stringify(rule), *corrected)),
        Some(_) => None,
    }
}

fn find<'a>(members: &'a [Member], name: &str) -> Option<(&'a Json, &'a str)> {
    let name: Vec<u16> = name.encode_utf16().collect();
    members.iter().rev().find(|member| member.key == name).map(|member| (&member.value, member.text.as_str()))
}

fn stringify(units: &[u16]) -> String {
    let mut out = String::from("\"");
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok('"') => out.push_str("\\\""),
            Ok('\\') => out.push_str("\\\\"),
            Ok('\u{8}') => out.push_str("\\b"),
            Ok('\u{C}') => out.push_str("\\f"),
            Ok('\n') => out.push_str("\\n"),
            Ok('\r') => out.push_str("\\r"),
            Ok('\t') => out.push_str("\\t"),
            Ok(control @ '\0'..' ') => escape(u32::from(control), &mut out),
            Ok(character) => out.push(character),
            Err(lone) => escape(u32::from(lone.unpaired_surrogate()), &mut out),
        }
    }
    out + "\""
}

fn escape(unit: u32, out: &mut String) {
    write!(out, "\\u{unit:04x}").expect("a String takes all");
}

enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(Vec<u16>),
    List(Vec<Json>),
    Object(Vec<Member>),
}

struct Member {
    key: Vec<u16>,
    value: Json,
    text: String,
}

enum Failure {
    Malformed,
    TooDeep,
}

struct Parser<'a> {
    text: &'a [char],
    at: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Result<char, Failure> {
        let character = self.peek().ok_or(Failure::Malformed)?;
        self.at += 1;
        Ok(character)
    }

    fn expect(&mut self, wanted: &str) -> Result<(), Failure> {
        for character in wanted.chars() {
            if self.next()? != character {
                return Err(Failure::Malformed);
            }
        }
        Ok(())
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json, Failure> {
        if depth > 200 {
            return Err(Failure::TooDeep);
        }
        match self.peek() {
            Some('n') => self.expect("null").map(|()| Json::Null),
            Some('t') => self.expect("true").map(|()| Json::Bool(true)),
            Some('f') => self.expect("false").map(|()| Json::Bool(false)),
            Some('"') => self.string().map(Json::Text),
            Some('[') => {
                let mut list = Vec::new();
                self.sequence(']', |parser| {
                    list.push(parser.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::List(list))
            }
            Some('{') => {
                let mut members = Vec::new();
                self.sequence('}', |parser| {
                    let key = parser.string()?;
                    parser.space();
                    parser.expect(":")?;
                    parser.space();
                    let start = parser.at;
                    let value = parser.value(depth + 1)?;
                    members.push(Member { key, value, text: parser.text[start..parser.at].iter().collect() });
                    Ok(())
                })?;
                Ok(Json::Object(members))
            }
            _ => self.number(),
        }
    }

    fn sequence(
        &mut self,
        end: char,
        mut element: impl FnMut(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.next()?;
        self.space();
        if self.peek() == Some(end) {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.space();
            element(self)?;
            self.space();
            match self.next()? {
                ',' => {}
                last if last == end => return Ok(()),
                _ => return Err(Failure::Malformed),
            }
        }
    }

    fn string(&mut self) -> Result<Vec<u16>, Failure> {
        self.expect("\"")?;
        let mut units = Vec::new();
        loop {
            match self.next()? {
                '"' => return Ok(units),
                '\0'..' ' => return Err(Failure::Malformed),
                '\\' => units.push(match self.next()? {
                    'b' => 8,
                    'f' => 12,
                    'n' => 10,
                    'r' => 13,
                    't' => 9,
                    'u' => {
                        let mut unit = 0;
                        for _ in 0..4 {
                            let digit = self.next()?.to_digit(16).ok_or(Failure::Malformed)?;
                            unit = unit * 16 + u16::try_from(digit).expect("a digit is below 16");
                        }
                        unit
                    }
                    same @ ('"' | '\\' | '/') => same as u16,
                    _ => return Err(Failure::Malformed),
                }),
                character => units.extend_from_slice(character.encode_utf16(&mut [0; 2])),
            }
        }
    }

    fn number(&mut self) -> Result<Json, Failure> {
        let start = self.at;
        if self.peek() == Some('-') {
            self.at += 1;
        }
        match self.next()? {
            '0' => {}
            '1'..='9' => self.digits(),
            _ => return Err(Failure::Malformed),
        }
        if self.peek() == Some('.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.peek(), Some('e' | 'E')) {
            self.at += 1;
            if matches!(self.peek(), Some('+' | '-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        let text: String = self.text[start..self.at].iter().collect();
        text.parse().map(Json::Number).map_err(|_| Failure::Malformed)
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|character| character.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Failure> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(Failure::Malformed) } else { Ok(()) }
    }
}
