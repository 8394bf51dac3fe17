#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| taffrail_fuzz::rules(bytes));
