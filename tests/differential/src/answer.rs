//! What a side says, in words that both sides share.

use std::time::SystemTime;

use bytes::Bytes;

/// By which way a delivery goes in.
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
    /// `begun` is whether the head was in order; always, where head and body are judged at once.
    Judged {
        result: Result<Proof, Refusal>,
        begun: bool,
    },
    Head(Head),
    TakenIn(Box<TakenIn>),
}

/// All that `Verified` says.
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

/// All that `Rejection` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: &'static str,
    pub scheme: String,
    pub tenant: Option<String>,
    pub status: u16,
    pub text: String,
    pub source: Option<String>,
}

/// What is said of a head alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub fault: Option<&'static str>,
    pub announces_body: bool,
    /// Of each scheme.
    pub unverified_timestamps: Vec<Option<Bytes>>,
}

/// How the taking in of a delivery ended, and what it did on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenIn {
    pub end: End,
    /// Whether the body that was handed out lies in the memory in which it came.
    pub is_uncopied: bool,
    /// What the budget was charged with while the body was there.
    pub charged: usize,
    /// How many events of the script were over.
    pub taken: usize,
    /// How often the body was polled after its end.
    pub polled_after_end: usize,
    /// How often it waited without having been woken.
    pub slept: usize,
    /// Whether it is pending when it is polled after its end.
    pub is_pending_again: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    Verified(Proof, Bytes),
    LetThrough(Refusal, Bytes),
    Rejected {
        refusal: Refusal,
        /// Whether something of the body is left on the connection.
        closes: bool,
    },
    /// Nothing would ever wake it again.
    Waits,
}

impl Answer {
    /// What it comes to, for the table.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Panicked(_) => "panicked",
            Self::Judged { result: Ok(_), .. } => "verified",
            Self::Judged { result: Err(refusal), .. } => refusal.kind,
            Self::Head(head) => head.fault.unwrap_or("no fault"),
            Self::TakenIn(taken) => match &taken.end {
                End::Verified(..) => "verified",
                End::LetThrough(..) => "let through",
                End::Rejected { refusal, .. } => refusal.kind,
                End::Waits => "waits",
            },
        }
    }
}
