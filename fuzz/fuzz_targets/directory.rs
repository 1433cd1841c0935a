#![no_main]

use tracekeep_fuzz::{targets, within};

libfuzzer_sys::fuzz_target!(|data: &[u8]| within(512 << 20, targets::directory, data));
