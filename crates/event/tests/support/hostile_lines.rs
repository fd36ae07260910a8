//! Makers of lines that a JSON scanner may get wrong: a fixed list, and as many by chance as wanted.

/// Lines that chance would hardly make.
pub(crate) fn handmade() -> Vec<Vec<u8>> {
    let deep = |open: &str, middle: &str, close: &str, depth: usize| {
        format!("{{\"taskId\":{}{middle}{},\"timestamp\":1}}", open.repeat(depth), close.repeat(depth))
            .into_bytes()
    };
    let mut lines = vec![
        deep("[", "", "]", 100_000),
        deep("{\"a\":", "0", "}", 100_000),
        deep("[{\"\":[", "null", "]}]", 30_000),
        deep("[", "", "}", 100_000),
        deep("{\"a\":[", "", "}]", 1_000),
        [b"{\"a\":".as_slice(), &b"[".repeat(100_000)].concat(),
    ];
    // One level too few, right, and one too many, around each word of the stack of brackets.
    for depth in 60..70 {
        for closed in depth - 1..=depth + 1 {
            for (open, close) in [("[", "]"), ("{\"k\":", "}")] {
                let text = format!("{{\"k\":{}1{}}}", open.repeat(depth), close.repeat(closed));
                lines.push(text.into_bytes());
            }
        }
        let mixed = |at: usize| if at.is_multiple_of(3) { ("{\"k\":", "}") } else { ("[", "]") };
        let open: String = (0..depth * 2).map(|at| mixed(at).0).collect();
        let close: String = (0..depth * 2).rev().map(|at| mixed(at).1).collect();
        lines.push(format!("{{\"k\":{open}1{close}}}").into_bytes());
        let shifted: String = (1..=depth * 2).rev().map(|at| mixed(at).1).collect();
        lines.push(format!("{{\"k\":{open}1{shifted}}}").into_bytes());
    }
    let zeros = "0".repeat(700_000);
    for number in [
        format!("0.{zeros}125e700002"),
        format!("125{zeros}e-700001"),
        format!("1{zeros}.{zeros}e-1"),
        "1e99999999999999999999".into(),
        "1e-99999999999999999999".into(),
        // Half-way cases, and what has to be read to the last digit to be told from one.
        "9007199254740993".into(),
        "9007199254740993.0000000000000000000000000000000000000000000000000000000000000000001".into(),
        "2.2250738585072011e-308".into(),
        "2.4703282292062327e-324".into(),
        "2.4703282292062328e-324".into(),
        "1.7976931348623158e308".into(),
        "1.7976931348623159e308".into(),
    ] {
        lines.push(format!("{{\"timestamp\":{number},\"reworkLines\":0}}").into_bytes());
        lines.push(format!("{{\"reworkLines\":-{number}}}").into_bytes());
    }
    // Every byte in every kind of place.
    for byte in 0..=255_u8 {
        for (before, after) in [
            (&b""[..], &b""[..]),
            (b"", b"{\"eventId\":\"a\"}"),
            (b"{\"eventId\":\"a\"}", b""),
            (b"{", b"\"eventId\":\"a\"}"),
            (b"{\"eventId\"", b":\"a\"}"),
            (b"{\"eventId\":", b"\"a\"}"),
            (b"{\"eventId\":\"a\"", b"}"),
            (b"{\"eventId\":\"", b"\"}"),
            (b"{\"eventId\":\"\\", b"\"}"),
            (b"{\"eventId\":\"\\u00", b"0\"}"),
            (b"{\"eventId\":\"abcdefghijkl", b"mn\"}"),
            (b"{\"timestamp\":1", b"}"),
            (b"{\"timestamp\":1", b"2}"),
            (b"{\"timestamp\":", b"1}"),
            (b"{\"taskId\":[", b"]}"),
            (b"{\"taskId\":[1", b"2]}"),
            (b"{\"taskId\":[1", b"}"),
            (b"{\"taskId\":{\"a\":1", b"}"),
            (b"{\"taskId\":t", b"ue}"),
            (b"{\"violations\":[", b"{\"ruleId\":\"r\"}]}"),
            (b"{\"violations\":[{\"ruleId\":\"r\"}", b"{\"ruleId\":\"s\"}]}"),
            (b"{\"violations\":[{\"ruleId\":\"r\",\"autoCorrected\":true", b"}]}"),
        ] {
            lines.push([before, &[byte], after].concat());
        }
    }
    lines
}

/// A line made by chance. Most of what the makers below append to `out` is valid JSON; this spoils a part of it.
pub(crate) fn line(random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    if random.one_in(4) {
        white_space(random, &mut out);
    }
    match random.below(20) {
        0 => json(random, 3, &mut out),
        1 => tokens(random, &mut out),
        2 => {}
        _ => event(random, &mut out),
    }
    if random.one_in(4) {
        white_space(random, &mut out);
    }
    if random.one_in(3) {
        for _ in 0..=random.below(3) {
            spoil(random, &mut out);
        }
    }
    out
}

fn spoil(random: &mut Random, line: &mut Vec<u8>) {
    const BYTES: &[u8] =
        b"\"\"\\\\{}[]:,,.-+0159eEutfn \t\n\r\x00\x0B\x1F\x7F\x80\xA0\xBF\xC2\xE2\xED\xEF\xF0\xFF";
    let at = random.below(line.len() + 1);
    let end = (at + random.below(8)).min(line.len());
    match random.below(7) {
        0 => line.insert(at, random.one_of(BYTES)),
        1 => line.truncate(at),
        2 => drop(line.drain(at..end)),
        3 => line.extend_from_within(at..end),
        4 => {
            let stretch = line[at..end].to_vec();
            let to = random.below(line.len() + 1);
            drop(line.splice(to..to, stretch));
        }
        kind => {
            if let Some(byte) = line.get_mut(at) {
                *byte = if kind == 5 { random.one_of(BYTES) } else { *byte ^ 1 << random.below(8) };
            }
        }
    }
}

fn tokens(random: &mut Random, out: &mut Vec<u8>) {
    const TOKENS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"eventId\"",
        "\"taskId\"",
        "\"\"",
        "0",
        "-1",
        "1e5",
        "true",
        "false",
        "null",
        " ",
        "\"",
        "tru",
        "nulll",
        "-",
        "01",
        "1.",
        "\u{FEFF}",
        "{\"violations\":[",
        "]}",
    ];
    for _ in 0..random.below(12) {
        out.extend_from_slice(random.one_of(TOKENS).as_bytes());
    }
}

fn event(random: &mut Random, out: &mut Vec<u8>) {
    const NAMES: &[&str] = &[
        "eventId",
        "taskId",
        "timestamp",
        "reworkLines",
        "violations",
        "intent",
        "__proto__",
        "toolsUsed",
        "",
        "eventid",
        "taskI",
    ];
    let count = random.below(9);
    sequence(random, *b"{}", count, out, |random, out| {
        let name = random.one_of(NAMES);
        key(random, name, out);
        match name {
            _ if random.one_in(6) => json(random, 3, out),
            "eventId" | "taskId" => string(random, out),
            "timestamp" | "reworkLines" => number(random, out),
            "violations" => violations(random, out),
            _ => json(random, 3, out),
        }
    });
}

fn violations(random: &mut Random, out: &mut Vec<u8>) {
    let count = random.below(4);
    sequence(random, *b"[]", count, out, |random, out| {
        if random.one_in(30) {
            return json(random, 1, out);
        }
        let mut count = random.below(4);
        if !random.one_in(20) {
            out.extend_from_slice(b"{\"ruleId\":");
            string(random, out);
            if count == 0 {
                return out.push(b'}');
            }
            out.push(b',');
        } else if count == 0 {
            count = 1;
            out.push(b'{');
        } else {
            out.push(b'{');
        }
        for at in 0..count {
            let name = random.one_of(&["ruleId", "autoCorrected", "autoCorrected", "severity", "__proto__"]);
            key(random, name, out);
            match name {
                _ if random.one_in(15) => json(random, 2, out),
                "ruleId" => string(random, out),
                "autoCorrected" => out.extend_from_slice(random.one_of(&["true", "false"]).as_bytes()),
                _ => json(random, 2, out),
            }
            out.push(if at + 1 == count { b'}' } else { b',' });
        }
    });
}

fn key(random: &mut Random, name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let escaped = random.one_in(6);
    for byte in name.bytes() {
        if escaped && random.one_in(3) {
            out.extend_from_slice(format!("\\u{byte:04x}").as_bytes());
        } else {
            out.push(byte);
        }
    }
    out.push(b'"');
    inner_space(random, out);
    out.push(b':');
    inner_space(random, out);
}

fn json(random: &mut Random, depth: usize, out: &mut Vec<u8>) {
    match random.below(if depth == 0 { 5 } else { 8 }) {
        0 => out.extend_from_slice(random.one_of(&["null", "true", "false"]).as_bytes()),
        1 => number(random, out),
        2..5 => string(random, out),
        5 => {
            let count = random.below(4);
            sequence(random, *b"{}", count, out, |random, out| {
                string(random, out);
                inner_space(random, out);
                out.push(b':');
                inner_space(random, out);
                json(random, depth - 1, out);
            });
        }
        _ => {
            let count = random.below(4);
            sequence(random, *b"[]", count, out, |random, out| json(random, depth - 1, out));
        }
    }
}

fn sequence(
    random: &mut Random,
    brackets: [u8; 2],
    count: usize,
    out: &mut Vec<u8>,
    mut element: impl FnMut(&mut Random, &mut Vec<u8>),
) {
    out.push(brackets[0]);
    inner_space(random, out);
    for at in 0..count {
        element(random, out);
        inner_space(random, out);
        if at + 1 < count {
            out.push(b',');
            inner_space(random, out);
        }
    }
    out.push(brackets[1]);
}

fn inner_space(random: &mut Random, out: &mut Vec<u8>) {
    while random.one_in(12) {
        out.push(random.one_of(b"    \t\r\r\n"));
    }
    if random.one_in(400) {
        white_space(random, out);
    }
}

/// White space of all kinds, and a little that looks like it.
fn white_space(random: &mut Random, out: &mut Vec<u8>) {
    const SPACES: &[&str] = &[
        " ", " ", "\t", "\r", "\r", "\n", "\u{B}", "\u{C}", "\u{A0}", "\u{1680}", "\u{2000}", "\u{2005}",
        "\u{200A}", "\u{2028}", "\u{2029}", "\u{202F}", "\u{205F}", "\u{3000}", "\u{FEFF}", "\u{FEFF}",
    ];
    const OTHERS: &[&[u8]] = &[
        "\u{85}".as_bytes(),
        "\u{200B}".as_bytes(),
        "\u{180E}".as_bytes(),
        "\u{2060}".as_bytes(),
        b"\0",
        b"\xA0",
        b"\xE2\x80",
        b"\xC2",
    ];
    for _ in 0..=random.below(3) {
        out.extend_from_slice(random.one_of(SPACES).as_bytes());
    }
    if random.one_in(20) {
        out.extend_from_slice(random.one_of(OTHERS));
    }
}

fn number(random: &mut Random, out: &mut Vec<u8>) {
    let digits = |random: &mut Random, most: usize, out: &mut Vec<u8>| {
        for _ in 0..=random.below(most) {
            out.push(random.one_of(b"0123456789"));
        }
    };
    if random.one_in(4) {
        out.push(b'-');
    }
    if random.one_in(4) {
        out.push(b'0');
    } else {
        let most = random.one_of(&[2, 13, 16, 20, 400]);
        out.push(random.one_of(b"123456789"));
        digits(random, most, out);
    }
    if random.one_in(3) {
        out.push(b'.');
        let most = random.one_of(&[2, 20, 400]);
        digits(random, most, out);
    }
    if random.one_in(4) {
        out.push(random.one_of(b"eE"));
        if random.one_in(2) {
            out.push(random.one_of(b"+-"));
        }
        let most = random.one_of(&[1, 3, 3, 20]);
        digits(random, most, out);
    }
}

fn string(random: &mut Random, out: &mut Vec<u8>) {
    out.push(b'"');
    let most = random.one_of(&[2, 6, 40]);
    let (escapes, broken) = (random.one_in(2), random.one_in(6));
    for _ in 0..random.below(most) {
        match random.below(12) {
            0 if escapes => {
                out.push(b'\\');
                out.push(random.one_of(b"\"\\/bfnrt"));
            }
            1..4 if escapes => {
                // Surrogates by preference, so that they meet: pairs, wrong pairs, lone ones.
                let unit = match random.below(4) {
                    0 => 0xD800 + random.below(0x400),
                    1 => 0xDC00 + random.below(0x400),
                    2 => random.one_of(&[0xD7FF, 0xD800, 0xDBFF, 0xDC00, 0xDFFF, 0xE000]),
                    _ => random.below(0x1_0000),
                };
                let text = if random.one_in(2) { format!("\\u{unit:04x}") } else { format!("\\u{unit:04X}") };
                out.extend_from_slice(text.as_bytes());
            }
            4 if broken => {
                const BROKEN: &[&[u8]] = &[
                    b"\x80",
                    b"\xBF\xBF",
                    b"\xC0\x80",
                    b"\xC2",
                    b"\xE2\x80",
                    b"\xE0\x80\x80",
                    b"\xED\xA0\x80",
                    b"\xED\xA0\xBD\xED\xB8\x80",
                    b"\xF0\x9F\x98",
                    b"\xF0\x80\x80\x80",
                    b"\xF4\x90\x80\x80",
                    b"\xF5",
                    b"\xFE\xFF",
                    b"\xEF\xBB",
                ];
                out.extend_from_slice(random.one_of(BROKEN));
            }
            5 => {
                let text = random.one_of(&[
                    "é",
                    "€",
                    "😀",
                    "\u{2028}",
                    "\u{85}",
                    "\u{7F}",
                    "\u{D7FF}",
                    "\u{FEFF}",
                    "\u{10FFFF}",
                    "힣",
                ]);
                out.extend_from_slice(text.as_bytes());
            }
            _ => out.extend_from_slice(
                random.one_of(&["a", "b", " ", "rule-", "{", "]", ":", "0", "xyzzy"]).as_bytes(),
            ),
        }
        if random.one_in(500) {
            out.extend_from_slice(random.one_of(&[
                &b"\x01"[..],
                b"\x1F",
                b"\t",
                b"\\x",
                b"\\u12",
                b"\\u00g0",
                b"\\",
                b"\\U0041",
            ]));
        }
    }
    out.push(b'"');
}

/// xorshift64*.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(high).map_or(0, |high| high % bound)
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }
}
