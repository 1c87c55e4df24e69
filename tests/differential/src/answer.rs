//! The answers of a side, in types shared by both sides.

use std::time::SystemTime;

use bytes::Bytes;

/// An entry point for deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Entry {
    VerifyAt,
    BeginAt,
    Verify,
    Head,
    Receive,
    HeadFirst,
}

impl Entry {
    pub const ALL: [Self; 6] = [Self::VerifyAt, Self::BeginAt, Self::Verify, Self::Head, Self::Receive, Self::HeadFirst];

    pub const fn name(self) -> &'static str {
        match self {
            Self::VerifyAt => "verify_at",
            Self::BeginAt => "begin_at",
            Self::Verify => "verify",
            Self::Head => "head_fault",
            Self::Receive => "poll",
            Self::HeadFirst => "poll_head",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Panicked(String),
    /// `begun` is true if the head was accepted, and always true for an entry that verifies head and body at once.
    Judged {
        result: Result<Proof, Refusal>,
        begun: bool,
    },
    Head(Head),
    Received(Box<Receipt>),
}

/// All values of `Verified`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub scheme: String,
    pub tenant: Option<String>,
    pub key_id: String,
    pub algorithm: Option<&'static str>,
    pub signed_at: Option<SystemTime>,
    pub signed_id: Option<String>,
    pub unauthenticated_delivery_id: Option<String>,
    pub unauthenticated_event: Option<String>,
}

/// All values of `Rejection`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: &'static str,
    pub scheme: String,
    pub tenant: Option<String>,
    pub status: u16,
    pub text: String,
    pub source: Option<String>,
}

/// The answers about a head alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub fault: Option<&'static str>,
    pub announces_body: bool,
    /// One value for each scheme.
    pub unverified_timestamps: Vec<Option<Bytes>>,
}

/// The end of a received delivery, and the observations up to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub end: End,
    /// Whether the returned body lies in the memory of its chunk.
    pub is_uncopied: bool,
    /// The charge of the memory budget while the body exists.
    pub charged: usize,
    /// The number of finished events of the script.
    pub taken: usize,
    /// The number of polls of the body after its end.
    pub polled_after_end: usize,
    /// The number of pending polls without a wake-up.
    pub slept: usize,
    /// Whether a poll after the end is pending.
    pub is_pending_again: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Verified(Proof, Bytes),
    LetThrough(Refusal, Bytes),
    Rejected {
        refusal: Refusal,
        /// Whether unread bytes of the body remain on the connection.
        closes: bool,
    },
    /// The delivery is pending, and no event will wake the task.
    Waits,
}

impl Answer {
    /// Returns the label of the answer in the table.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "panicked",
            Self::Judged { result: Ok(_), .. } => "verified",
            Self::Judged { result: Err(refusal), .. } => refusal.kind,
            Self::Head(head) => head.fault.unwrap_or("no fault"),
            Self::Received(receipt) => match &receipt.end {
                End::Verified(..) => "verified",
                End::LetThrough(..) => "let through",
                End::Rejected { refusal, .. } => refusal.kind,
                End::Waits => "waits",
            },
        }
    }
}
