//! Writes flat rows as Parquet, a column after the other in each row group.

use super::merged::{Flat, Tables};
use crate::{Result, fault};
use parquet::basic::{Compression, ZstdLevel};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

pub(crate) const OBSERVATIONS: &str = "observations.parquet";
pub(crate) const TRACES: &str = "traces.parquet";
pub(crate) const SCORES: &str = "scores.parquet";

const ROWS_A_GROUP: usize = 16_384;
const PAGE_BYTES: usize = 1 << 20;
/// Rows of a page of the small columns, by which a trace is found.
const ROWS_A_PAGE: usize = 1_024;

/// Columns by number.
pub(crate) mod column {
    pub(crate) const TRACE: usize = 0;
    pub(crate) const ID: usize = 1;
    pub(crate) const PARENT: usize = 2;
    pub(crate) const START: usize = 3;
    pub(crate) const END: usize = 4;
    pub(crate) const KIND: usize = 5;
    pub(crate) const LEVEL: usize = 6;
    pub(crate) const NAME: usize = 7;
    pub(crate) const MODEL: usize = 8;
    pub(crate) const COST: usize = 9;
    pub(crate) const PAYLOADS: usize = 11;
}

const SCHEMA: &str = "message row {
    REQUIRED BYTE_ARRAY trace; REQUIRED BYTE_ARRAY id; OPTIONAL BYTE_ARRAY parent;
    REQUIRED INT64 start; OPTIONAL INT64 end; REQUIRED INT32 kind; REQUIRED INT32 level;
    OPTIONAL BYTE_ARRAY name (UTF8); OPTIONAL BYTE_ARRAY model (UTF8); REQUIRED INT64 cost;
    REQUIRED BYTE_ARRAY rest;
    OPTIONAL BYTE_ARRAY input (UTF8); OPTIONAL BYTE_ARRAY output (UTF8);
    OPTIONAL BYTE_ARRAY metadata (UTF8); OPTIONAL BYTE_ARRAY attributes (UTF8);
}";

pub(crate) fn write(dir: &Path, level: i32, tables: Tables) -> Result<()> {
    for (name, rows) in
        [(OBSERVATIONS, tables.observations), (TRACES, tables.traces), (SCORES, tables.scores)]
    {
        write_file(&dir.join(name), level, rows)?;
    }
    Ok(File::open(dir)?.sync_all()?)
}

fn properties(level: i32) -> Result<WriterProperties> {
    let sorting = [column::TRACE, column::START].map(|number| SortingColumn {
        column_idx: number as i32,
        descending: false,
        nulls_first: false,
    });
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_dictionary_enabled(false)
        .set_data_page_size_limit(PAGE_BYTES)
        // The writer looks at the size of a page after so many rows only.
        .set_write_batch_size(16)
        .set_sorting_columns(Some(sorting.to_vec()))
        .set_column_bloom_filter_enabled(ColumnPath::from("trace"), true)
        .set_column_bloom_filter_max_ndv(ColumnPath::from("trace"), ROWS_A_GROUP as u64);
    for name in ["name", "model", "kind", "level", "rest"] {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(name), true);
    }
    for name in ["input", "output", "metadata", "attributes", "rest"] {
        let none = EnabledStatistics::None;
        builder = builder.set_column_statistics_enabled(ColumnPath::from(name), none);
    }
    for name in ["trace", "id", "parent", "start", "end", "kind", "level", "name", "model", "cost"]
    {
        let path = ColumnPath::from(name);
        builder = builder.set_column_data_page_row_count_limit(path, ROWS_A_PAGE);
    }
    Ok(builder.build())
}

fn write_file(path: &Path, level: i32, rows: Vec<Flat>) -> Result<()> {
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let file = File::create(path)?;
    let synced = file.try_clone()?;
    let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties(level)?))?;
    for rows in rows.chunks(ROWS_A_GROUP) {
        let mut group = writer.next_row_group()?;
        write_group(&mut group, rows)?;
        group.close()?;
    }
    writer.close()?;
    Ok(synced.sync_all()?)
}

type Group<'a> = SerializedRowGroupWriter<'a, File>;

fn write_group(group: &mut Group<'_>, rows: &[Flat]) -> Result<()> {
    let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
    let id = |id: &tracekeep::Id| {
        let mut out = Vec::new();
        crate::row::put_id(id, &mut out);
        ByteArray::from(out)
    };
    let text = |text: &Option<Box<str>>| text.as_ref().map(|text| bytes(text.as_bytes()));
    required::<ByteArrayType>(group, rows, |row| Ok(bytes(&row.trace)))?;
    required::<ByteArrayType>(group, rows, |row| Ok(id(&row.skeleton.id)))?;
    optional::<ByteArrayType>(group, rows, |row| row.skeleton.parent.as_ref().map(id))?;
    required::<Int64Type>(group, rows, |row| Ok(row.skeleton.start.0))?;
    optional::<Int64Type>(group, rows, |row| row.skeleton.end.map(|end| end.0))?;
    required::<Int32Type>(group, rows, |row| Ok(i32::from(row.skeleton.kind.code())))?;
    required::<Int32Type>(group, rows, |row| Ok(i32::from(row.skeleton.level.code())))?;
    optional::<ByteArrayType>(group, rows, |row| text(&row.skeleton.name))?;
    optional::<ByteArrayType>(group, rows, |row| text(&row.skeleton.model))?;
    required::<Int64Type>(group, rows, |row| Ok(i64::try_from(row.skeleton.cost.0)?))?;
    required::<ByteArrayType>(group, rows, |row| Ok(bytes(&row.rest)))?;
    for at in 0..super::merged::PAYLOADS {
        optional::<ByteArrayType>(group, rows, |row| row.payloads[at].as_deref().map(bytes))?;
    }
    Ok(())
}

fn required<T: DataType>(
    group: &mut Group<'_>,
    rows: &[Flat],
    value: impl Fn(&Flat) -> Result<T::T>,
) -> Result<()> {
    let values: Vec<T::T> = rows.iter().map(value).collect::<Result<_>>()?;
    write_column::<T>(group, &values, None)
}

fn optional<T: DataType>(
    group: &mut Group<'_>,
    rows: &[Flat],
    value: impl Fn(&Flat) -> Option<T::T>,
) -> Result<()> {
    let mut values: Vec<T::T> = Vec::with_capacity(rows.len());
    let mut defined: Vec<i16> = Vec::with_capacity(rows.len());
    for value in rows.iter().map(value) {
        defined.push(i16::from(value.is_some()));
        values.extend(value);
    }
    write_column::<T>(group, &values, Some(&defined))
}

fn write_column<T: DataType>(
    group: &mut Group<'_>,
    values: &[T::T],
    defined: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column()?.ok_or_else(|| fault("a column too many"))?;
    column.typed::<T>().write_batch(values, defined, None)?;
    Ok(column.close()?)
}
