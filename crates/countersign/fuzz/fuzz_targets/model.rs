//! Whole deliveries of every provider, with arbitrary keys: the crate's verdict is the model's, and so is all that it tells of them.
#![no_main]

use countersign_fuzz::deliveries;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    deliveries::judge(input);
});
