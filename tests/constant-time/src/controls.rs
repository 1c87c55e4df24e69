//! Comparisons that take longer for one class. If the harness sees no difference here, its other results prove nothing.

use std::hint::black_box;

use countersign::{Secret, Signer, providers};

use crate::case::{Case, Class};
use crate::value::change;

const HEX: &[u8] = b"0123456789abcdef";

/// The length of the value, longer than any tag. `==` compares dozens of bytes at once, so the difference within a tag is hardly visible.
const LONG: usize = 4096;

pub fn all() -> Vec<Case> {
    vec![equality(), byte_by_byte()]
}

/// Compares two slices with `==`, without any other work.
fn equality() -> Case {
    let right = vec![b'0'; LONG];
    let wrong_at = |at: usize| Class::new(right.clone(), move |value| change(&mut value[at], b'0', HEX));
    let classes = [wrong_at(0), wrong_at(LONG - 1)];
    Case::new(format!("control: first | last byte, {LONG} B by =="), classes, move |value| black_box(value) != black_box(&right[..]))
        .control()
}

/// A receiver written by hand. A loop compares the header with the right value, and ends at the first difference.
fn byte_by_byte() -> Case {
    let signer = Signer::new(providers::JIRA, Secret::new("the first secret")).unwrap();
    let body: &[u8] = &[b'b'; 64];
    let right = move || signer.sign(black_box(body)).remove(0).1.into_bytes();
    let wrong_at = |at: usize| {
        let (value, was) = (right(), right()[at]);
        Class::new(value, move |value| change(&mut value[at], was, HEX))
    };
    let start = "sha256=".len();
    let classes = [wrong_at(start), wrong_at(start + 63)];
    let rejects = move |value: &[u8]| value.iter().zip(&right()).any(|(theirs, ours)| theirs != ours);
    Case::new("control: first | last digit, signed and compared byte by byte", classes, rejects).control()
}
