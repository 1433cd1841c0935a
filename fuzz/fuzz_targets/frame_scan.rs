#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| tracekeep_fuzz::frame_scan(data));
