//! Plain tables of detector facts: CSV with one header line, and whitespace-separated columns.
//!
//! Line ends may be CR, LF or CRLF, because tables of all three kinds are in use.

use std::path::Path;

use crate::data::error::DataError;

/// Longest part of a bad line that a message shows.
const SHOWN: usize = 60;

/// The rows of a CSV table of `N` number columns with one header line.
pub fn read_csv<const N: usize>(path: &Path) -> Result<Vec<[f64; N]>, DataError> {
    let rows = read_csv_lines(path)?;
    Ok(rows.into_iter().map(|row| row.values).collect())
}

/// The same with the lines that the rows stand in.
pub fn read_csv_lines<const N: usize>(path: &Path) -> Result<Vec<Row<N>>, DataError> {
    read_rows(path, 1, |line| line.split(',').map(str::trim).collect())
}

/// The rows of a table of `N` number columns separated by blanks, without a header.
pub fn read_columns<const N: usize>(path: &Path) -> Result<Vec<Row<N>>, DataError> {
    read_rows(path, 0, |line| line.split_whitespace().collect())
}

fn read_text(path: &Path) -> Result<String, DataError> {
    let bytes =
        std::fs::read(path).map_err(|source| DataError::Open { path: path.to_owned(), source })?;
    Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").replace('\r', "\n"))
}

/// A row of a table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<const N: usize> {
    /// Line of the file, from 1, for messages about what the values mean.
    pub line: usize,
    pub values: [f64; N],
}

fn read_rows<const N: usize>(
    path: &Path,
    header: usize,
    split: fn(&str) -> Vec<&str>,
) -> Result<Vec<Row<N>>, DataError> {
    let text = read_text(path)?;
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate().skip(header) {
        if line.trim().is_empty() {
            continue;
        }
        let words = split(line);
        let numbers: Vec<f64> = words
            .iter()
            .filter_map(|word| word.parse().ok())
            .filter(|number: &f64| number.is_finite())
            .collect();
        let row = (numbers.len() == words.len()).then(|| numbers.try_into().ok()).flatten();
        let values = row.ok_or_else(|| DataError::TableLine {
            path: path.to_owned(),
            line: at + 1,
            found: line.chars().take(SHOWN).collect(),
            expected: if N == 1 { "one number".to_owned() } else { format!("{N} numbers") },
        })?;
        rows.push(Row { line: at + 1, values });
    }
    Ok(rows)
}

/// Refuses a table that has not as many rows as another one.
pub fn expect_rows<T>(
    path: &Path,
    rows: &[T],
    (other, expected): (&Path, usize),
) -> Result<(), DataError> {
    if rows.len() == expected {
        return Ok(());
    }
    let (found, expected) = (rows.len(), format!("{expected} as in `{}`", other.display()));
    Err(DataError::TableRows { path: path.to_owned(), found, expected })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<const N: usize>(text: &str) -> Result<Vec<[f64; N]>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let place = path.display().to_string();
        read_csv(&path).map_err(|error| error.to_string().replace(&place, "PATH"))
    }

    #[test]
    fn every_kind_of_line_end_is_read() {
        let expected = Ok(vec![[0.5, -1.0], [2.0, 3e2]]);
        assert_eq!(read("x,y\n0.5,-1\n2, 3e2\n"), expected);
        assert_eq!(read("x,y\r0.5,-1\r2,3e2\r"), expected);
        assert_eq!(read("x,y\r\n0.5,-1\r\n2,3e2"), expected);
    }

    #[test]
    fn a_bad_line_is_shown_with_its_number() {
        assert_eq!(
            read::<2>("x,y\n0.5,-1\n2\n").unwrap_err(),
            "line 3 of a table is `2`, expected 2 numbers: `PATH`"
        );
        assert_eq!(
            read::<1>("x\nabc\n").unwrap_err(),
            "line 2 of a table is `abc`, expected one number: `PATH`"
        );
        assert!(read::<1>("x\nnan\n").is_err());
    }

    #[test]
    fn columns_keep_their_line_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.txt");
        std::fs::write(&path, "1\t2\n\n 3 4 \n").unwrap();
        let rows = read_columns::<2>(&path).unwrap();
        let rows: Vec<_> = rows.into_iter().map(|row| (row.line, row.values)).collect();
        assert_eq!(rows, [(1, [1.0, 2.0]), (3, [3.0, 4.0])]);
    }

    #[test]
    fn a_table_of_the_wrong_length_is_refused() {
        let error = expect_rows(Path::new("t"), &[0; 3], (Path::new("u"), 5)).unwrap_err();
        assert_eq!(error.to_string(), "table has 3 rows, expected 5 as in `u`: `t`");
    }
}
