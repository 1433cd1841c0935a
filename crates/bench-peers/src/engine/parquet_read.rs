//! Answers from Parquet files: row groups by their bloom filter and bounds, rows by the page
//! index, and of other columns only the pages that hold these rows.

use super::merged::PAYLOADS;
use super::parquet_write::{OBSERVATIONS, SCORES, column};
use super::text::FIELDS;
use super::{Costs, EachPayload, Reader, Skeleton, add_cost};
use crate::row::bytes::Take;
use crate::row::{key, put_id};
use crate::{Result, fault};
use parquet::bloom_filter::Sbbf;
use parquet::column::reader::get_typed_column_reader;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::page_index::column_index::ColumnIndexMetaData;
use parquet::file::properties::ReaderProperties;
use parquet::file::reader::{FileReader, RowGroupReader};
use parquet::file::serialized_reader::{ReadOptionsBuilder, SerializedFileReader};
use std::fs::File;
use std::ops::Range;
use std::path::Path;
use tracekeep::Id;
use tracekeep::model::{Decimal, Level, ObservationKind, Timestamp};

/// The file of observations, open, with its bloom filters in memory.
pub(crate) struct Files {
    reader: SerializedFileReader<File>,
    filters: Vec<Option<Sbbf>>,
    scores: u64,
}

impl std::fmt::Debug for Files {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Files").field("groups", &self.filters.len()).finish_non_exhaustive()
    }
}

impl Files {
    /// None where there are no files yet.
    pub(crate) fn open(dir: &Path) -> Result<Option<Files>> {
        let path = dir.join(OBSERVATIONS);
        if !path.exists() {
            return Ok(None);
        }
        let filtered = ReaderProperties::builder().set_read_bloom_filter(true).build();
        let options = ReadOptionsBuilder::new().with_reader_properties(filtered).build();
        let reader = SerializedFileReader::new_with_options(File::open(&path)?, options)?;
        let mut filters = Vec::new();
        for number in 0..reader.num_row_groups() {
            let group = reader.get_row_group(number)?;
            filters.push(group.get_column_bloom_filter(column::TRACE).cloned());
        }
        let options = ReadOptionsBuilder::new().with_page_index().build();
        let reader = SerializedFileReader::new_with_options(File::open(&path)?, options)?;
        let scores = SerializedFileReader::new(File::open(dir.join(SCORES))?)?;
        let scores = scores.metadata().file_metadata().num_rows().unsigned_abs();
        Ok(Some(Files { reader, filters, scores }))
    }

    /// Where the rows of a trace lie: row groups and rows in them.
    fn find(&self, trace: &[u8]) -> Result<Vec<(usize, Range<usize>)>> {
        let (mut found, wanted) = (Vec::new(), ByteArray::from(trace.to_vec()));
        for (number, filter) in self.filters.iter().enumerate() {
            if filter.as_ref().is_some_and(|filter| !filter.check(&wanted)) {
                continue;
            }
            let Some(pages) = self.pages(number, trace)? else { continue };
            let group = self.reader.get_row_group(number)?;
            let traces: Vec<ByteArray> = required::<ByteArrayType>(&*group, column::TRACE, &pages)?;
            let from = traces.partition_point(|other| other.data() < trace);
            let to = traces.partition_point(|other| other.data() <= trace);
            if from < to {
                found.push((number, pages.start + from..pages.start + to));
            }
        }
        Ok(found)
    }

    /// The rows of the pages of a row group that may hold a trace.
    fn pages(&self, group: usize, trace: &[u8]) -> Result<Option<Range<usize>>> {
        let metadata = self.reader.metadata();
        let rows = usize::try_from(metadata.row_group(group).num_rows())?;
        let index = metadata.page_index_for_row_group(group);
        let (index, places) =
            (index.column_index(column::TRACE), index.offset_index(column::TRACE));
        let (Some(ColumnIndexMetaData::BYTE_ARRAY(index)), Some(places)) = (index, places) else {
            return Ok(Some(0..rows));
        };
        let first = |page: usize| {
            let location = places.page_locations().get(page);
            location.map_or(rows, |page| usize::try_from(page.first_row_index).unwrap_or(rows))
        };
        let mut range: Option<Range<usize>> = None;
        for page in 0..places.page_locations().len() {
            let holds = index.min_value(page).is_none_or(|min| min <= trace)
                && index.max_value(page).is_none_or(|max| max >= trace);
            if holds {
                let start = range.map_or(first(page), |range| range.start);
                range = Some(start..first(page + 1));
            }
        }
        Ok(range)
    }

    fn skeletons_of(
        &self,
        group: &dyn RowGroupReader,
        rows: &Range<usize>,
    ) -> Result<Vec<Skeleton>> {
        let ids = required::<ByteArrayType>(group, column::ID, rows)?;
        let parents = optional::<ByteArrayType>(group, column::PARENT, rows)?;
        let starts = required::<Int64Type>(group, column::START, rows)?;
        let ends = optional::<Int64Type>(group, column::END, rows)?;
        let kinds = required::<Int32Type>(group, column::KIND, rows)?;
        let levels = required::<Int32Type>(group, column::LEVEL, rows)?;
        let names = optional::<ByteArrayType>(group, column::NAME, rows)?;
        let models = optional::<ByteArrayType>(group, column::MODEL, rows)?;
        let costs = required::<Int64Type>(group, column::COST, rows)?;
        let mut all = Vec::with_capacity(ids.len());
        for (i, id) in ids.iter().enumerate() {
            all.push(Skeleton {
                id: id_of(id)?,
                parent: parents[i].as_ref().map(id_of).transpose()?,
                kind: known(ObservationKind::from_code(u8::try_from(kinds[i])?))?,
                level: known(Level::from_code(u8::try_from(levels[i])?))?,
                start: Timestamp(starts[i]),
                end: ends[i].map(Timestamp),
                name: names[i].as_ref().map(text_of).transpose()?,
                model: models[i].as_ref().map(text_of).transpose()?,
                cost: Decimal(i128::from(costs[i])),
            });
        }
        Ok(all)
    }
}

fn known<T>(value: Option<T>) -> Result<T> {
    value.ok_or_else(|| fault("a column has an unknown code"))
}

fn id_of(bytes: &ByteArray) -> Result<Id> {
    Take(bytes.data()).id()
}

fn text_of(bytes: &ByteArray) -> Result<Box<str>> {
    Ok(bytes.as_utf8()?.into())
}

fn read<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    rows: &Range<usize>,
    defined: Option<&mut Vec<i16>>,
) -> Result<Vec<T::T>> {
    let mut reader = get_typed_column_reader::<T>(group.get_column_reader(column)?);
    let mut values = Vec::with_capacity(rows.len());
    reader.skip_records(rows.start)?;
    let (records, ..) = reader.read_records(rows.len(), defined, None, &mut values)?;
    match records == rows.len() {
        true => Ok(values),
        false => Err(fault("a column ends early")),
    }
}

fn required<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    rows: &Range<usize>,
) -> Result<Vec<T::T>> {
    read::<T>(group, column, rows, None)
}

fn optional<T: DataType>(
    group: &dyn RowGroupReader,
    column: usize,
    rows: &Range<usize>,
) -> Result<Vec<Option<T::T>>> {
    let mut defined = Vec::with_capacity(rows.len());
    let mut values = read::<T>(group, column, rows, Some(&mut defined))?.into_iter();
    Ok(defined.into_iter().map(|is| (is > 0).then(|| values.next()).flatten()).collect())
}

impl Reader for Files {
    fn skeletons(&self, trace: &Id) -> Result<Vec<Skeleton>> {
        let mut all = Vec::new();
        for (number, rows) in self.find(&key::of_trace(trace))? {
            all.extend(self.skeletons_of(&*self.reader.get_row_group(number)?, &rows)?);
        }
        Ok(all)
    }

    fn whole(&self, trace: &Id, each: &mut EachPayload<'_>) -> Result<usize> {
        let mut count = 0;
        for (number, rows) in self.find(&key::of_trace(trace))? {
            let group = self.reader.get_row_group(number)?;
            let skeletons = self.skeletons_of(&*group, &rows)?;
            count += skeletons.len();
            for (at, field) in FIELDS.into_iter().enumerate() {
                let column = column::PAYLOADS + at;
                let payloads = optional::<ByteArrayType>(&*group, column, &rows)?;
                for (skeleton, payload) in skeletons.iter().zip(payloads) {
                    if let Some(payload) = payload {
                        each(&skeleton.id, field, payload.data())?;
                    }
                }
            }
        }
        Ok(count)
    }

    fn input(&self, trace: &Id, observation: &Id) -> Result<Option<Vec<u8>>> {
        let mut wanted = Vec::new();
        put_id(observation, &mut wanted);
        for (number, rows) in self.find(&key::of_trace(trace))? {
            let group = self.reader.get_row_group(number)?;
            let ids = required::<ByteArrayType>(&*group, column::ID, &rows)?;
            let Some(at) = ids.iter().position(|id| id.data() == wanted) else { continue };
            let row = rows.start + at..rows.start + at + 1;
            let mut input = optional::<ByteArrayType>(&*group, column::PAYLOADS, &row)?;
            return Ok(input.pop().flatten().map(|input| input.data().to_vec()));
        }
        Ok(None)
    }

    fn scan(&self) -> Result<Costs> {
        let mut costs = Costs::new();
        for number in 0..self.reader.num_row_groups() {
            let group = self.reader.get_row_group(number)?;
            let rows = 0..usize::try_from(group.metadata().num_rows())?;
            let models = optional::<ByteArrayType>(&*group, column::MODEL, &rows)?;
            let sums = required::<Int64Type>(&*group, column::COST, &rows)?;
            for (model, cost) in models.iter().zip(sums) {
                let model = model.as_ref().map_or(Ok(""), |model| model.as_utf8())?;
                add_cost(&mut costs, model, i128::from(cost));
            }
        }
        Ok(costs)
    }

    fn scores(&self) -> Result<u64> {
        Ok(self.scores)
    }
}

const _: () = assert!(PAYLOADS == FIELDS.len());
