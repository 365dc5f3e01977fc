//! Reads whole tables of numbers, as this program, polars and pandas write them.

use std::borrow::Cow;
use std::fs::File;
use std::path::{Path, PathBuf};

use parquet::basic::{Compression, LogicalType, Type as PhysicalType};
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::DataType;
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::schema::types::ColumnDescriptor;

use crate::data::error::DataError;
use crate::data::parquet::Column;

/// Rows that are read at a time. A damaged file may promise any number of rows, so memory is taken
/// as rows turn up and not as they are promised.
const BATCH_ROWS: usize = 1 << 16;

/// A table that was read.
#[derive(Clone, Debug)]
pub struct Table {
    path: PathBuf,
    rows: usize,
    columns: Vec<(String, Column)>,
    /// Columns of integers some of which are missing, and how many.
    incomplete: Vec<(String, usize)>,
    /// Columns of other types, such as texts, and what those types are.
    others: Vec<(String, String)>,
}

/// Reads a table. Columns of numbers may be required or optional and packed with zstd, snappy or
/// nothing. A missing float is NaN, and integers of which some are missing are floats, as in pandas.
/// Columns of other types are known by name only.
///
/// # Errors
/// A file that cannot be opened or is no Parquet, or another packing.
pub fn read_table(path: &Path) -> Result<Table, DataError> {
    // The library may panic on damaged files, and that must cost us the step and not the program.
    std::panic::catch_unwind(|| read_file(path)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        let text = text.unwrap_or("the reader broke down");
        let source = ParquetError::General(format!("the file is damaged: {text}"));
        Err(DataError::ReadParquet { path: path.to_owned(), source })
    })
}

fn read_file(path: &Path) -> Result<Table, DataError> {
    let file =
        File::open(path).map_err(|source| DataError::Open { path: path.to_owned(), source })?;
    let failed = |source| DataError::ReadParquet { path: path.to_owned(), source };
    let reader = SerializedFileReader::new(file).map_err(failed)?;
    let schema = reader.metadata().file_metadata().schema_descr_ptr();
    let mut table = Table {
        path: path.to_owned(),
        rows: 0,
        columns: Vec::new(),
        incomplete: Vec::new(),
        others: Vec::new(),
    };
    table.rows = table.count_rows(&reader)?;
    for (at, descriptor) in schema.columns().iter().enumerate() {
        let name = descriptor.path().string();
        match Kind::of(descriptor) {
            Ok(kind) => {
                let mut cells = Cells { column: kind.empty(), missing: Vec::new() };
                table.read_column(&reader, (at, &name), &mut cells)?;
                if kind != Kind::F64 && !cells.missing.is_empty() {
                    table.incomplete.push((name.clone(), cells.missing.len()));
                }
                table.columns.push((name, cells.finish()));
            }
            Err(found) => table.others.push((name, found)),
        }
    }
    Ok(table)
}

impl Table {
    /// The path as it was given.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Columns of integers some of which are missing, and how many are; they were read as floats.
    pub fn incomplete(&self) -> &[(String, usize)] {
        &self.incomplete
    }

    /// The columns of numbers by name, in the file's order.
    pub fn columns(&self) -> &[(String, Column)] {
        &self.columns
    }

    /// Columns of other types by name and type, which were not read.
    pub fn others(&self) -> &[(String, String)] {
        &self.others
    }

    /// True when there is a column of numbers of that name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|(found, _)| found == name)
    }

    /// A column of integers.
    ///
    /// # Errors
    /// No such column, or one that holds something else or not a value in every row.
    pub fn integers(&self, name: &str) -> Result<Cow<'_, [i64]>, DataError> {
        if let Some((_, missing)) = self.incomplete.iter().find(|(found, _)| found == name) {
            let found = format!("{missing} missing values");
            return Err(self.wrong_type(name, "an integer in every row", &found));
        }
        match self.column(name, "a column of integers")? {
            Column::I64(values) => Ok(Cow::Borrowed(values)),
            Column::U32(values) => {
                Ok(Cow::Owned(values.iter().map(|&value| i64::from(value)).collect()))
            }
            Column::F64(_) => Err(self.wrong_type(name, "a column of integers", "floats")),
        }
    }

    /// A column of numbers as floats; integers are converted.
    ///
    /// # Errors
    /// No such column, or one that holds no numbers.
    pub fn floats(&self, name: &str) -> Result<Cow<'_, [f64]>, DataError> {
        Ok(match self.column(name, "a column of numbers")? {
            Column::F64(values) => Cow::Borrowed(values),
            Column::I64(values) => Cow::Owned(values.iter().map(|&value| value as f64).collect()),
            Column::U32(values) => {
                Cow::Owned(values.iter().map(|&value| f64::from(value)).collect())
            }
        })
    }

    /// Some rows of all columns of numbers, ready to be written.
    ///
    /// # Panics
    /// When a row is not in the table.
    pub fn pick(&self, rows: &[usize]) -> Vec<(&str, Column)> {
        self.columns.iter().map(|(name, column)| (name.as_str(), column.pick(rows))).collect()
    }

    fn column(&self, name: &str, expected: &'static str) -> Result<&Column, DataError> {
        if let Some((_, column)) = self.columns.iter().find(|(found, _)| found == name) {
            return Ok(column);
        }
        match self.others.iter().find(|(found, _)| found == name) {
            Some((_, found)) => Err(self.wrong_type(name, expected, found)),
            None => Err(DataError::MissingObject {
                path: self.path.clone(),
                object: name.to_owned(),
                expected,
            }),
        }
    }

    fn wrong_type(&self, name: &str, expected: &'static str, found: &str) -> DataError {
        let (path, object) = (self.path.clone(), name.to_owned());
        DataError::WrongType { path, object, expected, found: found.to_owned() }
    }

    fn failed(&self, source: ParquetError) -> DataError {
        DataError::ReadParquet { path: self.path.clone(), source }
    }

    fn count_rows(&self, reader: &SerializedFileReader<File>) -> Result<usize, DataError> {
        let found = reader.metadata().file_metadata().num_rows();
        usize::try_from(found).map_err(|_| {
            self.failed(ParquetError::General(format!("the file promises {found} rows")))
        })
    }

    fn read_column(
        &self,
        reader: &SerializedFileReader<File>,
        (at, name): (usize, &str),
        cells: &mut Cells,
    ) -> Result<(), DataError> {
        for group in 0..reader.num_row_groups() {
            let group = reader.get_row_group(group).map_err(|source| self.failed(source))?;
            let chunk = group.metadata().column(at);
            let packing = chunk.compression();
            if !can_unpack(packing) {
                let found = format!("values packed with {packing}");
                return Err(self.wrong_type(
                    name,
                    "values packed with zstd, snappy or not",
                    &found,
                ));
            }
            let optional = chunk.column_descr().max_def_level() > 0;
            let values = group.get_column_reader(at).map_err(|source| self.failed(source))?;
            cells.append(values, optional).map_err(|source| self.failed(source))?;
        }
        if cells.column.len() != self.rows {
            let found = format!("{} rows of {}", cells.column.len(), self.rows);
            return Err(self.wrong_type(name, "a value for every row", &found));
        }
        Ok(())
    }
}

fn can_unpack(packing: Compression) -> bool {
    matches!(packing, Compression::UNCOMPRESSED | Compression::SNAPPY | Compression::ZSTD(_))
}

/// What a column becomes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    I64,
    F64,
    U32,
}

impl Kind {
    /// The kind of a column, or the name of the type that is none of them.
    fn of(column: &ColumnDescriptor) -> Result<Kind, String> {
        let logical = column.logical_type_ref();
        let other = || match logical {
            Some(logical) => format!("{logical:?}"),
            None => column.physical_type().to_string(),
        };
        if column.max_rep_level() > 0 || column.max_def_level() > 1 {
            return Err("lists or groups".to_owned());
        }
        match (column.physical_type(), logical) {
            (PhysicalType::INT32, Some(LogicalType::Integer(integer)))
                if integer.bit_width == 32 && !integer.is_signed =>
            {
                Ok(Kind::U32)
            }
            (PhysicalType::INT32 | PhysicalType::INT64, None | Some(LogicalType::Integer(_)))
            | (PhysicalType::BOOLEAN, None) => Ok(Kind::I64),
            (PhysicalType::FLOAT | PhysicalType::DOUBLE, None) => Ok(Kind::F64),
            _ => Err(other()),
        }
    }

    fn empty(self) -> Column {
        match self {
            Kind::I64 => Column::I64(Vec::new()),
            Kind::F64 => Column::F64(Vec::new()),
            Kind::U32 => Column::U32(Vec::new()),
        }
    }
}

/// A column that is being read.
struct Cells {
    column: Column,
    /// Rows without a value; the column holds a default there.
    missing: Vec<usize>,
}

impl Cells {
    /// Adds the values of a chunk.
    fn append(&mut self, reader: ColumnReader, optional: bool) -> Result<(), ParquetError> {
        let missing = optional.then_some(&mut self.missing);
        match (&mut self.column, reader) {
            (Column::I64(out), ColumnReader::Int64ColumnReader(values)) => {
                extend(out, values, missing, |value| value)
            }
            (Column::I64(out), ColumnReader::Int32ColumnReader(values)) => {
                extend(out, values, missing, i64::from)
            }
            (Column::I64(out), ColumnReader::BoolColumnReader(values)) => {
                extend(out, values, missing, i64::from)
            }
            (Column::U32(out), ColumnReader::Int32ColumnReader(values)) => {
                extend(out, values, missing, i32::cast_unsigned)
            }
            (Column::F64(out), ColumnReader::DoubleColumnReader(values)) => {
                extend(out, values, missing, |value| value)
            }
            (Column::F64(out), ColumnReader::FloatColumnReader(values)) => {
                extend(out, values, missing, f64::from)
            }
            _ => Err(ParquetError::General("a column changes its type".to_owned())),
        }
    }

    /// The column with NaN in every row that has no value.
    fn finish(self) -> Column {
        let Cells { column, missing } = self;
        if missing.is_empty() {
            return column;
        }
        let mut floats: Vec<f64> = match column {
            Column::F64(values) => values,
            Column::I64(values) => values.into_iter().map(|value| value as f64).collect(),
            Column::U32(values) => values.into_iter().map(f64::from).collect(),
        };
        missing.into_iter().for_each(|row| floats[row] = f64::NAN);
        Column::F64(floats)
    }
}

/// Adds the values of a chunk, and a default where one is missing; `missing` is for columns that
/// may have holes.
fn extend<D: DataType, T: Default>(
    out: &mut Vec<T>,
    mut reader: ColumnReaderImpl<D>,
    mut missing: Option<&mut Vec<usize>>,
    convert: impl Fn(D::T) -> T,
) -> Result<(), ParquetError> {
    let (mut values, mut levels) = (Vec::new(), Vec::new());
    loop {
        values.clear();
        levels.clear();
        let (rows, _, _) = reader.read_records(BATCH_ROWS, Some(&mut levels), None, &mut values)?;
        if rows == 0 {
            return Ok(());
        }
        let mut present = values.drain(..).map(&convert);
        match &mut missing {
            None => out.extend(present),
            Some(missing) => {
                for level in &levels {
                    let value = if *level > 0 { present.next() } else { None };
                    if value.is_none() {
                        missing.push(out.len());
                    }
                    out.push(value.unwrap_or_default());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::parquet::write_table;

    fn reference() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/attpc/reference/Estimation")
    }

    fn message(error: &DataError, path: &Path) -> String {
        error.to_string().replace(&path.display().to_string(), "FILE")
    }

    #[test]
    fn a_written_table_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let columns = [
            ("event", Column::I64(vec![3, -4, 5])),
            ("brho", Column::F64(vec![0.5, f64::INFINITY, -0.0])),
            ("run", Column::U32(vec![u32::MAX, 0, 1])),
        ];
        write_table(&path, &columns).unwrap();
        let table = read_table(&path).unwrap();
        let read: Vec<_> = table.columns().iter().map(|(n, c)| (n.as_str(), c.clone())).collect();
        assert_eq!(read, columns);
        assert_eq!(&*table.integers("run").unwrap(), [i64::from(u32::MAX), 0, 1]);
        assert_eq!(&*table.floats("event").unwrap(), [3.0, -4.0, 5.0]);
        assert_eq!(table.pick(&[2, 0])[0], ("event", Column::I64(vec![5, 3])));
    }

    #[test]
    fn tables_of_polars_read_with_optional_and_packed_columns() {
        let table = read_table(&reference().join("run_0101.parquet")).unwrap();
        assert_eq!((table.rows(), table.columns().len()), (85, 23));
        assert_eq!(table.integers("orig_run").unwrap()[0], 101);
        assert_eq!(table.integers("direction").unwrap()[2], 1);
        assert!((table.floats("arclength").unwrap()[0] - 83.771998).abs() < 1e-6);
        let truth = reference().join("../../truth.parquet");
        let truth = read_table(&truth).unwrap();
        let names: Vec<&str> = truth.others().iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["kind", "channel"]);
        assert!(truth.floats("Z").unwrap().iter().any(|charge| charge.is_nan()));
        assert!(truth.floats("ke").unwrap().iter().any(|ke| *ke > 1.0));
    }

    #[test]
    fn no_flipped_byte_ends_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let columns =
            [("event", Column::I64(vec![3, -4, 5])), ("brho", Column::F64(vec![0.5, 0.1, 0.2]))];
        write_table(&path, &columns).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= mask;
                std::fs::write(&path, changed).unwrap();
                if let Err(error) = read_table(&path) {
                    assert!(message(&error, &path).contains("FILE"), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_is_missing_or_of_another_type_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        write_table(&path, &[("brho", Column::F64(vec![0.5]))]).unwrap();
        let table = read_table(&path).unwrap();
        let error = table.floats("dEdx").unwrap_err();
        let expected = "missing `dEdx`, expected a column of numbers: `FILE`";
        assert_eq!(message(&error, &path), expected);
        let error = table.integers("brho").unwrap_err();
        let expected = "`brho` holds floats, expected a column of integers: `FILE`";
        assert_eq!(message(&error, &path), expected);
        let truth = reference().join("../../truth.parquet");
        let error = read_table(&truth).unwrap().floats("kind").unwrap_err();
        let expected = "`kind` holds String, expected a column of numbers: `FILE`";
        assert_eq!(message(&error, &truth), expected);
    }

    #[test]
    fn a_missing_float_is_nan_and_a_missing_integer_is_an_error() {
        use parquet::basic::Repetition;
        use parquet::data_type::{DoubleType, Int64Type};
        use parquet::file::writer::SerializedFileWriter;
        use parquet::schema::types::Type;
        use std::sync::Arc;

        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let write = |name: &str, kind: PhysicalType| {
            let field = Type::primitive_type_builder(name, kind)
                .with_repetition(Repetition::OPTIONAL)
                .build();
            let fields = vec![Arc::new(field.unwrap())];
            let schema = Type::group_type_builder("schema").with_fields(fields).build().unwrap();
            let file = File::create(&path).unwrap();
            let mut writer =
                SerializedFileWriter::new(file, Arc::new(schema), Arc::default()).unwrap();
            let mut group = writer.next_row_group().unwrap();
            let mut open = group.next_column().unwrap().unwrap();
            let levels = Some(&[1, 0, 1][..]);
            if kind == PhysicalType::DOUBLE {
                open.typed::<DoubleType>().write_batch(&[0.5, 1.5], levels, None).unwrap();
            } else {
                open.typed::<Int64Type>().write_batch(&[5, 6], levels, None).unwrap();
            }
            open.close().unwrap();
            group.close().unwrap();
            writer.close().unwrap();
        };
        write("brho", PhysicalType::DOUBLE);
        let table = read_table(&path).unwrap();
        let read = table.floats("brho").unwrap();
        assert!(read[0] == 0.5 && read[1].is_nan() && read[2] == 1.5, "{read:?}");
        write("event", PhysicalType::INT64);
        let table = read_table(&path).unwrap();
        assert_eq!(table.floats("event").unwrap()[2], 6.0);
        let error = table.integers("event").unwrap_err();
        let expected = "`event` holds 1 missing values, expected an integer in every row: `FILE`";
        assert_eq!(message(&error, &path), expected);
    }

    #[test]
    fn a_file_that_is_cut_short_or_something_else_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.parquet");
        let whole = std::fs::read(reference().join("run_0101.parquet")).unwrap();
        for part in [&whole[..0], &whole[..100], &whole[100..], b"event,brho\n1,0.5\n"] {
            std::fs::write(&path, part).unwrap();
            let error = message(&read_table(&path).unwrap_err(), &path);
            assert_eq!(error, "cannot read table `FILE`");
        }
        let absent = read_table(&dir.path().join("absent.parquet")).unwrap_err().to_string();
        assert!(absent.starts_with("cannot open `"));
    }
}
