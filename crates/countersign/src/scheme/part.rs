/// A part of the signed text beside the body.
///
/// Timestamp and id enter the MAC with exactly the received characters, never in a new rendering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// These characters.
    Literal(&'static str),
    /// The timestamp.
    Timestamp,
    /// The delivery id.
    Id,
    /// The request's method, in upper case: `POST`.
    Method,
    /// The sender's target URL, as configured at the receiver.
    ///
    /// The URL comes from [`VerifierBuilder::url`](crate::VerifierBuilder::url) or
    /// [`base_url`](crate::VerifierBuilder::base_url), never from `Host`.
    Url,
}
