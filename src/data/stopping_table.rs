//! Tables of stopping power and range, CSV.
//!
//! Comment lines begin with `#`; the header names the columns `ke_MeV`, `dedx_MeV_cm2_per_g` and,
//! where ranges are known, `range_m`. The unit is part of the name because a table in keV/um would
//! otherwise read as well. The first comment says what the table is of, in words that are read
//! again.

use std::fmt::Write as _;
use std::path::Path;

use crate::data::error::DataError;

const ENERGY: &str = "ke_MeV";
const LOSS: &str = "dedx_MeV_cm2_per_g";
const RANGE: &str = "range_m";

/// Longest part of a bad line that a message shows.
const SHOWN: usize = 60;

/// What a table is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StoppingSubject {
    pub mass_mev: f64,
    pub z: u32,
    pub density_g_per_cm3: f64,
}

/// A table as it stands in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct StoppingTable {
    /// `None` where no comment says it.
    pub subject: Option<StoppingSubject>,
    /// Kinetic energy (MeV), mass stopping power (MeV cm2/g), range (m).
    pub rows: Vec<[f64; 3]>,
    /// False when the file has no ranges; they are then 0.
    pub has_ranges: bool,
}

/// Reads a table.
pub fn read_stopping_table(path: &Path) -> Result<StoppingTable, DataError> {
    let text =
        std::fs::read(path).map_err(|source| DataError::Open { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&text).replace("\r\n", "\n").replace('\r', "\n");
    let mut subject = None;
    let mut columns = None;
    let mut rows = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let words = || line.split(',').map(str::trim);
        match columns {
            _ if line.trim().is_empty() => {}
            _ if line.starts_with('#') => subject = subject.or_else(|| read_subject(line)),
            None => columns = Some(Columns::find(path, words())?),
            Some(found) => rows.push(found.row(words()).ok_or_else(|| DataError::TableLine {
                path: path.to_owned(),
                line: at + 1,
                found: line.chars().take(SHOWN).collect(),
                expected: format!("{} numbers", found.count),
            })?),
        }
    }
    let Some(found) = columns else {
        return Err(missing(path, ENERGY));
    };
    Ok(StoppingTable { subject, rows, has_ranges: found.range.is_some() })
}

/// Writes a table with ranges; the same content gives the same bytes.
pub fn write_stopping_table(
    path: &Path,
    subject: &StoppingSubject,
    rows: &[[f64; 3]],
) -> Result<(), DataError> {
    let StoppingSubject { mass_mev, z, density_g_per_cm3 } = subject;
    let mut text = format!(
        "# nuclear mass {mass_mev:.9} MeV, Z {z}; gas density {} g/cm3\n{ENERGY},{LOSS},{RANGE}\n",
        scientific(*density_g_per_cm3, 10)
    );
    for row in rows {
        let [energy, loss, range] = row.map(|number| scientific(number, 8));
        writeln!(text, "{energy},{loss},{range}").expect("a text takes any line");
    }
    std::fs::write(path, text).map_err(|source| DataError::Write { path: path.to_owned(), source })
}

/// A number in scientific notation with two digits of exponent, as other programs write it.
fn scientific(number: f64, digits: usize) -> String {
    let text = format!("{number:.digits$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, size) = match exponent.strip_prefix('-') {
        Some(size) => ('-', size),
        None => ('+', exponent),
    };
    format!("{mantissa}e{sign}{size:0>2}")
}

/// The subject in a comment as [`write_stopping_table`] writes it.
fn read_subject(comment: &str) -> Option<StoppingSubject> {
    let rest = comment.trim_start_matches(['#', ' ']).strip_prefix("nuclear mass ")?;
    let (mass, rest) = rest.split_once(" MeV, Z ")?;
    let (z, rest) = rest.split_once("; gas density ")?;
    let density = rest.split_whitespace().next()?;
    Some(StoppingSubject {
        mass_mev: mass.parse().ok()?,
        z: z.parse().ok()?,
        density_g_per_cm3: density.parse().ok()?,
    })
}

/// Where the columns stand.
#[derive(Clone, Copy)]
struct Columns {
    energy: usize,
    loss: usize,
    range: Option<usize>,
    count: usize,
}

impl Columns {
    fn find<'w>(path: &Path, names: impl Iterator<Item = &'w str>) -> Result<Columns, DataError> {
        let names: Vec<&str> = names.collect();
        let of = |wanted| names.iter().position(|name| *name == wanted);
        Ok(Columns {
            energy: of(ENERGY).ok_or_else(|| missing(path, ENERGY))?,
            loss: of(LOSS).ok_or_else(|| missing(path, LOSS))?,
            range: of(RANGE),
            count: names.len(),
        })
    }

    fn row<'w>(&self, words: impl Iterator<Item = &'w str>) -> Option<[f64; 3]> {
        let numbers: Option<Vec<f64>> =
            words.map(|word| word.parse().ok().filter(|number: &f64| number.is_finite())).collect();
        let numbers = numbers.filter(|numbers| numbers.len() == self.count)?;
        let range = self.range.map_or(0.0, |at| numbers[at]);
        Some([numbers[self.energy], numbers[self.loss], range])
    }
}

fn missing(path: &Path, column: &str) -> DataError {
    let expected = "a header with `ke_MeV`, `dedx_MeV_cm2_per_g` and perhaps `range_m`";
    DataError::MissingObject { path: path.to_owned(), object: column.to_owned(), expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<StoppingTable, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        std::fs::write(&path, text).unwrap();
        let place = path.display().to_string();
        read_stopping_table(&path).map_err(|error| error.to_string().replace(&place, "PATH"))
    }

    #[test]
    fn a_table_comes_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        let subject =
            StoppingSubject { mass_mev: 938.272_075_844, z: 1, density_g_per_cm3: 6.567e-5 };
        let rows = [[1e-3, 472.328_523, 0.0], [10.0, 12.5, 1.25]];
        write_stopping_table(&path, &subject, &rows).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with(
            "# nuclear mass 938.272075844 MeV, Z 1; gas density 6.5670000000e-05 g/cm3\n\
             ke_MeV,dedx_MeV_cm2_per_g,range_m\n1.00000000e-03,4.72328523e+02,0.00000000e+00\n"
        ));
        let table = StoppingTable { subject: Some(subject), rows: rows.to_vec(), has_ranges: true };
        assert_eq!(read_stopping_table(&path).unwrap(), table);
    }

    #[test]
    fn columns_are_found_by_name_and_ranges_may_be_missing() {
        let table = read("# mine\r\ndedx_MeV_cm2_per_g, ke_MeV\r\n5, 1\r\n4, 2\r\n").unwrap();
        assert_eq!((table.subject, table.has_ranges), (None, false));
        assert_eq!(table.rows, [[1.0, 5.0, 0.0], [2.0, 4.0, 0.0]]);
    }

    #[test]
    fn a_wrong_unit_or_line_is_named() {
        let error = read("ke_keV,dedx_MeV_cm2_per_g\n1,2\n").unwrap_err();
        assert!(error.starts_with("missing `ke_MeV`, expected a header"), "{error}");
        let error = read("ke_MeV,dedx_MeV_cm2_per_g\n1,2\n2,nan\n").unwrap_err();
        assert_eq!(error, "line 3 of a table is `2,nan`, expected 2 numbers: `PATH`");
        assert!(read("").is_err());
    }
}
