//! The identity of a delivery: which deliveries are repeats of each other.
//!
//! Senders repeat deliveries, and strangers can send recorded deliveries again. An [`Identity`]
//! turns a verified delivery into a `DeliveryKey` (feature `identity`). Two deliveries with the same
//! key are the same delivery. The crate `countersign-once` uses the key to handle each delivery once.
//!
//! An identity is *safe* if two different deliveries never share a key. Otherwise one of the two
//! deliveries would be lost. An identity is *useful* if a repeat has the key of the first delivery.
//! Otherwise the repeat would be handled again.

#[cfg(feature = "identity")]
pub(crate) mod body_digest;
#[cfg(feature = "identity")]
pub(crate) mod delivery_key;
#[cfg(feature = "identity")]
pub(crate) mod member;
pub(crate) mod repeat_policy;

#[cfg(feature = "identity")]
pub use delivery_key::DeliveryKey;
pub use repeat_policy::RepeatPolicy;

#[cfg(feature = "identity")]
use crate::identity::body_digest::BodyDigest;
#[cfg(feature = "identity")]
use crate::verdict::verified::Verified;

/// A rule for telling repeats from new deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity(pub(crate) Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    None,
    SignedId,
    Body,
    BodyAndEvent,
    Member(&'static str),
    UnauthenticatedId,
    BodyOrUnauthenticatedId,
}

impl Identity {
    /// No identity: every delivery is different. For senders of batches, with a key for each event
    /// (`DeliveryKey::of_event`, feature `identity`).
    pub const NONE: Self = Self(Kind::None);

    /// The signed id of the delivery ([`Verified::signed_id`](crate::Verified::signed_id)), as in
    /// Standard Webhooks. Safe and useful.
    pub const SIGNED_ID: Self = Self(Kind::SignedId);

    /// The SHA-256 digest of the body.
    ///
    /// Not safe if two events can have equal bodies, for example with the event in a header field
    /// alone. Not useful if the sender writes the attempt into the body.
    pub const BODY: Self = Self(Kind::Body);

    /// The digest of the body, with the unsigned event of the head
    /// ([`Verified::unauthenticated_event`](crate::Verified::unauthenticated_event)).
    ///
    /// For senders of equal bodies for different events. A stranger can replay a recorded body under
    /// another event, but no delivery is lost.
    pub const BODY_AND_EVENT: Self = Self(Kind::BodyAndEvent);

    /// The unsigned id of the delivery:
    /// [`Verified::unauthenticated_delivery_id`](crate::Verified::unauthenticated_delivery_id).
    ///
    /// Safe if ids are unique, and cannot be guessed: a stranger could replay a recorded delivery
    /// under the id of the next delivery, and so suppress the next delivery. Useful for the sender's
    /// own repeats. No protection against replays: a stranger can change the id.
    pub const UNAUTHENTICATED_ID: Self = Self(Kind::UnauthenticatedId);

    /// The digest of the body, or the unsigned id: two keys. A delivery is a repeat if a delivery
    /// with either key was handled.
    ///
    /// For senders that promise no equal bytes in repeats, such as Jira. A guard looks up the body
    /// first. While a handled body is remembered, a replay of this body never reaches the id, so
    /// the replay cannot suppress another delivery. A repeat in other bytes is found by the id, and
    /// the other bytes are not remembered.
    ///
    /// Not safe against a stranger who has recorded a delivery that was never handled, or whose body is no
    /// longer remembered. Sent under the id of another delivery that is not handled yet, the recorded
    /// delivery is handled under this id, and the other delivery counts as its repeat.
    /// [`BODY`](Self::BODY) has no such weakness, and needs equal bytes in repeats.
    pub const BODY_OR_UNAUTHENTICATED_ID: Self = Self(Kind::BodyOrUnauthenticatedId);

    /// The member `name` of the signed body, a JSON object: a string or an integer at the top level.
    ///
    /// Safe and useful if the sender gives each event an id, such as Stripe's `id`.
    #[must_use]
    pub const fn member(name: &'static str) -> Self {
        Self(Kind::Member(name))
    }

    /// Returns whether the identity takes the digest of the body. Adapters then set
    /// `ReceiveOptions::digest_body` (feature `identity`).
    #[must_use]
    pub const fn is_by_digest(&self) -> bool {
        matches!(self.0, Kind::Body | Kind::BodyAndEvent | Kind::BodyOrUnauthenticatedId)
    }
}

#[cfg(feature = "identity")]
impl Identity {
    /// Returns the keys of a verified delivery: the key, and with
    /// [`BODY_OR_UNAUTHENTICATED_ID`](Self::BODY_OR_UNAUTHENTICATED_ID) a second key.
    ///
    /// `guard` names the user of the key. Two guards never share a key.
    ///
    /// Returns `None` if the delivery has no identity of this kind: the id or the member is absent,
    /// or the identity depends on the body, and the body is empty or not covered. A static token
    /// covers no body.
    #[must_use]
    pub fn keys(&self, guard: &str, verified: &Verified, body: &[u8]) -> Option<(DeliveryKey, Option<DeliveryKey>)> {
        let key = |kind: &str, parts: &[&[u8]]| DeliveryKey::new(guard, verified, kind, parts);
        let by_body = || {
            let is_covered = verified.covers_body() && !body.is_empty();
            is_covered.then(|| verified.body_digest().copied().unwrap_or_else(|| BodyDigest::of(body).finish()))
        };
        let by_unauthenticated_id = || verified.unauthenticated_delivery_id().map(|id| key("unauthenticated id", &[id.as_bytes()]));
        match self.0 {
            Kind::None => None,
            Kind::SignedId => verified.signed_id().map(|id| (key("signed id", &[id.as_bytes()]), None)),
            Kind::Body => by_body().map(|digest| (key("body", &[&digest]), None)),
            Kind::BodyAndEvent => {
                let event = verified.unauthenticated_event().unwrap_or_default();
                by_body().map(|digest| (key("body and event", &[&digest, event.as_bytes()]), None))
            }
            Kind::Member(name) => {
                let value = if verified.covers_body() { member::find(body, name)? } else { return None };
                Some((key("member", &[name.as_bytes(), value.as_bytes()]), None))
            }
            Kind::UnauthenticatedId => by_unauthenticated_id().map(|key| (key, None)),
            Kind::BodyOrUnauthenticatedId => by_body().map(|digest| (key("body", &[&digest]), by_unauthenticated_id())),
        }
    }
}
