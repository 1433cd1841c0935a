//! A segment's dictionary, trained from the parts that it will hold.

use super::rewrite::Rewrite;
use crate::codec::compress::Decompressor;
use crate::codec::train::train;
use crate::error::Result;
use crate::fs::Dir;
use crate::limits::{DICTIONARY_BYTES_MAX, DICTIONARY_SAMPLE_BYTES_MAX};
use crate::log::LogReader;
use crate::snapshot::View;
use crate::sync::give_way;

/// Fewer bytes of parts than this are not worth one.
const PART_BYTES_MIN: usize = 1 << 20;

/// Adds a part to the samples, where there is room.
fn sample(samples: &mut Vec<u8>, part: &[u8]) {
    if samples.len() + part.len() <= DICTIONARY_SAMPLE_BYTES_MAX {
        samples.extend_from_slice(part);
    }
}

/// A dictionary for what is to be rewritten; empty where it would not pay. That of a segment which
/// brings half of the parts or more is taken over: what it holds need not be learned again. Else one
/// is trained. Cost: some 50 ms. Memory: the samples, 8 MiB, and what training takes.
///
/// # Errors
/// `Corruption`, `Io`.
pub fn dictionary<D: Dir>(view: &View<D>, rewrite: &Rewrite) -> Result<Vec<u8>> {
    let mut samples = Vec::new();
    let logs: Vec<_> = view.logs.iter().take(rewrite.logs).collect();
    let log_parts: usize = logs.iter().map(|l| l.parts() as usize).sum();
    let segments: Vec<_> =
        rewrite.segments.clone().filter_map(|at| view.segments.get(at)).collect();
    let segment_parts: usize = segments.iter().map(|s| s.segment.facts().parts as usize).sum();
    for s in &segments {
        let most = s.segment.facts().parts as usize * 2 >= log_parts + segment_parts;
        let file = if most { s.segment.payloads()? } else { None };
        if let Some(file) = file.filter(|file| !file.dictionary_bytes().is_empty()) {
            return Ok(file.dictionary_bytes().to_vec());
        }
    }
    let segment_bytes: u64 = segments.iter().map(|s| s.segment.facts().part_bytes).sum();
    let estimated = log_parts * 512 + usize::try_from(segment_bytes).unwrap_or(usize::MAX / 2);
    // Every n-th part, so that the samples are spread over all that there is.
    let step = (estimated / DICTIONARY_SAMPLE_BYTES_MAX).max(1);
    for log in logs {
        let mut reader = LogReader::new(log, 4);
        for part in (0..log.parts()).step_by(step) {
            reader.part(part, &mut |bytes| {
                sample(&mut samples, bytes);
                Ok(())
            })?;
            give_way();
        }
    }
    for s in segments {
        let Some(file) = s.segment.payloads()? else { continue };
        let dictionary = file.dictionary()?;
        let mut decompressor = Decompressor::with_dictionary(dictionary.as_ref());
        for block in (0..file.blocks()).step_by(step) {
            file.read_block(block, &mut decompressor)?
                .parts()
                .for_each(|part| sample(&mut samples, part));
            give_way();
        }
    }
    if samples.len() < PART_BYTES_MIN {
        return Ok(Vec::new());
    }
    let max = DICTIONARY_BYTES_MAX.min(samples.len() / 50);
    Ok(train(&samples, max, &mut give_way))
}
