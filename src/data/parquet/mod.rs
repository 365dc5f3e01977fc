//! Parquet tables of plain columns: written with the same bytes for the same content, read from
//! whatever program wrote them.

mod read;
mod write;

pub use read::{Table, read_table};
pub use write::write_table;

/// The values of one column.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    I64(Vec<i64>),
    F64(Vec<f64>),
    U32(Vec<u32>),
}

impl Column {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Column::I64(values) => values.len(),
            Column::F64(values) => values.len(),
            Column::U32(values) => values.len(),
        }
    }

    /// True when the table has no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values of some rows, in the order of `rows`.
    ///
    /// # Panics
    /// When a row is not in the column.
    pub fn pick(&self, rows: &[usize]) -> Column {
        match self {
            Column::I64(values) => Column::I64(rows.iter().map(|&row| values[row]).collect()),
            Column::F64(values) => Column::F64(rows.iter().map(|&row| values[row]).collect()),
            Column::U32(values) => Column::U32(rows.iter().map(|&row| values[row]).collect()),
        }
    }
}
