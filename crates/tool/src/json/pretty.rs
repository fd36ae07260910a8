//! JSON text over several lines, for reading. Values keep their bytes; nothing recurses.

/// The text with a member or element a line.
pub(crate) fn pretty(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2);
    let mut depth = 0_usize;
    let mut rest = text;
    let indent = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        // Deeper than a reader can follow, the margin stays where it is.
        out.extend(std::iter::repeat_n(b' ', 2 * depth.min(40)));
    };
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => {}
            b'{' | b'[' => {
                out.push(byte);
                let close = rest.iter().position(|byte| !byte.is_ascii_whitespace());
                if let Some(&end) = close.and_then(|at| rest.get(at))
                    && matches!(end, b'}' | b']')
                {
                    out.push(end);
                    rest = close.and_then(|at| rest.get(at + 1..)).unwrap_or_default();
                } else {
                    depth += 1;
                    indent(&mut out, depth);
                }
            }
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                indent(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                indent(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            b'"' => {
                let mut length = 0;
                while let Some(byte) = rest.get(length) {
                    length += if *byte == b'\\' { 2 } else { 1 };
                    if *byte == b'"' {
                        break;
                    }
                }
                out.push(byte);
                let (string, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
                out.extend_from_slice(string);
                rest = after;
            }
            _ => out.push(byte),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::pretty;

    #[test]
    fn members_stand_in_lines_of_their_own() {
        let text = pretty(br#"{"a":[1e999,{"b,":"x\"}"}],"c":{},"d":[ ]}"#);
        let expected = "{\n  \"a\": [\n    1e999,\n    {\n      \"b,\": \"x\\\"}\"\n    }\n  ],\n  \"c\": {},\n  \"d\": []\n}";
        assert_eq!(String::from_utf8_lossy(&text), expected);
    }
}
