use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arc_swap::Guard;
use bytes::{Buf, Bytes};

use crate::body::deadline::Deadline;
use crate::observe::span::DeliverySpan;
use crate::receive::drain::{Drain, DrainPolicy};
use crate::receive::intake::Intake;
use crate::receive::outcome::Outcome;
use crate::receive::state::{ReceiveState, log_verified};
use crate::request::head::{RequestHead, announced};
use crate::request::header_index::HeaderIndex;
use crate::request::timer::Timer;
use crate::tenant::resolve::{ChosenVerifier, Resolve};
use crate::tenant::source::VerifierSource;
use crate::verdict::rejection::{Phase, Progress, Rejection};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::Verifier;
use crate::verifier::config::{Config, Snapshot};
use crate::verifier::parse::ParsedHead;
use crate::verifier::state::VerificationState;

pub(crate) mod drain;
pub(crate) mod intake;
pub(crate) mod outcome;
pub(crate) mod state;

/// Settings that an adapter passes to every delivery.
#[derive(Clone, Copy, Debug)]
pub struct ReceiveOptions<'a> {
    /// The verifier, or the source of one for each delivery.
    pub verifiers: &'a VerifierSource,
    /// How long a body may take.
    pub deadline: Option<Deadline>,
    /// Report-only mode: a delivery that would be answered 401 is let through, **whoever sent it**, and logged.
    pub insecure_report_only: bool,
}

/// One delivery on its way from its head to its verdict: the verifier is chosen, the head judged, the body taken in and judged. For adapters,
/// which need only poll it.
///
/// It is small until there is something to wait for: a delivery whose body is there already and in one piece when it is first polled, as nearly
/// every one is, takes no memory but for its body.
#[must_use = "it is for the adapter to poll"]
pub struct Receive(State);

enum State {
    Start,
    Resolve(Box<Resolve>),
    Collect(Box<PendingDelivery>),
    Done,
}

struct PendingDelivery {
    intake: Intake,
    verifier: Verifier,
}

impl Receive {
    /// Creates the state of a delivery. Nothing of the delivery has been read.
    pub const fn new() -> Self {
        Self(State::Start)
    }

    /// Polls the delivery to its outcome. Returns the outcome once; further calls return `Pending`. `options` and `head` are to be the same each time; what the application says of
    /// the [tenant](RequestHead::tenant) is only asked by a [`Resolver`](crate::tenant::Resolver); `next` polls the framework for the next chunk of the body,
    /// and `is_limit` tells a limit of the application's from a body that broke off, as for [`Intake::poll_to_end`].
    ///
    /// # Errors
    /// Every rejection, which has been [reported](Verifier::report). A delivery that report-only mode lets through has been reported as well.
    #[expect(clippy::too_many_arguments, reason = "what is borrowed from the framework for one poll")]
    pub fn poll<D: Buf, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        options: &ReceiveOptions<'_>,
        head: &impl RequestHead,
        tenant: impl FnOnce() -> Option<String>,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, E>>>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Outcome, ReceiveRejection>> {
        if let State::Collect(waiting) = &mut self.0 {
            let PendingDelivery { intake, verifier } = &mut **waiting;
            let received = ready!(intake.poll_to_end(cx, timer, next, is_limit));
            let concluded = conclude(verifier, received, intake.is_at_end());
            self.0 = State::Done;
            return Poll::Ready(concluded);
        }
        let ChosenVerifier { span, verifier } = ready!(self.choose(cx, timer, options, head, tenant));
        if let Some(config) = verifier.plain().filter(|_| span.is_idle() && !options.insecure_report_only) {
            return self.poll_plain(cx, timer, options.deadline, &verifier, config, head, next, is_limit);
        }
        // `state` is large. It stays on the stack and borrows config and keys. Only if the body has to be waited for is it moved to the heap.
        let mut state = ReceiveState::new(span);
        let (config, fault) = verifier.config_or_first(head);
        let keys = config.keys.load();
        let snapshot = Snapshot { config, keys: &keys };
        if let Err(rejection) = verifier.receive_head(&mut state, snapshot, head, None, options.insecure_report_only, fault) {
            return Poll::Ready(Err(ReceiveRejection::new(&verifier, rejection, false)));
        }
        state.set_deadline(options.deadline);
        if let Poll::Ready(received) = state.poll_to_end(snapshot, cx, timer, next, is_limit) {
            return Poll::Ready(conclude(&verifier, received, state.is_at_end()));
        }
        let intake = Intake::new(Arc::clone(config), Guard::into_inner(keys), state);
        self.0 = State::Collect(Box::new(PendingDelivery { intake, verifier: verifier.into_owned() }));
        Poll::Pending
    }

    /// As [`poll`](Self::poll), but ready once the head is judged to be in order, for frameworks that hand out the body after that; then go on
    /// with `poll`.
    ///
    /// # Errors
    /// Every rejection by the head, which has been [reported](Verifier::report).
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        options: &ReceiveOptions<'_>,
        head: &impl RequestHead,
        tenant: impl FnOnce() -> Option<String>,
    ) -> Poll<Result<(), ReceiveRejection>> {
        let ChosenVerifier { span, verifier } = ready!(self.choose(cx, timer, options, head, tenant));
        let mut state = ReceiveState::new(span);
        let (config, fault) = verifier.config_or_first(head);
        let keys = config.keys.load_full();
        let snapshot = Snapshot { config, keys: &keys };
        if let Err(rejection) = verifier.receive_head(&mut state, snapshot, head, None, options.insecure_report_only, fault) {
            return Poll::Ready(Err(ReceiveRejection::new(&verifier, rejection, false)));
        }
        state.set_deadline(options.deadline);
        let intake = Intake::new(Arc::clone(config), keys, state);
        self.0 = State::Collect(Box::new(PendingDelivery { intake, verifier: verifier.into_owned() }));
        Poll::Ready(Ok(()))
    }

    /// The way of the usual delivery, judged by what [is plain](Verifier::plain). Its head is read once; a body that is there at once and in one
    /// piece is judged with nothing kept on the way, and any other taken in where it will stay.
    #[expect(clippy::too_many_arguments, reason = "what is borrowed from the framework for one poll")]
    fn poll_plain<D: Buf, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        deadline: Option<Deadline>,
        verifier: &Verifier,
        config: &Arc<Config>,
        head: &impl RequestHead,
        mut next: impl FnMut(&mut Context<'_>) -> BodyPoll<D, E>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Outcome, ReceiveRejection>> {
        let (policy, keys) = (&*config.policy, config.keys.load());
        let rejected = |kind| Poll::Ready(Err(ReceiveRejection::new(verifier, config.reject(kind), false)));
        let head = HeaderIndex::new(head, &policy.names);
        let signed = match ParsedHead::read(policy, &head, None) {
            Ok(signed) => signed,
            Err(kind) => return rejected(kind),
        };
        // The clock is read once, so that a key that is valid here cannot expire before the verdict. `None` if no key expires.
        let now = keys.clock();
        if keys.valid(now).next().is_none() {
            return rejected(RejectionKind::KeysExpired);
        }
        let announced = announced(&head);
        if announced > policy.body_limit {
            return rejected(RejectionKind::BodyTooLarge);
        }
        let mut polled = match in_one_piece(policy.body_limit, || next(cx)) {
            Ok(body) => {
                let progress = Progress { phase: Phase::End, body_bytes: body.len(), time: None };
                return Poll::Ready(match VerificationState::whole(Snapshot { config, keys: &keys }, &head, &signed, now, &body) {
                    Ok(verified) => {
                        log_verified(&verified, progress);
                        Ok(Outcome::Verified(verified, body))
                    }
                    Err(kind) => Err(ReceiveRejection::new(verifier, config.reject(kind).at(progress), true)),
                });
            }
            Err(polled) => polled,
        };
        let intake = Intake::new(Arc::clone(config), Guard::into_inner(keys), ReceiveState::new(DeliverySpan::unseen()));
        let mut waiting = Box::new(PendingDelivery { intake, verifier: verifier.clone() });
        let (state, snapshot) = waiting.intake.parts();
        let started = state.head().0.start(snapshot, &head, signed, now).map_err(|kind| config.reject(kind));
        if let Err(rejection) = started.and_then(|()| state.admit(config, announced)) {
            return Poll::Ready(Err(ReceiveRejection::new(verifier, rejection, false)));
        }
        state.set_deadline(deadline);
        // The chunks that were polled above come first.
        let next = |cx: &mut Context<'_>| polled.iter_mut().find_map(Option::take).unwrap_or_else(|| next(cx));
        if let Poll::Ready(received) = state.poll_to_end(snapshot, cx, timer, next, is_limit) {
            return Poll::Ready(conclude(verifier, received, state.is_at_end()));
        }
        self.0 = State::Collect(waiting);
        Poll::Pending
    }

    fn choose<'t>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        options: &ReceiveOptions<'t>,
        head: &impl RequestHead,
        tenant: impl FnOnce() -> Option<String>,
    ) -> Poll<ChosenVerifier<'t>> {
        let chosen = match &mut self.0 {
            State::Start => match options.verifiers.start(DeliverySpan::new(), || TenantHead { head, tenant: tenant() }) {
                Ok(chosen) => chosen,
                Err(mut choosing) => match choosing.poll(cx, timer) {
                    Poll::Ready(chosen) => chosen,
                    Poll::Pending => {
                        self.0 = State::Resolve(Box::new(choosing));
                        return Poll::Pending;
                    }
                },
            },
            State::Resolve(choosing) => ready!(choosing.poll(cx, timer)),
            State::Collect(_) | State::Done => return Poll::Pending,
        };
        // Unless the caller goes on to `Collect`: the outcome may fall within this same poll.
        self.0 = State::Done;
        Poll::Ready(chosen)
    }
}

impl Default for Receive {
    fn default() -> Self {
        Self::new()
    }
}

/// What a body answers when it is polled.
type BodyPoll<D, E> = Poll<Option<Result<D, E>>>;

/// Returns the body if it is complete, in one chunk and within the limit. Otherwise the error holds what was polled, to be replayed in order.
fn in_one_piece<D: Buf, E>(limit: usize, mut next: impl FnMut() -> BodyPoll<D, E>) -> Result<Bytes, [Option<BodyPoll<D, E>>; 2]> {
    match next() {
        Poll::Ready(None) => Ok(Bytes::new()),
        Poll::Ready(Some(Ok(mut chunk))) if chunk.remaining() <= limit => match next() {
            Poll::Ready(None) => Ok(chunk.copy_to_bytes(chunk.remaining())),
            second => Err([Some(Poll::Ready(Some(Ok(chunk)))), Some(second)]),
        },
        first => Err([Some(first), None]),
    }
}

#[expect(clippy::result_large_err, reason = "no larger than what is verified")]
fn conclude(verifier: &Verifier, received: Result<Outcome, Rejection>, at_end: bool) -> Result<Outcome, ReceiveRejection> {
    match received {
        Ok(outcome) => {
            if let Outcome::Unverified(rejection, _) = &outcome {
                verifier.report_only(rejection);
            }
            Ok(outcome)
        }
        Err(rejection) => Err(ReceiveRejection::new(verifier, rejection, at_end)),
    }
}

/// A head, and what the application says of the tenant.
struct TenantHead<'h, H> {
    head: &'h H,
    tenant: Option<String>,
}

impl<H: RequestHead> RequestHead for TenantHead<'_, H> {
    fn method(&self) -> &str {
        self.head.method()
    }

    fn target(&self) -> &str {
        self.head.target()
    }

    fn original_target(&self) -> &str {
        self.head.original_target()
    }

    fn tenant(&self) -> Option<&str> {
        self.tenant.as_deref()
    }

    fn header<'h>(&'h self, name: &str, visit: &mut dyn FnMut(&'h [u8])) {
        self.head.header(name, visit);
    }

    fn announces_body(&self) -> bool {
        self.head.announces_body()
    }
}

/// A delivery that has been rejected and [reported](Verifier::report). For adapters.
#[derive(Debug)]
pub struct ReceiveRejection {
    rejection: Rejection,
    at_end: bool,
    body_limit: usize,
}

impl ReceiveRejection {
    fn new(verifier: &Verifier, rejection: Rejection, at_end: bool) -> Self {
        // Now, and not after draining: if the client disconnects meanwhile, this future is dropped, and nothing would be reported.
        verifier.report(&rejection);
        Self { rejection, at_end, body_limit: verifier.body_limit() }
    }

    /// Whether the body was read to its end, so that nothing of it is left.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at_end
    }

    /// What to do with the rest of the body: `None` to answer at once.
    #[must_use]
    pub fn drain(&self, drain: DrainPolicy, head: &impl RequestHead) -> Option<Drain> {
        drain.start(&self.rejection, head, self.body_limit)
    }

    /// The cause.
    #[must_use]
    pub const fn rejection(&self) -> &Rejection {
        &self.rejection
    }

    /// The cause, to keep.
    #[must_use]
    pub fn into_rejection(self) -> Rejection {
        self.rejection
    }
}

impl fmt::Debug for Receive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receive").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_with_a_tenant_is_otherwise_what_the_head_says() {
        for (length, announces) in [("0", false), ("7", true)] {
            let head = [("content-length", length)];
            for tenant in [None, Some("acme")] {
                let told = TenantHead { head: &head, tenant: tenant.map(str::to_owned) };
                assert_eq!((told.method(), told.target(), told.original_target(), told.tenant()), ("POST", "/", "/", tenant));
                let mut values = Vec::new();
                told.header("Content-Length", &mut |value| values.push(value));
                assert_eq!((values, told.announces_body()), (vec![length.as_bytes()], announces));
            }
        }
    }
}
