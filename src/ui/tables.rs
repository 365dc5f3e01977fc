//! Tables for `list` and `status`: columns as wide as their content, the last one cut to fit.

use crate::ui::line::{Label, Line, columns};

/// Columns between two cells.
const GAP: usize = 2;

/// A table of texts; each cell carries a label.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    /// True for columns of numbers, which line up at their right.
    numeric: Vec<bool>,
    rows: Vec<Vec<(Label, String)>>,
}

impl Table {
    /// A table with headings; one that starts with `#` is a column of numbers.
    pub fn new(headings: &[&str]) -> Self {
        Table {
            headings: headings.iter().map(|h| h.trim_start_matches('#').to_owned()).collect(),
            numeric: headings.iter().map(|h| h.starts_with('#')).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row of plain cells.
    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.labelled(cells.into_iter().map(|cell| (Label::Plain, cell.into())));
    }

    /// Adds a row whose cells carry labels.
    pub fn labelled(&mut self, cells: impl IntoIterator<Item = (Label, String)>) {
        let mut row: Vec<(Label, String)> = cells.into_iter().collect();
        row.resize(self.headings.len(), (Label::Plain, String::new()));
        self.rows.push(row);
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The lines, headings first; `width` cuts them for a terminal.
    pub fn lines(&self, width: Option<usize>) -> Vec<Line> {
        let headings = self.headings.iter().map(|h| (Label::Quiet, h.clone())).collect();
        let all: Vec<&Vec<(Label, String)>> =
            std::iter::once(&headings).chain(&self.rows).collect();
        let widths: Vec<usize> = (0..self.headings.len())
            .map(|at| all.iter().map(|row| columns(&row[at].1)).max().unwrap_or(0))
            .collect();
        let lines = all.iter().map(|row| self.line(row, &widths));
        match width {
            Some(width) => lines.map(|line| line.cut(width)).collect(),
            None => lines.collect(),
        }
    }

    fn line(&self, row: &[(Label, String)], widths: &[usize]) -> Line {
        let mut line = Line::new();
        let last = row.len().saturating_sub(1);
        for (at, (label, cell)) in row.iter().enumerate() {
            let padding = " ".repeat(widths[at].saturating_sub(columns(cell)));
            let gap = " ".repeat(if at < last { GAP } else { 0 });
            line = match (self.numeric[at], at < last) {
                (true, _) => line.with(Label::Plain, padding).with(*label, cell),
                (false, true) => line.with(*label, cell).with(Label::Plain, padding),
                // Nothing follows, so nothing is padded: no trailing blanks in a file.
                (false, false) => line.with(*label, cell),
            };
            line = line.with(Label::Plain, gap);
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_numbers_stand_right() {
        let mut table = Table::new(&["rule", "#actions", "command"]);
        table.row(["pointcloud", "2", "kernel attpc.pointcloud"]);
        table.row(["table", "112", "cat"]);
        let lines: Vec<String> = table.lines(Some(36)).iter().map(Line::plain).collect();
        assert_eq!(
            lines,
            [
                "rule        actions  command",
                "pointcloud        2  kernel attpc...",
                "table           112  cat",
            ]
        );
        assert!(!table.is_empty());
    }
}
