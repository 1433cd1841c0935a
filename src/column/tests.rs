use super::*;
use crate::id::{Form, Identity};
use crate::limits::ZONE_ROWS;
use proptest::collection::vec;
use proptest::prelude::*;

fn ints(values: &[Option<i64>]) -> Vec<u8> {
    let mut builder = TableBuilder::new(0, 1);
    values.iter().for_each(|v| builder.push(&[], &[*v]));
    builder.build()
}

fn ids(values: &[Identity]) -> Vec<u8> {
    let mut builder = TableBuilder::new(1, 0);
    values.iter().for_each(|v| builder.push(&[*v], &[]));
    builder.build()
}

/// Bytes of a table of so many columns and groups beside its zones' data.
fn frame(columns: usize, groups: usize) -> usize {
    16 + 8 * (columns + groups + 1) + 32 * columns * groups + 16
}

fn check_ints(values: &[Option<i64>]) {
    let bytes = ints(values);
    assert_eq!(bytes.len() % 8, 0);
    let column = Table::parse(&bytes).unwrap().ints(0);
    assert_eq!(column.len(), values.len());
    for (row, value) in values.iter().enumerate() {
        assert_eq!(column.get(row), *value, "row {row}");
    }
    assert_eq!(column.get(values.len()), None);
    let mut all = Vec::new();
    column.read(0..usize::MAX, &mut all);
    assert_eq!(all, values);
    let (from, to) = (values.len() / 3, values.len() - values.len() / 4);
    let mut some = Vec::new();
    column.read_or(from..to, -7, &mut some);
    let expected: Vec<i64> = values[from..to].iter().map(|v| v.unwrap_or(-7)).collect();
    assert_eq!(some, expected);
    for (zone, rows) in values.chunks(ZONE_ROWS).enumerate() {
        let present = || rows.iter().flatten().copied();
        assert_eq!(column.zone_bounds(zone), present().min().zip(present().max()));
    }
    assert_eq!(column.zone_bounds(column.zones()), None);
}

/// Values of a scale of their own, so that every width occurs.
fn int_rows() -> impl Strategy<Value = Vec<Option<i64>>> {
    let scaled = (any::<i64>(), 0u32..64, 0u32..4, 1usize..2500).prop_flat_map(
        |(base, shift, step, rows)| {
            let step = [1i64, 1000, 1_000_000, 7][step as usize];
            let value = any::<i64>().prop_map(move |v| {
                base.wrapping_add((v >> shift).wrapping_div(step).wrapping_mul(step))
            });
            vec(prop_oneof![1 => Just(None), 9 => value.prop_map(Some)], rows)
        },
    );
    prop_oneof![scaled, vec(any::<Option<i64>>(), 0..100), vec(Just(None), 0..5000)]
}

#[test]
fn ints_hold_the_whole_range() {
    check_ints(&[]);
    check_ints(&[Some(i64::MIN), Some(i64::MAX)]);
    check_ints(&[Some(i64::MIN), None, Some(i64::MAX), Some(0), None, Some(-1)]);
    check_ints(&[None]);
    for bit in 0..63 {
        check_ints(&[Some(0), None, Some(1 << bit), Some((1i64 << bit).wrapping_sub(1)), Some(1)]);
    }
}

#[test]
fn constant_zones_take_no_data() {
    assert_eq!(ints(&vec![None; 100_000]).len(), frame(1, 98));
    assert_eq!(ints(&vec![Some(12); 100_000]).len(), frame(1, 98));
    check_ints(&vec![Some(12); 3 * ZONE_ROWS + 1]);
    let mut two = vec![Some(12); ZONE_ROWS];
    two.push(None);
    check_ints(&two);
}

#[test]
fn whole_milliseconds_take_no_bits_for_nanoseconds() {
    let values: Vec<_> =
        (0..1024).map(|i| Some(1_768_204_800_000_000_000 + i * 1_000_000)).collect();
    check_ints(&values);
    assert_eq!(ints(&values).len(), frame(1, 1) + 1024 * 10 / 8);
}

/// Two columns of identities and two of integers.
fn wide_table(rows: u64) -> Vec<u8> {
    let mut builder = TableBuilder::new(2, 2);
    for row in 0..rows {
        let id = |form| Identity { form, bits: u128::from(row) * 7 };
        let ids = [id(Form::Hex16), id(if row % 3 == 0 { Form::Text } else { Form::Uuid })];
        builder.push(&ids, &[Some(row as i64), (row % 5 != 0).then_some(row as i64 * 1000)]);
    }
    builder.build()
}

#[test]
fn columns_of_a_table_stand_beside_one_another() {
    let rows = 2 * ZONE_ROWS as u64 + 100;
    let bytes = wide_table(rows);
    let table = Table::parse(&bytes).unwrap();
    assert_eq!((table.rows(), table.groups(), table.shape()), (rows as usize, 3, (2, 2)));
    for row in [0, 1, ZONE_ROWS - 1, ZONE_ROWS, rows as usize - 1] {
        let id = table.ids(1).get(row).unwrap();
        assert_eq!((id.bits, id.form == Form::Text), (row as u128 * 7, row % 3 == 0));
        assert_eq!(table.ints(2).get(row), Some(row as i64));
        let some = (!row.is_multiple_of(5)).then_some(row as i64 * 1000);
        assert_eq!(table.ints(3).get(row), some);
    }
    let spent: u64 = (0..4).map(|column| table.spent(column)).sum();
    assert_eq!(spent as usize + frame(4, 3) - 32 * 4 * 3, bytes.len());
    assert_eq!(table.group(1).end, table.group(2).start);
    assert_eq!(Table::front_bytes(rows as usize, (2, 2)), table.group(0).start);
    let places = [0..1, 0..ZONE_ROWS + 1, rows as usize - 1..rows as usize];
    let expected = [table.group(0), table.group(0).start..table.group(1).end, table.group(2)];
    assert_eq!(places.map(|rows| table.place(rows)), expected);
    // What is told of it is what is read to check it.
    let mut bytes = bytes.clone();
    let others = table.identities(1).end;
    bytes[others..].fill(0xff);
    assert_eq!(Table::view(&bytes).check_zone(1, 0), Ok(()));
    assert!(others < table.group(1).end);
}

#[test]
fn a_changed_zone_is_a_fault_and_no_other_is() {
    let bytes = wide_table(2 * ZONE_ROWS as u64);
    let group = Table::parse(&bytes).unwrap().group(1);
    for at in [group.start + 32, group.start + 60, group.start + 4 * 32 + ZONE_ROWS * 8] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let table = Table::open(&bytes).unwrap();
        let sound: Vec<bool> = (0..4).map(|column| table.check_zone(1, column).is_ok()).collect();
        assert_eq!(sound, [true, false, true, true], "byte {at}");
        assert!(table.check_group(0).is_ok() && table.check_group(1).is_err());
    }
    // Zones that changed places are as they were written, but for where they are.
    let mut moved = bytes.clone();
    moved.copy_within(Table::view(&bytes).group(0), group.start);
    let table = Table::open(&moved).unwrap();
    assert!((0..4).all(|column| table.check_zone(1, column).is_err()));
}

#[test]
fn groups_are_found_without_a_directory() {
    let rows = 2 * ZONE_ROWS as u64 + 100;
    let bytes = wide_table(rows);
    let mut damaged = bytes.clone();
    damaged[0..80].fill(0xa5);
    assert!(Table::open(&damaged).is_err());
    let found = Table::find_groups(&damaged, Some(rows as usize), (2, 2));
    let (table, whole) = (Table::parse(&found).unwrap(), Table::view(&bytes));
    for row in 0..rows as usize {
        assert_eq!(table.ids(1).get(row), whole.ids(1).get(row));
        assert_eq!(table.ints(3).get(row), whole.ints(3).get(row));
    }
    let without = Table::without(&bytes, &[(1, 1), (1, 3)]);
    let table = Table::view(&without);
    let row = ZONE_ROWS + 1;
    assert_eq!((table.ids(1).get(row), table.ints(3).get(row)), (None, None));
    assert_eq!(table.ints(2).get(row), Some(row as i64));
    let ids: Vec<_> = (0..rows as usize).filter_map(|row| table.ids(1).get(row)).collect();
    let mut read = Vec::new();
    table.ids(1).read(0..rows as usize, &mut read);
    assert_eq!((read.len(), read == ids), (rows as usize - ZONE_ROWS, true));
    let last = whole.ids(1).get(rows as usize - 1).unwrap();
    assert_eq!(table.ids(1).find(0..rows as usize, last), Some(rows as usize - 1));
}

fn identity() -> impl Strategy<Value = Identity> {
    (0u8..4, any::<u128>()).prop_map(|(form, bits)| {
        let form = Form::from_code(form).unwrap();
        Identity { form, bits: if form == Form::Hex16 { bits >> 64 } else { bits } }
    })
}

fn id_rows() -> impl Strategy<Value = Vec<Identity>> {
    let one_form = (identity(), vec(any::<u64>(), 0..2500)).prop_map(|(first, rows)| {
        rows.iter().map(|bits| Identity { bits: u128::from(*bits), ..first }).collect()
    });
    prop_oneof![one_form, vec(identity(), 0..1500)]
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    // Small counts in front, so that the parsers get past them.
    let header = (0u32..5000, 0u32..6)
        .prop_map(|(rows, slots)| [rows.to_le_bytes(), slots.to_le_bytes()].concat());
    let table = (0u32..5000, 0u16..3, 0u16..3, 0u64..300).prop_map(|(rows, ids, ints, at)| {
        let mut head = rows.to_le_bytes().to_vec();
        head.extend([ids.to_le_bytes(), ints.to_le_bytes()].concat());
        head.resize(16, 0);
        head.extend(at.to_le_bytes().repeat(usize::from(ids + ints) + 6));
        head
    });
    (prop_oneof![header, table, vec(any::<u8>(), 0..9)], vec(any::<u8>(), 0..400))
        .prop_map(|(head, tail)| [head, tail].concat())
}

/// Reads all there is, for columns whose bytes mean nothing.
fn check_reading_everything(bytes: &[u8]) {
    let rows = [0usize, 1, 63, 1023, 1024, 4999, usize::MAX];
    let _ = (Table::parse(bytes), Table::find_groups(bytes, None, (1, 1)));
    for table in [Some(Table::view(bytes)), Table::open(bytes).ok()].into_iter().flatten() {
        for column in 0..4 {
            let _ = (table.check_zone(0, column), table.check_group(3), table.spent(column));
            let ints = table.ints(column);
            rows.iter().for_each(|row| {
                let _ = (ints.get(*row), ints.zone_bounds(*row));
            });
            ints.read(0..5000, &mut Vec::new());
            ints.read_or(900..2100, 0, &mut Vec::new());
            let ids = table.ids(column);
            rows.iter().for_each(|row| {
                let _ = ids.get(*row);
            });
            ids.read(0..5000, &mut Vec::new());
            for code in 0..4 {
                let wanted = Identity { form: Form::from_code(code).unwrap(), bits: u128::MAX };
                ids.find(0..usize::MAX, wanted);
            }
        }
        let _ = Table::without(bytes, &[(0, 0), (9, 9)]);
    }
    for column in [Some(Texts::view(bytes)), Texts::parse(bytes).ok()].into_iter().flatten() {
        (0..40).for_each(|code| {
            let _ = column.get(code);
        });
        let _ = (column.get(u32::MAX), column.len());
    }
    for column in [Some(Blobs::view(bytes)), Blobs::parse(bytes).ok()].into_iter().flatten() {
        rows.iter().for_each(|row| drop((column.get(*row), column.block_of(*row))));
        (0..8).for_each(|block| drop(column.read_block(block, &mut Vec::new())));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn ints_come_back(values in int_rows()) {
        check_ints(&values);
    }

    #[test]
    fn ids_come_back(values in id_rows(), pick in any::<prop::sample::Index>()) {
        let bytes = ids(&values);
        let column = Table::parse(&bytes).unwrap().ids(0);
        for (row, value) in values.iter().enumerate() {
            prop_assert_eq!(column.get(row), Some(*value));
        }
        prop_assert_eq!(column.get(values.len()), None);
        let from = values.len() / 3;
        let mut some = Vec::new();
        column.read(from..usize::MAX, &mut some);
        prop_assert_eq!(&some[..], &values[from..]);
        if !values.is_empty() {
            let wanted = values[pick.index(values.len())];
            let expected = values[from..].iter().position(|v| *v == wanted).map(|i| i + from);
            prop_assert_eq!(column.find(from..values.len(), wanted), expected);
        }
    }

    #[test]
    fn texts_come_back(values in vec(".{0,40}", 0..1500)) {
        let mut builder = TextsBuilder::new();
        let codes: Vec<u32> = values.iter().map(|v| builder.intern(v)).collect();
        let distinct = builder.len();
        let bytes = builder.build();
        let texts = Texts::parse(&bytes).unwrap();
        prop_assert_eq!(texts.len(), distinct);
        for (code, value) in codes.iter().zip(&values) {
            prop_assert_eq!(texts.get(*code), Some(value.as_str()));
        }
        prop_assert_eq!(texts.get(distinct as u32), None);
    }

    #[test]
    fn blobs_come_back(values in vec(prop_oneof![
        4 => Just(Vec::new()), 4 => vec(any::<u8>(), 0..300), 1 => vec(0u8..3, 0..70_000)
    ], 0..60), repeat in 1usize..4) {
        let mut builder = BlobsBuilder::new(3);
        let rows: Vec<&Vec<u8>> = std::iter::repeat_n(&values, repeat).flatten().collect();
        rows.iter().for_each(|row| builder.push(row));
        let bytes = builder.build();
        prop_assert_eq!(bytes.len() % 8, 0);
        let column = Blobs::parse(&bytes).unwrap();
        prop_assert_eq!(column.len(), rows.len());
        for (row, value) in rows.iter().enumerate() {
            prop_assert_eq!(&column.get(row).unwrap(), *value);
        }
        prop_assert!(column.get(rows.len()).is_err());
        let mut seen = 0;
        for block in 0..column.blocks() {
            let mut out = Vec::new();
            let (first, ends) = column.read_block(block, &mut out).unwrap();
            prop_assert_eq!(first, seen);
            prop_assert_eq!(column.block_of(first), Some(block));
            let whole: Vec<u8> = rows[seen..seen + ends.len()].iter().copied().flatten().copied().collect();
            prop_assert_eq!(out, whole);
            seen += ends.len();
        }
        prop_assert_eq!(seen, rows.len());
    }

    #[test]
    fn hostile_bytes_never_panic(bytes in hostile()) {
        check_reading_everything(&bytes);
    }

    #[test]
    fn damaged_columns_never_panic(
        values in int_rows(), id_values in id_rows(), at in any::<prop::sample::Index>(), byte in any::<u8>()
    ) {
        let mut blobs = BlobsBuilder::new(1);
        let mut texts = TextsBuilder::new();
        for value in &values {
            let text = format!("{value:?}");
            blobs.push(text.as_bytes());
            texts.intern(&text);
        }
        for mut bytes in [ints(&values), ids(&id_values), blobs.build(), texts.build()] {
            // Damage is likelier to matter in the directory.
            let at = at.index(bytes.len().min(200));
            bytes[at] = byte;
            check_reading_everything(&bytes);
            bytes.truncate(at);
            check_reading_everything(&bytes);
        }
    }

    #[test]
    fn a_changed_block_is_a_fault(rows in vec(vec(any::<u8>(), 1..50), 1..20), bit in any::<prop::sample::Index>()) {
        let mut builder = BlobsBuilder::new(3);
        rows.iter().for_each(|row| builder.push(row));
        let mut bytes = builder.build();
        let stored = u32::from_le_bytes(bytes[24..28].try_into().unwrap()) as usize;
        let bit = bit.index(stored * 8);
        bytes[16 + 24 + bit / 8] ^= 1 << (bit % 8);
        prop_assert!(Blobs::parse(&bytes).unwrap().get(0).is_err());
    }
}

/// Rows that say what others say, many of them in each block, and a number of their own.
fn alike(rows: u64) -> Vec<Vec<u8>> {
    let mut rng = tracekeep_workload::Rng::new(3);
    let texts: Vec<Vec<u8>> =
        (0..200).map(|_| (0..40).map(|_| rng.next_u64() as u8).collect()).collect();
    let row = |row: u64| {
        let text = &texts[rng.next_u64() as usize % texts.len()];
        [text.as_slice(), &row.to_le_bytes()].concat()
    };
    (0..rows).map(row).collect()
}

fn blobs_of(rows: &[Vec<u8>]) -> Vec<u8> {
    let mut builder = BlobsBuilder::new(9);
    rows.iter().for_each(|row| builder.push(row));
    builder.build()
}

fn dictionary_bytes(column: &[u8]) -> usize {
    u32::from_le_bytes(column[8..12].try_into().unwrap()) as usize
}

#[test]
fn a_column_has_a_dictionary_where_it_pays() {
    let rows = alike(40_000);
    let bytes = blobs_of(&rows);
    let with = dictionary_bytes(&bytes);
    assert!((8 << 10..20 << 10).contains(&with), "{with}");
    // Each block by itself says once more what the dictionary says once for all.
    let few = blobs_of(&rows[..100]);
    assert_eq!(dictionary_bytes(&few), 0);
    assert!(bytes.len() < few.len() * 300, "{} bytes, {} for a hundred", bytes.len(), few.len());
    let column = Blobs::parse(&bytes).unwrap();
    assert!(with < Blobs::HEAD_BYTES && Blobs::HEAD_BYTES < column.place(0..1).start);
    let (all, some) = (column.place(0..rows.len()), column.place(20_000..20_001));
    assert!(all.start < some.start && some.end < all.end && all.end <= bytes.len());
    assert_eq!((column.place(0..0), column.place(rows.len()..rows.len() + 1)), (0..0, 0..0));
    for row in (0..rows.len()).step_by(997) {
        assert_eq!(column.get(row).unwrap(), rows[row]);
    }
    let mut rng = tracekeep_workload::Rng::new(4);
    let noise: Vec<Vec<u8>> = (0..40_000).map(|_| rng.next_u64().to_le_bytes().to_vec()).collect();
    assert_eq!(dictionary_bytes(&blobs_of(&noise)), 0);
}

#[test]
fn a_changed_dictionary_is_a_fault() {
    let mut bytes = blobs_of(&alike(40_000));
    let (start, len) = (16, dictionary_bytes(&bytes));
    for at in [start, start + len / 2, start + len - 1] {
        bytes[at] ^= 4;
        assert_eq!(Blobs::parse(&bytes).unwrap_err().at, start as u64);
        bytes[at] ^= 4;
    }
    assert!(Blobs::parse(&bytes).is_ok());
    bytes[12] ^= 1;
    assert!(Blobs::parse(&bytes).is_err(), "the checksum itself");
}
