//! The worked example of `docs/format.md`: a log of one frame, compared with the page byte by
//! byte.

use super::Encoder;
use crate::codec::CODEC_ID;
use crate::codec::compress::Compressor;
use crate::frame::golden::{Fields, check};
use crate::frame::{
    FILE_HEADER_BYTES, FileHeader, FileKind, FrameKind, FrameWriter, Previous, scan,
};
use crate::id::{Id, StoreKey};
use crate::model::{ObservationKind, ObservationRecord, Operation, Timestamp};

const PAYLOAD: &str = r#"[{"role":"user","content":"Where is my parcel 4711?"}]"#;

/// The fields of the file, in order: how many bytes each takes, and what it is.
const FIELDS: Fields<'_> = &[
    (8, "file header: magic"),
    (2, "format"),
    (2, "oldest reader"),
    (4, "flags"),
    (16, "store id"),
    (32, "store key"),
    (8, "salt"),
    (8, "number"),
    (8, "created"),
    (8, "no log before"),
    (8, "its length"),
    (4, "its checksum"),
    (16, "zero"),
    (4, "checksum of the header"),
    (4, "frame: length of the payload"),
    (1, "kind: records"),
    (1, "codec"),
    (2, "zero"),
    (8, "seq"),
    (8, "promise: the header is durable"),
    (4, "no frame before"),
    (4, "checksum of the payload"),
    (4, "records"),
    (4, "raw bytes of parts"),
    (4, "zero"),
    (4, "checksum of the frame's header"),
    (4, "group: records"),
    (4, "lists"),
    (4, "parts"),
    (4, "first part"),
    (4, "pieces"),
    (4, "skeleton, raw"),
    (4, "skeleton, stored: the same, so it is not compressed"),
    (1, "length of the record"),
    (1, "target: observation"),
    (18, "trace: 32 hex digits, and a u128 follows"),
    (3, "observation: text of one byte, a"),
    (9, "time: zigzag, and a u64 follows"),
    (1, "operation: create"),
    (2, "body: fields, three of them"),
    (3, "field 1, kind; not weak; value 0, kind"),
    (1, "GENERATION"),
    (3, "field 2, name; not weak; value 7, text"),
    (5, "four bytes, plan"),
    (3, "field 18, input; not weak; value 11, payload"),
    (1, "its length"),
    (9, "its fingerprint, a u64"),
    (1, "its part list: the first of the frame"),
    (1, "length of the part list"),
    (2, "literal of one byte"),
    (2, "run of one part, number 0"),
    (2, "literal of one byte"),
    (1, "length of the part"),
    (4, "piece: raw"),
    (4, "stored: the same"),
    (4, "checksum"),
    (4, "parts"),
    (PAYLOAD.len() - 2, "the part"),
    (3, "padding"),
];

fn file() -> Vec<u8> {
    let mut key = [0; 32];
    (0u8..).zip(&mut key).for_each(|(i, byte)| *byte = i);
    let header = FileHeader {
        kind: FileKind::Log,
        store: 1,
        key: StoreKey(key),
        salt: 0x5a17,
        number: 1,
        created_ns: 0,
        previous: Previous::default(),
    };
    let trace = Id::parse("0af7651916cd43dd8448eb211c80319c").unwrap();
    let time = Timestamp::from_ms(1_768_204_800_000);
    let record = ObservationRecord::new(trace, Id::parse("a").unwrap(), time, Operation::Create)
        .kind(ObservationKind::Generation)
        .name("plan")
        .input(PAYLOAD);
    let mut encoder = Encoder::new(&header.key, 1 << 20);
    encoder.batch(vec![record.into()], &mut Vec::new());
    let group = encoder.take_group(None).group;
    let (mut body, mut out) = (Vec::new(), header.encode().to_vec());
    group.write(&mut Compressor::new(1), &mut body);
    let start = FILE_HEADER_BYTES as u64;
    let raw = u32::try_from(group.part_bytes()).unwrap();
    let mut frames = FrameWriter::new(header.salt, start);
    frames.frame(FrameKind::Records, CODEC_ID, 1, start, 1, raw, &body, &mut out);
    assert_eq!(scan(&out, &header).end, out.len() as u64);
    out
}

#[test]
fn the_worked_example_is_what_is_written() {
    check("log", &file(), 0, FIELDS);
}
