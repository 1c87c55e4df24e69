/// What stands beside the body in the text that is signed.
///
/// Timestamp and id go into the MAC in exactly the characters in which they came, never as a number written anew.
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
    /// The URL that the sender posts to, as the receiver knows it: from [`VerifierBuilder::url`](crate::VerifierBuilder::url) or
    /// [`base_url`](crate::VerifierBuilder::base_url), never from `Host`.
    Url,
}
