//! How wide text is in a terminal.
//!
//! Invariant: a cut text is no wider than asked for, is cut between whole characters as a reader sees them, and says
//! by `…` that it was cut.

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Columns that a text takes. Without escapes in it.
pub(crate) fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text cut to so many columns.
pub(crate) fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let more = width(cluster);
        if used + more + 1 > columns {
            break;
        }
        out.push_str(cluster);
        used += more;
    }
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The same, cut at its beginning: of a path, the end says most.
pub(crate) fn cut_start(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut kept = Vec::new();
    let mut used = 0;
    for cluster in text.graphemes(true).rev() {
        let more = width(cluster);
        if used + more + 1 > columns {
            break;
        }
        kept.push(cluster);
        used += more;
    }
    kept.reverse();
    if columns > 0 { format!("…{}", kept.concat()) } else { String::new() }
}

/// The text with blanks up to so many columns.
pub(crate) fn pad(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

#[cfg(test)]
mod tests {
    use super::{cut, cut_start, pad, width};

    #[test]
    fn width_counts_columns_and_a_cut_fits() {
        assert_eq!(["e\u{301}", "😀", "日本", "abc"].map(width), [1, 2, 4, 3]);
        assert_eq!(cut("abcdef", 4), "abc…");
        assert_eq!(cut("a😀b", 3), "a…");
        assert_eq!(cut("日本", 3), "日…");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(cut_start("src/deep/file.rs", 8), "…file.rs");
        assert_eq!(pad("日", 4), "日  ");
    }
}
