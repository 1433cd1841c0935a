//! Changes to bytes, as disks, copies and people make them. An input says which.

use arbitrary::{Result, Unstructured};

/// Most changes that one input makes: more would only make it slow.
const EDITS_MAX: usize = 16;

/// Calls `change` for as long as the input has something to say.
pub fn each(u: &mut Unstructured<'_>, change: &mut dyn FnMut(&mut Unstructured<'_>) -> Result<()>) {
    for _ in 0..EDITS_MAX {
        if u.is_empty() || change(u).is_err() {
            return;
        }
    }
}

/// One change of these bytes; they may get longer or shorter.
pub fn bytes(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    let kind: u8 = u.arbitrary()?;
    let at = usize::from(u.arbitrary::<u16>()?) % (bytes.len() + 1);
    let rest = bytes.len() - at;
    match kind % 8 {
        0 => {
            let flip = u.arbitrary::<u8>()?;
            bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= flip);
        }
        1 => overwrite(bytes, at, &[u.arbitrary()?]),
        2 => overwrite(bytes, at, &u.arbitrary::<u32>()?.to_le_bytes()),
        3 => overwrite(bytes, at, &u.arbitrary::<u64>()?.to_le_bytes()),
        4 => {
            let len = usize::from(u.arbitrary::<u8>()?).min(rest);
            bytes.drain(at..at + len);
        }
        5 => {
            let len = usize::from(u.arbitrary::<u8>()?).min(u.len());
            bytes.splice(at..at, u.bytes(len)?.iter().copied());
        }
        6 => bytes.truncate(at),
        // What was meant for another place, or never written.
        _ => {
            let len = usize::from(u.arbitrary::<u8>()?).min(rest);
            let from = usize::from(u.arbitrary::<u16>()?) % (bytes.len() + 1);
            let moved = match bytes.get(from..from + len) {
                Some(found) => found.to_vec(),
                None => vec![0; len],
            };
            overwrite(bytes, at, &moved);
        }
    }
    Ok(())
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    bytes.iter_mut().skip(at).zip(with).for_each(|(byte, new)| *byte = *new);
}
