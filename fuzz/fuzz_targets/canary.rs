//! Fails on every input: if a run of it passes, the fuzzer is not looking.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| panic!("the canary sings: {} bytes", data.len()));
