//! A payload file's content: every block, every part list, every payload.

use super::finding::Findings;
use super::prints::{Assembled, Prints};
use crate::error::Result;
use crate::fs::Dir;
use crate::id::StoreKey;
use crate::limits::{BLOCK_BYTES_MAX, PAYLOAD_BYTES_MAX};
use crate::segment::{PayloadFile, PayloadReader, Segment, columns};

/// Checks every block's checksum and decompression, and that every payload comes together with
/// its length and fingerprint. Cost: each block once. Memory: 16 bytes a part.
///
/// # Errors
/// `Io`.
pub fn check<D: Dir>(
    segment: &Segment<D>,
    file: &PayloadFile<D::Map>,
    key: &StoreKey,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut prints = Prints::new(key);
    let bytes = file.bytes().len() as u64;
    findings.meter.stage(bytes / 2);
    read_parts(segment, file, &mut prints, findings)?;
    let id = segment.id();
    let mut reader = PayloadReader::new(file, None);
    let lists = file.footer().sections.iter().find(|s| s.id == columns::LISTS);
    let at = lists.map_or(0, |s| s.offset);
    // A block of lists that is damaged is told once.
    let mut told = String::new();
    findings.meter.stage(bytes - bytes / 2);
    for number in 0..file.payloads() as u64 {
        findings.meter.step(number, file.payloads() as u64);
        let affects = format!("payload {number} of segment {id}");
        let Some(payload) = segment.payload(number) else {
            let expected = "length and fingerprint of a payload";
            findings.damage((segment.path(), 0), expected, "nothing", affects);
            continue;
        };
        let list = match reader.part_list(number) {
            Ok(list) => list,
            Err(error) => {
                let what = error.to_string();
                if what != told {
                    let affects = format!("payloads of segment {id} from {number} on");
                    findings.error(file.path(), error, "a part list", affects)?;
                    told = what;
                }
                continue;
            }
        };
        // So does one stand whose bytes had expired when it was rewritten.
        if list.is_empty() && payload.len > 0 {
            continue;
        }
        let found = match prints.assemble(&list, PAYLOAD_BYTES_MAX as u64) {
            Ok(Assembled::Unknown) => continue,
            Ok(Assembled::Payload { len, print }) => {
                if (len, print) == (payload.len, payload.print) {
                    continue;
                }
                format!("{len} bytes with fingerprint {print:016x}")
            }
            Err(fault) => fault.what,
        };
        let expected = format!("{} bytes with fingerprint {:016x}", payload.len, payload.print);
        findings.damage((file.path(), at), expected, found, affects);
    }
    Ok(())
}

fn read_parts<D: Dir>(
    segment: &Segment<D>,
    file: &PayloadFile<D::Map>,
    prints: &mut Prints,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let (id, facts) = (segment.id(), segment.facts());
    let section = |id| file.footer().sections.iter().find(|s| s.id == id);
    let blocks = section(columns::BLOCKS).map_or(0..0, |s| s.offset..s.offset + s.len);
    let directory = section(columns::BLOCK_DIRECTORY).map_or(0, |s| s.offset);
    let mut decompressor = match file.decompressor() {
        Ok(decompressor) => decompressor,
        Err(error) => {
            let affects = format!("payloads of segment {id}");
            return findings.error(file.path(), error, "a dictionary", affects);
        }
    };
    let (mut position, mut bytes) = (blocks.start, 0u64);
    for number in 0..file.blocks() {
        findings.meter.step(number as u64, file.blocks() as u64);
        let place = file.block_place(number);
        let (stored, first) = place.unwrap_or((0..0, 0));
        let next = file.block_place(number + 1).map_or(facts.parts, |(_, first)| first);
        let affects = format!("payloads of segment {id} from part {first} to {next}");
        if stored.start as u64 != position || first != prints.len() || next <= first {
            let expected = format!("a block at byte {position} from part {}", prints.len());
            let found = format!("one at byte {} from part {first}", stored.start);
            findings.damage((file.path(), directory), expected, found, &*affects);
        }
        position = stored.end as u64;
        match file.read_block(number, &mut decompressor) {
            Ok(block) => {
                for part in block.parts() {
                    bytes += part.len() as u64;
                    prints.push(part);
                }
            }
            Err(error) => findings.error(file.path(), error, "a block of parts", affects)?,
        }
        if next.saturating_sub(first) as usize <= BLOCK_BYTES_MAX {
            prints.skip_to(next);
        }
    }
    if position != blocks.end {
        let expected = format!("blocks up to byte {}", blocks.end);
        let affects = format!("payloads of segment {id}");
        findings.damage((file.path(), position), expected, format!("byte {position}"), affects);
    }
    let whole = prints.len() == facts.parts && file.parts() == facts.parts as usize;
    let damaged = prints.has_unknown();
    if !whole || (!damaged && bytes != facts.part_bytes) {
        let expected = format!("{} parts of {} bytes", facts.parts, facts.part_bytes);
        let found = format!("{} parts of {bytes} bytes", prints.len());
        findings.damage((file.path(), 0), expected, found, format!("payloads of segment {id}"));
    }
    Ok(())
}
