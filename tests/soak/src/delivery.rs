//! Numbered deliveries. Nine of ten deliveries are good. The bodies have ten sizes.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::error::PayloadError;
use bytes::Bytes;
use countersign::{RejectionKind, Secret, Signer, providers};
use futures_core::Stream;
use http_body::{Body, Frame};

pub(crate) const SECRET: &str = "a secret for the soak alone";
pub(crate) const LIMIT: usize = 16 * 1024;

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    Good,
    Forged,
    Unsigned,
    /// A body over the limit, with a `Content-Length`.
    TooLarge,
    /// A body over the limit, without a `Content-Length`.
    GrowsTooLarge,
    BreaksOff,
}

pub(crate) const KINDS: [Kind; 5] = [Kind::Forged, Kind::Unsigned, Kind::BreaksOff, Kind::TooLarge, Kind::GrowsTooLarge];

impl Kind {
    /// Returns the kind of the delivery with this number.
    fn of(number: usize) -> Self {
        if number.is_multiple_of(10) { KINDS[number / 10 % KINDS.len()] } else { Self::Good }
    }

    pub(crate) const fn rejected(self) -> Option<RejectionKind> {
        match self {
            Self::Good => None,
            Self::Forged => Some(RejectionKind::SignatureMismatch),
            Self::Unsigned => Some(RejectionKind::MissingSignature),
            Self::TooLarge | Self::GrowsTooLarge => Some(RejectionKind::BodyTooLarge),
            Self::BreaksOff => Some(RejectionKind::BodyUnreadable),
        }
    }

    pub(crate) const fn status(self) -> u16 {
        match self {
            Self::Good => 200,
            Self::Forged | Self::Unsigned => 401,
            Self::TooLarge | Self::GrowsTooLarge => 413,
            Self::BreaksOff => 400,
        }
    }
}

/// One delivery.
pub(crate) struct Delivery {
    pub(crate) signature: Option<String>,
    /// The `Content-Length`, or `None` for a chunked body.
    pub(crate) length: Option<usize>,
    pub(crate) body: Frames,
}

pub(crate) struct Deliveries {
    /// Bodies and their signatures.
    signed: Arc<[(Bytes, String)]>,
    large: Bytes,
}

impl Deliveries {
    pub(crate) fn new() -> Self {
        let signer = Signer::new(providers::JIRA, Secret::new(SECRET)).expect("the configuration is valid");
        let signed = [0, 1, 60, 200, 500, 900, 1500, 3000, 6000, 12_000].map(|len| {
            let body: Vec<u8> = (0..=250).cycle().take(len).collect();
            let signature = signer.sign(&body).into_iter().next().expect("Jira signs with one header").1;
            (Bytes::from(body), signature)
        });
        Self { signed: signed.into(), large: vec![b'x'; LIMIT + 1].into() }
    }

    /// Returns the bodies that a handler may receive, with their signatures.
    pub(crate) fn known(&self) -> Arc<[(Bytes, String)]> {
        Arc::clone(&self.signed)
    }

    pub(crate) fn nth(&self, number: usize) -> Delivery {
        // Every bad delivery has a multiple of ten as its number. So `number % 10` would give all bad deliveries the same size.
        let (body, signature) = self.signed[number * 7 / 10 % self.signed.len()].clone();
        let delivery = |body: Bytes| Delivery { signature: Some(signature.clone()), length: Some(body.len()), body: Frames::new(body) };
        match Kind::of(number) {
            Kind::Good => delivery(body),
            Kind::Forged => delivery([&body[..], b"!"].concat().into()),
            Kind::Unsigned => Delivery { signature: None, ..delivery(body) },
            Kind::TooLarge => delivery(self.large.clone()),
            Kind::GrowsTooLarge => Delivery { length: None, ..delivery(self.large.clone()) },
            Kind::BreaksOff => {
                let whole = delivery(body);
                Delivery { body: whole.body.breaking_off(), ..whole }
            }
        }
    }

    /// Returns the number of deliveries of each kind among the first `count`.
    pub(crate) fn expected(count: usize) -> Vec<(Kind, usize)> {
        [&[Kind::Good][..], &KINDS]
            .concat()
            .into_iter()
            .map(|kind| (kind, (0..count).filter(|number| Kind::of(*number) == kind).count()))
            .collect()
    }
}

/// A body in up to three frames, with a pause after each frame.
pub(crate) struct Frames {
    steps: VecDeque<Step>,
}

enum Step {
    Data(Bytes),
    Pause,
    Error,
}

impl Frames {
    fn new(mut body: Bytes) -> Self {
        let third = body.len() / 3 + 1;
        let mut steps = VecDeque::with_capacity(6);
        while !body.is_empty() {
            steps.push_back(Step::Data(body.split_to(third.min(body.len()))));
            steps.push_back(Step::Pause);
        }
        Self { steps }
    }

    fn breaking_off(mut self) -> Self {
        self.steps.truncate(2);
        self.steps.push_back(Step::Error);
        self
    }
}

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        match self.steps.pop_front() {
            Some(Step::Data(data)) => Poll::Ready(Some(Ok(Frame::data(data)))),
            Some(Step::Error) => Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into()))),
            Some(Step::Pause) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        }
    }
}

/// The same body as a stream, for actix-web.
impl Stream for Frames {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let data = |frame: Frame<Bytes>| frame.into_data().unwrap_or_default();
        self.poll_frame(cx).map(|frame| frame.map(|frame| frame.map(data).map_err(PayloadError::Io)))
    }
}
