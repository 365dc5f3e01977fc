//! Tables of a page.

use crate::kernels::report::escape;

/// A field of a table.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Words, at the left.
    Words(String),
    /// A number as it is to be shown, at the right.
    Number(String),
    /// A number with its share of the greatest in its column, from 0 to 1, as a bar.
    Bar(String, f64),
    /// Words that differ from what is usual.
    Marked(String),
    /// Not known, or not there.
    Nothing,
}

impl Cell {
    /// Words.
    pub fn words(text: impl Into<String>) -> Cell {
        Cell::Words(text.into())
    }

    fn html(&self) -> String {
        match self {
            Cell::Words(text) => format!("<td>{}</td>", escape(text)),
            Cell::Marked(text) => format!("<td><mark>{}</mark></td>", escape(text)),
            Cell::Number(text) => format!("<td class=\"n\">{}</td>", escape(text)),
            Cell::Bar(text, share) => format!(
                "<td class=\"n b\"><svg class=\"bar\" viewBox=\"0 0 100 10\" \
                 preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect width=\"{:.1}\" \
                 height=\"10\"/></svg><span>{}</span></td>",
                100.0 * share.clamp(0.0, 1.0),
                escape(text)
            ),
            Cell::Nothing => "<td class=\"n\">–</td>".to_owned(),
        }
    }

    fn is_number(&self) -> bool {
        !matches!(self, Cell::Words(_) | Cell::Marked(_))
    }
}

/// A table with one line of headings.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    pub head: Vec<String>,
    pub rows: Vec<Vec<Cell>>,
    /// A last row that stands apart, such as sums; empty for none.
    pub foot: Vec<Cell>,
}

impl Table {
    /// The table as HTML.
    pub fn html(&self) -> String {
        let mut html = String::from("<div class=\"wide\"><table>\n<thead><tr>");
        for (at, name) in self.head.iter().enumerate() {
            let right = self.rows.first().and_then(|row| row.get(at)).is_some_and(Cell::is_number);
            let class = if right { " class=\"n\"" } else { "" };
            html += &format!("<th scope=\"col\"{class}>{}</th>", escape(name));
        }
        html += "</tr></thead>\n<tbody>\n";
        for row in &self.rows {
            html += &line(row);
        }
        html += "</tbody>\n";
        if !self.foot.is_empty() {
            html += &format!("<tfoot>\n{}</tfoot>\n", line(&self.foot));
        }
        html + "</table></div>\n"
    }
}

fn line(row: &[Cell]) -> String {
    let cells: String = row.iter().map(Cell::html).collect();
    format!("<tr>{cells}</tr>\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_head_rows_and_foot() {
        let table = Table {
            head: vec!["run".to_owned(), "n <b>".to_owned()],
            rows: vec![vec![Cell::words("a"), Cell::Bar("5".to_owned(), 0.5)]],
            foot: vec![Cell::words("all"), Cell::Nothing],
        };
        let html = table.html();
        assert!(html.contains("<th scope=\"col\" class=\"n\">n &lt;b&gt;</th>"));
        assert!(html.contains("width=\"50.0\"") && html.contains("<tfoot>"));
    }
}
