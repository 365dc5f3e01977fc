//! Writes small Parquet tables: required columns of one type each, uncompressed, in one row group,
//! with nothing in them that depends on time or machine.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as PhysicalType};
use parquet::data_type::{DoubleType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

use crate::data::error::DataError;
use crate::data::parquet::Column;

impl Column {
    fn schema(&self, name: &str) -> Result<Type, ParquetError> {
        let (physical, logical) = match self {
            Column::I64(_) => (PhysicalType::INT64, None),
            Column::F64(_) => (PhysicalType::DOUBLE, None),
            Column::U32(_) => (PhysicalType::INT32, Some(LogicalType::integer(32, false))),
        };
        Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::REQUIRED)
            .with_logical_type(logical)
            .build()
    }
}

/// Writes a table of equally long columns; an existing file is replaced.
///
/// # Panics
/// When the columns differ in length, which is a mistake of the caller.
pub fn write_table(path: &Path, columns: &[(&str, Column)]) -> Result<(), DataError> {
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    assert!(columns.iter().all(|(_, c)| c.len() == rows), "columns of a table are equally long");
    let file =
        File::create(path).map_err(|source| DataError::Write { path: path.to_owned(), source })?;
    write_columns(file, columns)
        .map_err(|source| DataError::Parquet { path: path.to_owned(), source })
}

fn write_columns(file: File, columns: &[(&str, Column)]) -> Result<(), ParquetError> {
    let fields = columns
        .iter()
        .map(|(name, column)| column.schema(name).map(Arc::new))
        .collect::<Result<Vec<_>, _>>()?;
    let schema = Type::group_type_builder("schema").with_fields(fields).build()?;
    // The library's own version stays out of the file, because an update must not change bytes
    // that records hold digests of.
    let properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_created_by("attpc".to_owned())
        .build();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties))?;
    let mut group = writer.next_row_group()?;
    for (_, column) in columns {
        let mut open = group.next_column()?.expect("the schema has one field for each column");
        match column {
            Column::I64(values) => open.typed::<Int64Type>().write_batch(values, None, None)?,
            Column::F64(values) => open.typed::<DoubleType>().write_batch(values, None, None)?,
            Column::U32(values) => {
                let bits: Vec<i32> = values.iter().map(|value| value.cast_signed()).collect();
                open.typed::<Int32Type>().write_batch(&bits, None, None)?
            }
        };
        open.close()?;
    }
    group.close()?;
    writer.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn a_table_reads_back_as_written_and_has_the_same_bytes_each_time() {
        let dir = tempfile::tempdir().unwrap();
        let columns = [
            ("event", Column::I64(vec![0, -1])),
            ("dEdx", Column::F64(vec![0.5, 1e300])),
            ("run", Column::U32(vec![7, u32::MAX])),
        ];
        let paths = ["a", "b"].map(|name| dir.path().join(name));
        for path in &paths {
            write_table(path, &columns).unwrap();
        }
        assert_eq!(std::fs::read(&paths[0]).unwrap(), std::fs::read(&paths[1]).unwrap());
        let reader = SerializedFileReader::new(File::open(&paths[0]).unwrap()).unwrap();
        let rows: Vec<String> =
            reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
        assert_eq!(rows[0], "{event: 0, dEdx: 0.5, run: 7}");
        assert!(rows[1].starts_with("{event: -1,") && rows[1].ends_with("run: 4294967295}"));
    }

    #[test]
    fn an_empty_table_keeps_its_columns() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("empty.parquet");
        write_table(&path, &[("event", Column::I64(Vec::new()))]).unwrap();
        let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
        assert_eq!(reader.metadata().file_metadata().num_rows(), 0);
        assert_eq!(reader.metadata().file_metadata().schema().get_fields().len(), 1);
    }
}
