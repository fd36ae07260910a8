//! Tables: rows of cells under each other.
//!
//! Invariant: in a terminal a table fits its width: the last columns are left out, and how many is said.

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::columns::width;

/// Rows of cells; columns from the second on stand to the right if `numbers`. Only cells of a last column that stands to
/// the left may be painted.
pub(crate) fn table(rows: &[Vec<String>], numbers: bool) -> Vec<String> {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for row in rows {
        table.add_row(row);
    }
    for (position, column) in table.column_iter_mut().enumerate() {
        column.set_padding((if position == 0 { 0 } else { 2 }, 0));
        if numbers && position > 0 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The rows with as many of their first columns as there is room for, and how many were left out.
pub(crate) fn fitting(rows: &[Vec<String>], room: Option<usize>) -> (Vec<Vec<String>>, usize) {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut used = 0;
    let mut fit = 0;
    for column in 0..columns {
        let cell = |row: &Vec<String>| row.get(column).map_or(0, |cell| width(cell));
        used += rows.iter().map(cell).max().unwrap_or(0) + if column == 0 { 0 } else { 2 };
        if room.is_some_and(|room| used > room) {
            break;
        }
        fit = column + 1;
    }
    let fit = fit.max(1);
    (rows.iter().map(|row| row.iter().take(fit).cloned().collect()).collect(), columns.saturating_sub(fit))
}

#[cfg(test)]
mod tests {
    use super::{fitting, table};

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn cells_stand_under_each_other() {
        assert_eq!(table(&rows(&[&["a", "bb"], &["日本", "1"]]), true), ["a     bb", "日本   1"]);
        assert_eq!(table(&rows(&[&["a", "bb"], &["日本", "1"]]), false), ["a     bb", "日本  1"]);
    }

    #[test]
    fn columns_are_left_out_where_there_is_no_room() {
        let all = rows(&[&["a", "b", "c"], &["1", "2", "3"]]);
        assert_eq!(fitting(&all, Some(7)), (all.clone(), 0));
        assert_eq!(fitting(&all, Some(6)), (rows(&[&["a", "b"], &["1", "2"]]), 1));
        assert_eq!(fitting(&all, None), (all.clone(), 0));
    }
}
