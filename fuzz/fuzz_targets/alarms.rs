#![no_main]

libfuzzer_sys::fuzz_target!(init: taffrail_fuzz::contain(), |bytes: &[u8]| taffrail_fuzz::alarms(bytes));
