//! Gets the answers of one side to a case.

use bytes::Bytes;

use super::answers::{judged, proof, refusal};
use super::build::Built;
use super::library::adapter::Outcome;
use super::library::{Rejection, RequestHead};
use super::receive;
use crate::answer::{Answer, End, Entry, Head};
use crate::case::Case;

pub fn answer(entry: Entry, built: &Built, case: &Case) -> Answer {
    let answer = if case.as_list { of_head(entry, built, case, &case.request.fields) } else { of_head(entry, built, case, &case.request) };
    assert_eq!(built.charged(), 0, "the budget is still charged after the delivery");
    answer
}

fn of_head(entry: Entry, built: &Built, case: &Case, head: &impl RequestHead) -> Answer {
    match entry {
        Entry::VerifyAt => judged(built.verifier.verify_at(head, &case.script.body, case.now), true),
        Entry::Verify => judged(built.verifier.verify(head, &case.script.body), true),
        Entry::BeginAt => begin_at(built, case, head),
        Entry::Head => Answer::Head(Head {
            fault: built.verifier.head_fault(head).map(|kind| kind.as_str()),
            announces_body: head.announces_body(),
            unverified_timestamps: built
                .verifier
                .schemes()
                .map(|scheme| scheme.unverified_timestamp(head).map(Bytes::copy_from_slice))
                .collect(),
        }),
        Entry::Receive | Entry::HeadFirst => {
            let _occupied = built.occupy(case.occupied);
            Answer::Received(Box::new(receive::receive(built, case, head, entry == Entry::HeadFirst)))
        }
    }
}

fn begin_at(built: &Built, case: &Case, head: &impl RequestHead) -> Answer {
    match built.verifier.begin_at(head, case.now) {
        Err(rejection) => judged(Err(rejection), false),
        Ok(mut verification) => {
            for piece in &case.pieces {
                verification.update(&case.script.body[piece.clone()]);
            }
            judged(verification.finish(), true)
        }
    }
}

/// Returns whether the body was handed on without a copy, and the charge of the budget.
pub fn of_outcome<E>(built: &Built, case: &Case, outcome: &Result<Outcome, E>) -> (bool, usize) {
    let memory = case.script.body.as_ptr_range();
    let is_uncopied = outcome.as_ref().is_ok_and(|outcome| !outcome.body().is_empty() && memory.contains(&outcome.body().as_ptr()));
    (is_uncopied, built.charged())
}

/// Copies the body, so that the budget is no longer charged.
pub fn end(outcome: Result<Outcome, (Rejection, bool)>) -> End {
    match outcome {
        Ok(Outcome::Verified(verified, body)) => End::Verified(proof(&verified), Bytes::copy_from_slice(&body)),
        Ok(Outcome::Unverified(rejection, body)) => End::LetThrough(refusal(&rejection), Bytes::copy_from_slice(&body)),
        Err((rejection, closes)) => End::Rejected { refusal: refusal(&rejection), closes },
    }
}
