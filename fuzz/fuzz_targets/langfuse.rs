#![no_main]

use tracekeep_fuzz::{targets, within};

libfuzzer_sys::fuzz_target!(|data: &[u8]| within(256 << 20, targets::langfuse, data));
