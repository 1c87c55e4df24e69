//! The intended differences. Each difference is a narrow condition with a reason. The table counts and prints each reason.
//!
//! ```text
//! // The earlier core rejected a 17th signature before it read the timestamp. The current core reads the timestamp first.
//! if before.label() == "too_many_signatures" && now.label() == "timestamp_too_old" {
//!     return Some("the timestamp is read first");
//! }
//! ```

use crate::answer::{Answer, End, Entry, Proof};
use crate::case::Case;

/// Returns the reason for an intended difference of these answers. A panic is never intended, and never reaches this function.
pub fn meant(_entry: Entry, before: &Answer, now: &Answer, _case: &Case) -> Option<&'static str> {
    // The row takes the unsigned id from `Idempotency-Key` now. Recursive webhooks share `X-Gitlab-Event-UUID`.
    let (mut before, mut now) = (before.clone(), now.clone());
    if forget_id_of_gitlab_token(&mut before) && forget_id_of_gitlab_token(&mut now) && before == now {
        return Some("another header has the unsigned id of gitlab-token");
    }
    None
}

/// Removes the unsigned id from the proof of the scheme `gitlab-token`. Returns whether there is such a proof.
fn forget_id_of_gitlab_token(answer: &mut Answer) -> bool {
    match proof(answer) {
        Some(proof) if proof.scheme == "gitlab-token" => {
            proof.unauthenticated_delivery_id = None;
            true
        }
        _ => false,
    }
}

fn proof(answer: &mut Answer) -> Option<&mut Proof> {
    match answer {
        Answer::Judged { result: Ok(proof), .. } => Some(proof),
        Answer::Received(receipt) => match &mut receipt.end {
            End::Verified(proof, _) => Some(proof),
            End::LetThrough(..) | End::Rejected { .. } | End::Waits => None,
        },
        Answer::Judged { .. } | Answer::Panicked(_) | Answer::Head(_) => None,
    }
}
