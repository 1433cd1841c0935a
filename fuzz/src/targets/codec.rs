//! Every layout that stands in a slice: hostile bytes give a fault or a value, and what is built
//! is read back. The first byte says which.

use arbitrary::{Result, Unstructured};
use std::cell::RefCell;
use tracekeep::id::{Form, Identity};
use tracekeep::internals::codec::compress::{Compressor, Decompressor, pack, unpack};
use tracekeep::internals::codec::{decode_record, encode_record};
use tracekeep::internals::column::{Blobs, BlobsBuilder, Table, TableBuilder, Texts, TextsBuilder};
use tracekeep::internals::index::{Lookup, Merged, write_merged};
use tracekeep::internals::part::{Item, ListBuilder, Separator, items};

/// Rows that are looked at in a column: it may claim to have billions.
const ROWS: usize = 200;

thread_local! {
    /// A context of zstd takes longer to make than everything else here.
    static ZSTD: RefCell<(Compressor, Decompressor<'static>)> =
        RefCell::new((Compressor::new(1), Decompressor::new()));
}

/// Parses the bytes after the first one, or builds of them what is then parsed.
pub fn codec(data: &[u8]) {
    let Some((which, rest)) = data.split_first() else { return };
    let u = &mut Unstructured::new(rest);
    match which % 16 {
        0 => record(rest),
        1 => list(rest, 1000),
        2 => table(rest),
        3 => sealed_table(rest.to_vec()),
        4 => texts(rest),
        5 => blobs(rest),
        6 => lookup(rest),
        7 => merged(rest),
        8 => packed(rest),
        9 => hostile_packed(rest),
        10 => built_ints(u),
        11 => built_ids(u),
        12 => built_texts(u),
        13 => built_blobs(u),
        14 => built_indexes(u),
        _ => built_list(u),
    }
}

/// What decodes encodes to bytes that decode to the same.
fn record(data: &[u8]) {
    let Ok(record) = decode_record(data) else { return };
    let (mut once, mut twice) = (Vec::new(), Vec::new());
    encode_record(&record, &mut once);
    let again = decode_record(&once);
    let again = again.unwrap_or_else(|fault| panic!("what was encoded does not decode: {fault}"));
    encode_record(&again, &mut twice);
    assert_eq!(once, twice);
}

fn list(data: &[u8], parts: u32) {
    for item in items(data, parts) {
        if let Ok(Item::Run { first, count, .. }) = item {
            assert!(count > 0 && first + count <= parts);
        }
    }
}

fn built_list(u: &mut Unstructured<'_>) {
    let (mut builder, mut pushed) = (ListBuilder::new(), Vec::new());
    while !u.is_empty()
        && let Ok((part, kind)) = u.arbitrary::<(u8, u8)>()
    {
        match kind % 4 {
            0 => builder.push_part(Separator::None, u32::from(part)),
            1 => builder.push_part(Separator::Comma, u32::from(part)),
            _ => {
                let bytes = u.bytes(usize::from(part).min(u.len())).unwrap_or_default();
                builder.push_literal(bytes);
            }
        }
        pushed.push(part);
    }
    let mut encoded = Vec::new();
    builder.encode(&mut encoded);
    let read: Vec<_> = items(&encoded, 256).map(|item| item.expect("a list just made")).collect();
    assert!(builder.items().eq(read), "{pushed:?}");
}

/// Reading one by one and reading many say the same.
fn table(data: &[u8]) {
    let Ok(table) = Table::parse(data) else { return unchecked(Table::view(data)) };
    let (rows, (ids, ints)) = (table.rows(), table.shape());
    let start = rows.saturating_sub(ROWS);
    for column in (0..ids).take(4) {
        let (ids, mut many) = (table.ids(column), Vec::new());
        ids.read(start..rows + 1, &mut many);
        assert!((start..rows).filter_map(|row| ids.get(row)).eq(many.iter().copied()));
        assert_eq!((ids.get(rows), ids.get(usize::MAX)), (None, None));
        for id in many {
            let found = ids.find(start..rows, id);
            assert_eq!(found.and_then(|row| ids.get(row)), Some(id));
        }
    }
    for column in (ids..ids + ints).take(4) {
        let (ints, mut many) = (table.ints(column), Vec::new());
        ints.read(start..rows + 1, &mut many);
        assert!((start..rows).map(|row| ints.get(row)).eq(many.iter().copied()));
        assert_eq!((ints.get(rows), ints.get(usize::MAX)), (None, None));
        let _bounds = ints.zone_bounds(ints.zones());
    }
}

/// Whatever the bytes, reading is safe.
fn unchecked(table: Table<'_>) {
    for column in 0..3 {
        let (ids, ints) = (table.ids(column), table.ints(column));
        let rows = table.rows().saturating_sub(ROWS)..table.rows();
        ids.read(rows.clone(), &mut Vec::new());
        ints.read(rows.clone(), &mut Vec::new());
        let _some = (ids.get(rows.start), ints.get(rows.start), ints.zone_bounds(0));
    }
}

/// A table whose checksums are right, whatever else is not.
fn sealed_table(mut data: Vec<u8>) {
    Table::seal(&mut data);
    table(&data);
}

fn built_ints(u: &mut Unstructured<'_>) {
    let mut given: Vec<Option<i64>> = Vec::new();
    let mut builder = TableBuilder::new(0, 2);
    let fill = usize::from(u.arbitrary::<u8>().unwrap_or(0)) * 9;
    while !u.is_empty()
        && let Ok(wide) = u.arbitrary::<u8>()
    {
        given.push(match wide % 4 {
            0 => None,
            1 => u.arbitrary::<i8>().ok().map(i64::from),
            2 => u.arbitrary::<i32>().ok().map(i64::from),
            _ => u.arbitrary().ok(),
        });
    }
    let first = given.first().copied().flatten();
    given.extend(std::iter::repeat_n(first, fill));
    given.iter().for_each(|value| builder.push(&[], &[first, *value]));
    let bytes = builder.build();
    let ints = Table::parse(&bytes).expect("a table just made").ints(1);
    assert_eq!(ints.len(), given.len());
    let mut read = Vec::new();
    ints.read(0..given.len(), &mut read);
    assert_eq!(read, given);
    let bounds = ints.zone_bounds(0);
    let zone = given.iter().take(1024).flatten();
    assert_eq!(bounds, zone.clone().min().copied().zip(zone.max().copied()));
}

fn identity(u: &mut Unstructured<'_>) -> Result<Identity> {
    let form = Form::from_code(u.arbitrary::<u8>()? % 4).unwrap_or(Form::Text);
    let bits = match form {
        Form::Hex16 => u128::from(u.arbitrary::<u64>()?),
        _ => u.arbitrary()?,
    };
    Ok(Identity { form, bits })
}

fn built_ids(u: &mut Unstructured<'_>) {
    let (mut given, mut builder) = (Vec::new(), TableBuilder::new(1, 0));
    while !u.is_empty()
        && let Ok(id) = identity(u)
    {
        builder.push(&[id], &[]);
        given.push(id);
    }
    let bytes = builder.build();
    let mut read = Vec::new();
    let ids = Table::parse(&bytes).expect("a table just made").ids(0);
    ids.read(0..given.len(), &mut read);
    assert_eq!(read, given);
}

fn texts(data: &[u8]) {
    let Ok(texts) = Texts::parse(data) else { return };
    let rows = texts.len();
    for code in (0..rows.min(ROWS)).chain(rows.saturating_sub(2)..rows + 1) {
        let text = texts.get(u32::try_from(code).unwrap_or(u32::MAX));
        assert!(text.is_none() || code < rows);
    }
}

fn built_texts(u: &mut Unstructured<'_>) {
    let (mut given, mut builder) = (Vec::new(), TextsBuilder::new());
    while !u.is_empty()
        && let Ok(len) = u.arbitrary::<u8>()
    {
        let bytes = u.bytes(usize::from(len).min(u.len())).unwrap_or_default();
        let text = String::from_utf8_lossy(bytes).into_owned();
        given.push((builder.intern(&text), text));
    }
    let bytes = builder.build();
    let texts = Texts::parse(&bytes).expect("a section just made");
    assert!(given.iter().all(|(code, text)| texts.get(*code) == Some(text)));
}

fn blobs(data: &[u8]) {
    let Ok(blobs) = Blobs::parse(data) else { return };
    let rows = blobs.len();
    for row in (0..rows.min(4)).chain(rows.saturating_sub(2)..rows + 1) {
        assert!(blobs.get(row).is_err() || row < rows);
    }
    let mut out = Vec::new();
    for block in 0..blobs.blocks().min(4) {
        if let Ok((first, ends)) = blobs.read_block(block, &mut out) {
            assert!(first + ends.len() <= rows);
            assert_eq!(ends.last().copied().unwrap_or(0), out.len());
        }
    }
}

fn built_blobs(u: &mut Unstructured<'_>) {
    let mut builder = BlobsBuilder::new(1);
    let mut given: Vec<Vec<u8>> = Vec::new();
    while !u.is_empty()
        && let Ok((len, times)) = u.arbitrary::<(u8, u8)>()
    {
        let bytes = u.bytes(usize::from(len).min(u.len())).unwrap_or_default();
        given.push(bytes.repeat(usize::from(times % 64)));
    }
    given.iter().for_each(|row| builder.push(row));
    let bytes = builder.build();
    let blobs = Blobs::parse(&bytes).expect("a column just made");
    assert_eq!(blobs.len(), given.len());
    let (mut row, mut out) = (0, Vec::new());
    for block in 0..blobs.blocks() {
        let (first, ends) = blobs.read_block(block, &mut out).expect("a block just made");
        assert_eq!(first, row);
        let mut start = 0;
        for end in ends {
            assert_eq!(&out[start..end], given[row]);
            (start, row) = (end, row + 1);
        }
    }
    assert_eq!(row, given.len());
}

fn lookup(data: &[u8]) {
    let Ok(lookup) = Lookup::parse(data) else { return };
    let hash = data.last_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    assert!(lookup.candidates(hash).count() <= lookup.len());
}

fn merged(data: &[u8]) {
    let Ok(merged) = Merged::parse(data) else { return };
    let hash = data.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    for hash in merged.iter().take(8).map(|(hash, ..)| hash).chain([hash]) {
        let all = |found| merged.iter().any(|(h, s, r)| (h, (s, r)) == (hash, found));
        assert!(merged.find(hash).all(all));
    }
}

fn built_indexes(u: &mut Unstructured<'_>) {
    let mut given: Vec<(u64, u32, u32)> = Vec::new();
    while !u.is_empty()
        && let Ok((high, low, row)) = u.arbitrary::<(u8, u16, u8)>()
    {
        given.push((u64::from(high) << 56 | u64::from(low), u32::from(row % 4), u32::from(row)));
    }
    given.sort_unstable();
    let mut bytes = Vec::new();
    let written = write_merged(&|| given.iter().copied(), &mut |piece| {
        bytes.extend_from_slice(piece);
        Ok::<(), ()>(())
    });
    assert!(written.is_ok());
    let merged = Merged::parse(&bytes).expect("an index just made");
    let pairs = given.iter().map(|(hash, _, row)| (*hash, *row)).collect();
    let bytes = Lookup::build(pairs);
    let lookup = Lookup::parse(&bytes).expect("a lookup just made");
    for (hash, ..) in &given {
        let wanted = given.iter().filter(|item| item.0 == *hash);
        assert!(merged.find(*hash).eq(wanted.clone().map(|item| (item.1, item.2))));
        assert!(wanted.into_iter().all(|item| lookup.candidates(*hash).any(|row| row == item.2)));
    }
}

fn packed(data: &[u8]) {
    ZSTD.with_borrow_mut(|(compressor, decompressor)| {
        let (mut out, mut back) = (Vec::new(), Vec::new());
        let stored = pack(compressor, data, &mut out);
        assert_eq!(stored, out.len());
        let read = unpack(decompressor, &out, data.len(), &mut back);
        assert!(read.is_ok() && back == data);
    });
}

/// A length of ours and a frame of anybody's: no more than the length is ever given.
fn hostile_packed(data: &[u8]) {
    let Some((len, stored)) = data.split_first_chunk::<2>() else { return };
    let (len, mut out) = (usize::from(u16::from_le_bytes(*len)), Vec::new());
    ZSTD.with_borrow_mut(|(_, decompressor)| {
        let read = unpack(decompressor, stored, len, &mut out);
        assert!(read.is_err() || out.len() == len);
        assert!(out.capacity() <= len.max(stored.len()) + 64);
    });
}
