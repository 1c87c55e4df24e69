use std::error::Error;

use super::library::{Rejection, Verified};
use crate::answer::{Answer, Proof, Refusal};

pub fn judged(judged: Result<Verified, Rejection>, begun: bool) -> Answer {
    let result = match judged {
        Ok(verified) => Ok(proof(&verified)),
        Err(rejection) => Err(refusal(&rejection)),
    };
    Answer::Judged { result, begun }
}

pub fn proof(verified: &Verified) -> Proof {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Proof {
        scheme: verified.scheme().to_owned(),
        tenant: owned(verified.tenant()),
        key_id: verified.key_id().as_str().to_owned(),
        algorithm: verified.algorithm().map(|algorithm| algorithm.name()),
        signed_at: verified.signed_at(),
        signed_id: owned(verified.signed_id()),
        unauthenticated_delivery_id: owned(verified.unauthenticated_delivery_id()),
        unauthenticated_event: owned(verified.unauthenticated_event()),
    }
}

pub fn refusal(rejection: &Rejection) -> Refusal {
    Refusal {
        kind: rejection.kind().as_str(),
        scheme: rejection.scheme().to_owned(),
        tenant: rejection.tenant().map(str::to_owned),
        status: rejection.status_code(),
        text: rejection.to_string(),
        source: rejection.source().map(ToString::to_string),
    }
}
