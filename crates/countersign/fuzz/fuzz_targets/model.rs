//! Whole deliveries of every provider, with arbitrary keys. The crate and the model must agree on the verdict and on every reported fact.
#![no_main]

use countersign_fuzz::deliveries;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    deliveries::judge(input);
});
