//! Takes more memory than it may on every input: if a run of it passes, nobody counts.

#![no_main]

fn hoard(data: &[u8]) {
    let much = vec![data.len() as u8 | 1; 64 << 20];
    assert!(much.iter().all(|byte| *byte > 0));
}

libfuzzer_sys::fuzz_target!(|data: &[u8]| tracekeep_fuzz::within(32 << 20, hoard, data));
