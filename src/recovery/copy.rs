use super::logs::ReadLog;
use crate::codec::CODEC_ID;
use crate::codec::compress::Compressor;
use crate::error::Result;
use crate::frame::{FILE_HEADER_BYTES, FileHeader, FrameKind, FrameRef, FrameWriter};
use crate::fs::{Dir, File, FileName};
use crate::id::{LogId, Seq};
use crate::log::{Encoded, Encoder, LogReader};
use crate::model::{PayloadRef, Record};
use crate::planted::{self, Bug};

/// Appends the records of `frames`, which were not promised durable, again to a new log under
/// their old seqs, and makes it durable. Gives the number of records and where the new log ends.
/// The caller names the log in the manifest.
///
/// # Errors
/// `Corruption`, `StorageFull`, `Io`; the new log is a stray file then.
pub fn copy_tail<D: Dir>(
    dir: &D,
    from: &ReadLog<D::File>,
    frames: &[FrameRef],
    header: &FileHeader,
    stream_bytes_max: usize,
) -> Result<(u64, u64)> {
    let file = dir.create(FileName::Log(LogId(header.number)))?;
    file.write_at(&header.encode(), 0)?;
    let mut writer = FrameWriter::new(header.salt, FILE_HEADER_BYTES as u64);
    let mut encoder = Encoder::new(&header.key, stream_bytes_max);
    let mut reader = LogReader::new(&from.table, 64);
    let mut copied = 0;
    for frame in frames.iter().filter(|f| f.header.kind == FrameKind::Records) {
        let mut copy = Copy { file: &file, writer: &mut writer, seq: frame.header.seq };
        let Some(more) = frame.header.records.checked_sub(1) else { continue };
        let last = Seq(frame.header.seq.0 + u64::from(more));
        // One by one: what was deduplicated together may be more than memory holds.
        for record in from.table.range(frame.header.seq, last)? {
            let record = with_bytes(record, &mut reader)?;
            let mut full: Vec<Encoded> = Vec::new();
            encoder.batch(vec![record], &mut full);
            full.iter().try_for_each(|encoded| copy.write(encoded))?;
            copied += 1;
        }
        copy.write(&encoder.take_group(None))?;
    }
    // SYNC: the manifest will say that the old log ends before these records.
    planted::unless(Bug::CopyNotSynced, || file.sync())?;
    let (offset, mut bytes) = (writer.offset(), Vec::new());
    let next = from.tail.seq.0;
    writer.frame(FrameKind::Marker, CODEC_ID, next, offset, 0, 0, &[], &mut bytes);
    file.write_at(&bytes, offset)?;
    // SYNC: from now on damage to what was copied must not pass for a torn tail.
    planted::unless(Bug::CopyNotSynced, || file.sync())?;
    // SYNC: the manifest must not name a log whose name can be lost.
    dir.sync()?;
    Ok((copied, writer.offset()))
}

/// Where the frames go that become of one.
struct Copy<'a, F: File> {
    file: &'a F,
    writer: &'a mut FrameWriter,
    /// Of the next record.
    seq: Seq,
}

impl<F: File> Copy<'_, F> {
    fn write(&mut self, encoded: &Encoded) -> Result<()> {
        let group = &encoded.group;
        let count = group.records();
        let kind = if count == 0 { FrameKind::Parts } else { FrameKind::Records };
        let (raw, offset) = (group.part_bytes() as u32, self.writer.offset());
        let (mut body, mut bytes) = (Vec::new(), Vec::new());
        group.write(&mut Compressor::new(1), &mut body);
        self.writer.frame(kind, CODEC_ID, self.seq.0, 0, count, raw, &body, &mut bytes);
        self.seq = Seq(self.seq.0 + u64::from(count));
        self.file.write_at(&bytes, offset)
    }
}

fn with_bytes<F: File>(
    record: Record<PayloadRef>,
    reader: &mut LogReader<'_, F>,
) -> Result<Record> {
    let mut failed = None;
    let record = record.map_payloads(&mut |p: PayloadRef| {
        let mut bytes = Vec::new();
        if let Err(e) = reader.read(p.number, p.len, &mut bytes) {
            failed.get_or_insert(e);
        }
        bytes
    });
    failed.map_or(Ok(record), Err)
}
