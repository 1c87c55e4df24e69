use crate::machine_clock;
use crate::providers;
use crate::request::head::RequestHead;
use crate::scheme::Scheme;
use crate::verdict::hint::Hint;
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::config::Config;
use crate::verifier::parse;
use crate::verifier::policy::Policy;

pub(crate) fn hint(config: &Config, kind: RejectionKind, head: &dyn RequestHead) -> Option<Hint> {
    let Policy { scheme, hints, .. } = &*config.policy;
    let wanted = hints.as_ref().is_some_and(|rate| rate.allows(machine_clock::instant()));
    if wanted { of_head(scheme, kind, head) } else { None }
}

/// Returns a hint about a delivery rejected by its head.
fn of_head(scheme: &Scheme, kind: RejectionKind, head: &dyn RequestHead) -> Option<Hint> {
    use RejectionKind as Kind;
    let about_the_header = matches!(
        kind,
        Kind::MissingSignature
            | Kind::MalformedSignature
            | Kind::UnknownAlgorithm
            | Kind::AlgorithmNotAllowed
            | Kind::SignatureLength
            | Kind::SignatureEncoding
    );
    if !about_the_header {
        return None;
    }
    let mut jwt = false;
    head.header("authorization", &mut |value| jwt |= value.starts_with(b"JWT ") || value.starts_with(b"Bearer eyJ"));
    // Skip static tokens: a header such as `Authorization` does not identify the sender.
    let others = providers::ALL.iter().filter(|other| other.covers_body() && other.shared_header(scheme).is_none());
    let mut others = others.filter(|other| parse::is_present(other, head));
    if jwt { Some(Hint::Jwt) } else { others.next().map(|other| Hint::OtherProvider(other.name())) }
}
