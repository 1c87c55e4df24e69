use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arc_swap::Guard;
use bytes::{Buf, Bytes};

use crate::body::deadline::Deadline;
use crate::observe::span::DeliverySpan;
use crate::receive::drain::{Discard, Discarding};
use crate::receive::intake::Intake;
use crate::receive::outcome::Reported;
use crate::receive::state::{TakingIn, tell_log};
use crate::request::head::{Head, announced};
use crate::request::header_index::Gathered;
use crate::request::timer::Timer;
use crate::tenant::resolve::{Choosing, Chosen};
use crate::tenant::source::Verifiers;
use crate::verdict::rejection::{self, Rejection, Seen};
use crate::verdict::rejection_kind::RejectionKind;
use crate::verifier::Verifier;
use crate::verifier::config::{Config, Judge};
use crate::verifier::hashing::Hashing;
use crate::verifier::parse::SignedHead;

pub(crate) mod drain;
pub(crate) mod intake;
pub(crate) mod outcome;
pub(crate) mod state;

/// By what an adapter judges, and what it has been told about it.
#[derive(Clone, Copy, Debug)]
pub struct Terms<'a> {
    /// Who judges.
    pub verifiers: &'a Verifiers,
    /// How long a body may take.
    pub deadline: Option<Deadline>,
    /// Whether what would be answered 401 is received all the same, **whoever sent it**, to be reported on.
    pub insecure_report_only: bool,
}

/// One delivery on its way from its head to its verdict: the verifier is chosen, the head judged, the body taken in and judged. For adapters,
/// which need only poll it.
///
/// It is small until there is something to wait for: a delivery whose body is there already and in one piece when it is first polled, as nearly
/// every one is, takes no memory but for its body.
#[must_use = "it is for the adapter to poll"]
pub struct Receiving(Stage);

enum Stage {
    Begun,
    Choosing(Box<Choosing>),
    TakingIn(Box<Waiting>),
    Done,
}

struct Waiting {
    intake: Intake,
    verifier: Verifier,
}

impl Receiving {
    /// One of which nothing has been looked at yet.
    pub const fn new() -> Self {
        Self(Stage::Begun)
    }

    /// Ready with what has come of it, and pending ever after. `terms` and `head` are to be the same each time; what the application says of
    /// the [tenant](Head::tenant) is only asked by a [`Resolver`](crate::Resolver); `next` polls the framework for the next chunk of the body,
    /// and `is_limit` tells a limit of the application's from a body that broke off, as for [`Intake::poll_to_end`].
    ///
    /// # Errors
    /// What is refused. It has been [reported](Verifier::report), and so has what is let through only to be reported on.
    #[expect(clippy::too_many_arguments, reason = "what is borrowed from the framework for one poll")]
    pub fn poll<D: Buf, E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        terms: &Terms<'_>,
        head: &impl Head,
        tenant: impl FnOnce() -> Option<String>,
        next: impl FnMut(&mut Context<'_>) -> Poll<Option<Result<D, E>>>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Reported, Refusal>> {
        if let Stage::TakingIn(waiting) = &mut self.0 {
            let Waiting { intake, verifier } = &mut **waiting;
            let received = ready!(intake.poll_to_end(cx, timer, next, is_limit));
            let concluded = conclude(verifier, received, intake.is_at_end());
            self.0 = Stage::Done;
            return Poll::Ready(concluded);
        }
        let Chosen { span, verifier } = ready!(self.choose(cx, timer, terms, head, tenant));
        if let Some(config) = verifier.plain().filter(|_| span.is_idle() && !terms.insecure_report_only) {
            return self.poll_plain(cx, timer, terms.deadline, &verifier, config, head, next, is_limit);
        }
        // Large, and so begun on the stack, by what is only borrowed; it is moved and shared only if it has to wait.
        let mut taking_in = TakingIn::new(span);
        let (config, fault) = verifier.judge_for(head);
        let keys = config.keys.load();
        let judge = Judge { config, keys: &keys };
        if let Err(rejection) = verifier.judge_head(&mut taking_in, judge, head, None, terms.insecure_report_only, fault) {
            return Poll::Ready(Err(Refusal::new(&verifier, rejection, false)));
        }
        taking_in.set_deadline(terms.deadline);
        if let Poll::Ready(received) = taking_in.poll_to_end(judge, cx, timer, next, is_limit) {
            return Poll::Ready(conclude(&verifier, received, taking_in.is_at_end()));
        }
        let intake = Intake::new(Arc::clone(config), Guard::into_inner(keys), taking_in);
        self.0 = Stage::TakingIn(Box::new(Waiting { intake, verifier: verifier.into_owned() }));
        Poll::Pending
    }

    /// As [`poll`](Self::poll), but ready once the head is judged to be in order, for frameworks that hand out the body after that; then go on
    /// with `poll`.
    ///
    /// # Errors
    /// What is refused by its head. It has been [reported](Verifier::report).
    pub fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        terms: &Terms<'_>,
        head: &impl Head,
        tenant: impl FnOnce() -> Option<String>,
    ) -> Poll<Result<(), Refusal>> {
        let Chosen { span, verifier } = ready!(self.choose(cx, timer, terms, head, tenant));
        let mut taking_in = TakingIn::new(span);
        let (config, fault) = verifier.judge_for(head);
        let keys = config.keys.load_full();
        let judge = Judge { config, keys: &keys };
        if let Err(rejection) = verifier.judge_head(&mut taking_in, judge, head, None, terms.insecure_report_only, fault) {
            return Poll::Ready(Err(Refusal::new(&verifier, rejection, false)));
        }
        taking_in.set_deadline(terms.deadline);
        let intake = Intake::new(Arc::clone(config), keys, taking_in);
        self.0 = Stage::TakingIn(Box::new(Waiting { intake, verifier: verifier.into_owned() }));
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
        head: &impl Head,
        mut next: impl FnMut(&mut Context<'_>) -> Polled<D, E>,
        is_limit: impl Fn(&(dyn Error + 'static)) -> bool,
    ) -> Poll<Result<Reported, Refusal>> {
        let (settings, keys) = (&*config.settings, config.keys.load());
        let refused = |kind| Poll::Ready(Err(Refusal::new(verifier, config.reject(kind), false)));
        let head = Gathered::new(head, &settings.names);
        let signed = match SignedHead::read(settings, &head, None) {
            Ok(signed) => signed,
            Err(kind) => return refused(kind),
        };
        // Read once, so that what is valid now is so to the end.
        let now = keys.clock();
        if keys.valid(now).next().is_none() {
            return refused(RejectionKind::NoValidKey);
        }
        let announced = announced(&head);
        if announced > settings.body_limit {
            return refused(RejectionKind::BodyTooLarge);
        }
        let mut polled = match in_one_piece(settings.body_limit, || next(cx)) {
            Ok(body) => {
                let seen = Seen { stage: rejection::Stage::End, body_bytes: body.len(), time: None };
                return Poll::Ready(match Hashing::whole(Judge { config, keys: &keys }, &head, &signed, now, &body) {
                    Ok(verified) => {
                        tell_log(&verified, seen);
                        Ok(Reported::Verified(verified, body))
                    }
                    Err(kind) => Err(Refusal::new(verifier, config.reject(kind).after(seen), true)),
                });
            }
            Err(polled) => polled,
        };
        let intake = Intake::new(Arc::clone(config), Guard::into_inner(keys), TakingIn::new(DeliverySpan::unseen()));
        let mut waiting = Box::new(Waiting { intake, verifier: verifier.clone() });
        let (taking_in, judge) = waiting.intake.parts();
        let started = taking_in.head().0.start(judge, &head, signed, now).map_err(|kind| config.reject(kind));
        if let Err(rejection) = started.and_then(|()| taking_in.admit(config, announced)) {
            return Poll::Ready(Err(Refusal::new(verifier, rejection, false)));
        }
        taking_in.set_deadline(deadline);
        // What has been polled before comes first.
        let next = |cx: &mut Context<'_>| polled.iter_mut().find_map(Option::take).unwrap_or_else(|| next(cx));
        if let Poll::Ready(received) = taking_in.poll_to_end(judge, cx, timer, next, is_limit) {
            return Poll::Ready(conclude(verifier, received, taking_in.is_at_end()));
        }
        self.0 = Stage::TakingIn(waiting);
        Poll::Pending
    }

    fn choose<'t>(
        &mut self,
        cx: &mut Context<'_>,
        timer: &mut impl Timer,
        terms: &Terms<'t>,
        head: &impl Head,
        tenant: impl FnOnce() -> Option<String>,
    ) -> Poll<Chosen<'t>> {
        let chosen = match &mut self.0 {
            Stage::Begun => match terms.verifiers.start(DeliverySpan::new(), || Told { head, tenant: tenant() }) {
                Ok(chosen) => chosen,
                Err(mut choosing) => match choosing.poll(cx, timer) {
                    Poll::Ready(chosen) => chosen,
                    Poll::Pending => {
                        self.0 = Stage::Choosing(Box::new(choosing));
                        return Poll::Pending;
                    }
                },
            },
            Stage::Choosing(choosing) => ready!(choosing.poll(cx, timer)),
            Stage::TakingIn(_) | Stage::Done => return Poll::Pending,
        };
        self.0 = Stage::Done;
        Poll::Ready(chosen)
    }
}

impl Default for Receiving {
    fn default() -> Self {
        Self::new()
    }
}

/// What a body answers when it is polled.
type Polled<D, E> = Poll<Option<Result<D, E>>>;

/// A body that is there already, in one piece and within the limit. Any other is not looked at: what it was polled for, in order.
fn in_one_piece<D: Buf, E>(limit: usize, mut next: impl FnMut() -> Polled<D, E>) -> Result<Bytes, [Option<Polled<D, E>>; 2]> {
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
fn conclude(verifier: &Verifier, received: Result<Reported, Rejection>, at_end: bool) -> Result<Reported, Refusal> {
    match received {
        Ok(reported) => {
            if let Reported::Unverified(rejection, _) = &reported {
                verifier.report_only(rejection);
            }
            Ok(reported)
        }
        Err(rejection) => Err(Refusal::new(verifier, rejection, at_end)),
    }
}

/// A head, and what the application says of the tenant.
struct Told<'h, H> {
    head: &'h H,
    tenant: Option<String>,
}

impl<H: Head> Head for Told<'_, H> {
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

/// A delivery that has been refused and [reported](Verifier::report). For adapters.
#[derive(Debug)]
pub struct Refusal {
    rejection: Rejection,
    at_end: bool,
    body_limit: usize,
}

impl Refusal {
    fn new(verifier: &Verifier, rejection: Rejection, at_end: bool) -> Self {
        // At once: whoever waits for the rest to be thrown away may go before it is.
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
    pub fn discarding(&self, discard: Discard, head: &impl Head) -> Option<Discarding> {
        discard.start(&self.rejection, head, self.body_limit)
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

impl fmt::Debug for Receiving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiving").finish_non_exhaustive()
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
                let told = Told { head: &head, tenant: tenant.map(str::to_owned) };
                assert_eq!((told.method(), told.target(), told.original_target(), told.tenant()), ("POST", "/", "/", tenant));
                let mut values = Vec::new();
                told.header("Content-Length", &mut |value| values.push(value));
                assert_eq!((values, told.announces_body()), (vec![length.as_bytes()], announces));
            }
        }
    }
}
