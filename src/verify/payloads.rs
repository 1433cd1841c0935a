//! A payload file's content: every block, every part list, every payload.

use super::finding::Findings;
use super::needed::{Lost, Needed};
use super::prints::{Assembled, Prints};
use crate::codec::compress::Decompressor;
use crate::error::{Corruption, Result};
use crate::fs::Dir;
use crate::id::StoreKey;
use crate::limits::PAYLOAD_BYTES_MAX;
use crate::segment::{PayloadFile, PayloadReader, Segment, columns};

/// Checks every block's checksum and decompression, and that every payload comes together with
/// its length and fingerprint. Cost: each block once. Memory: 16 bytes a part.
///
/// # Errors
/// `Io`.
pub fn check<D: Dir>(
    segment: &Segment<D>,
    file: &PayloadFile<D::Map>,
    needed: &Needed<'_, D>,
    key: &StoreKey,
    findings: &mut Findings<'_>,
) -> Result<()> {
    let mut prints = Prints::new(key);
    let bytes = file.bytes().len() as u64;
    findings.meter.stage(bytes / 2);
    let blocks = read_parts(segment, file, &mut prints, findings)?;
    let mut bad = Vec::new();
    let id = segment.id();
    let mut reader = PayloadReader::new(file, None);
    let at = file.footer().offset(columns::LISTS);
    let mut told = None;
    findings.meter.stage(bytes - bytes / 2);
    for number in 0..file.payloads() as u64 {
        findings.meter.step(number, file.payloads() as u64);
        let Some(payload) = segment.payload(number) else {
            let expected = "length and fingerprint of a payload";
            let affects = format!("payload {number} of segment {id}");
            findings.damage((segment.path(), 0), expected, "nothing", affects);
            continue;
        };
        let list = match reader.part_list(number) {
            Ok(list) => list,
            Err(error) => {
                let Some(c) = error.corruption() else { return Err(error) };
                lost_list(number, c, &mut told, &mut bad);
                continue;
            }
        };
        // So does one stand whose bytes had expired when it was rewritten.
        if list.is_empty() && payload.len > 0 {
            continue;
        }
        let found = match prints.assemble(&list, PAYLOAD_BYTES_MAX as u64) {
            Ok(Assembled::Unknown(_)) => continue,
            Ok(Assembled::Payload { len, print }) => {
                if (len, print) == (payload.len, payload.print) {
                    continue;
                }
                format!("{len} bytes with fingerprint {print:016x}")
            }
            Err(fault) => fault.what,
        };
        let expected = format!("{} bytes with fingerprint {:016x}", payload.len, payload.print);
        bad.push(Lost::payloads(number..number + 1, at, expected, found));
    }
    needed.report(file, blocks, bad, findings)
}

/// A list that cannot be read: its block is told once.
fn lost_list(number: u64, why: &Corruption, told: &mut Option<u64>, bad: &mut Vec<Lost>) {
    match bad.last_mut().filter(|lost| *told == Some(why.offset) && lost.payloads.end == number) {
        Some(lost) => lost.extend(),
        None => {
            let (expected, found) = ("a part list".to_owned(), why.what.clone());
            bad.push(Lost::payloads(number..number + 1, why.offset, expected, found));
            *told = Some(why.offset);
        }
    }
}

fn read_parts<D: Dir>(
    segment: &Segment<D>,
    file: &PayloadFile<D::Map>,
    prints: &mut Prints,
    findings: &mut Findings<'_>,
) -> Result<Vec<Lost>> {
    let mut lost = Vec::new();
    let (id, facts) = (segment.id(), segment.facts());
    let blocks = file.footer().find(columns::BLOCKS).map_or(0..0, |s| s.offset..s.offset + s.len);
    let directory = file.footer().offset(columns::BLOCK_DIRECTORY);
    let dictionary = match file.dictionary() {
        Ok(dictionary) => dictionary,
        Err(error) => {
            let affects = format!("payloads of segment {id}");
            findings.error(file.path(), error, "a dictionary", affects)?;
            return Ok(lost);
        }
    };
    let mut decompressor = Decompressor::with_dictionary(dictionary.as_ref());
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
            Err(error) => {
                let Some(c) = error.corruption() else { return Err(error) };
                lost.push(Lost::parts(first..next, c.offset, "a block of parts", c.what.clone()));
            }
        }
        prints.skip_to(next);
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
        let found = format!("{} parts of {bytes} bytes", file.parts());
        findings.damage((file.path(), 0), expected, found, format!("payloads of segment {id}"));
    }
    Ok(lost)
}
