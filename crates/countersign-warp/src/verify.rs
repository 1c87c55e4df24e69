use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;
use std::task::Context;

use bytes::Buf;
use countersign::adapter::{Drain, Outcome, Receive, ReceiveOptions, ReceiveRejection, VerifierSource};
use countersign::{Deadline, DrainPolicy, Rejection, RequestHead as _};
use futures_core::Stream;
use http_body_util::LengthLimitError;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::delivery::Delivery;
use crate::head::{self, CopiedHead, HeadScope};
use crate::rejection::{Respond, VerifyRejection, empty, recover};
use crate::timer::TokioTimer;

/// Lets only verified deliveries through to a handler.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
/// use countersign_warp::{Delivery, Verify};
/// use warp::{Filter, http::StatusCode};
///
/// async fn on_event(delivery: Delivery) -> StatusCode {
///     println!("{} bytes, signed with {}", delivery.body().len(), delivery.verified().key_id());
///     StatusCode::OK
/// }
///
/// let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("It's a Secret to Everybody")).build()?;
/// let jira = warp::path!("jira").and(warp::post()).and(Verify::new(verifier).then(on_event));
/// # let _ = warp::service(jira);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Verify {
    verifiers: VerifierSource,
    deadline: Option<Deadline>,
    drain: Option<DrainPolicy>,
    answer: Respond,
}

impl Verify {
    /// Judges by a [`Verifier`](countersign::Verifier), or by the ones that a [`Resolver`](countersign::tenant::Resolver) chooses, and answers a rejection with its status and
    /// no body.
    ///
    /// Bodies have the default [`Deadline`], and after an early rejection the rest of the body is thrown away as the default [`DrainPolicy`] says.
    /// Both go by the clock of tokio, which warp runs on; the runtime has to have its time enabled, as `#[tokio::main]` does: waiting for a
    /// body panics otherwise.
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        Self {
            verifiers: verifiers.into(),
            deadline: Some(Deadline::default()),
            drain: Some(DrainPolicy::default()),
            answer: Arc::new(|rejection| empty(rejection.status_code())),
        }
    }

    /// How long a body may take: past it 408. `None` for as long as it likes.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        self.deadline = deadline.into();
        self
    }

    /// How much of a body is read and thrown away after an early rejection. `None` for nothing: then what is rejected by its head is answered
    /// without its body being taken from the request.
    ///
    /// A filter does not see whether a request came over HTTP/2, where there would be no need to; a body that announces its length is thrown
    /// away there too.
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        self.drain = drain.into();
        self
    }

    /// Answers rejections with what `reject` returns, instead of with the status alone.
    ///
    /// A 401 is given its `WWW-Authenticate`, and a 503 its `Retry-After`, if it has none. Keep the status unless there is a reason not to
    /// ([`Rejection::status_code`]): senders repeat some and take others for final. Do not tell the sender the cause.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_warp::Verify;
    /// # let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// use warp::http::StatusCode;
    ///
    /// let verify = Verify::new(verifier).with_rejection_response(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code()).unwrap_or(StatusCode::UNAUTHORIZED);
    ///     warp::reply::with_status("not a delivery of ours\n", status)
    /// });
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_rejection_response<R: Reply>(mut self, reject: impl Fn(&Rejection) -> R + Send + Sync + 'static) -> Self {
        self.answer = Arc::new(move |rejection| reject(rejection).into_response());
        self
    }

    /// Answers 204 where it would answer 401, and drops the delivery all the same, so that its sender takes it for received: WebSub lets a
    /// subscriber do so (§7), and `PubSubHubbub` 0.4 demands it. Other rejections are answered as ever. Not for providers that send wrong
    /// signatures on purpose, to see the 401, as Xero does.
    #[must_use]
    pub fn acknowledge_and_drop(self) -> Self {
        self.with_rejection_response(|rejection| empty(rejection.acknowledging_status_code()))
    }

    /// A handler and its guard: a filter that answers with what `handler` makes of a verified delivery, and answers rejections itself.
    ///
    /// Put it last, behind the filters for path and method, none of which may read the body. The handler gets the [`Delivery`] and nothing
    /// that filters in front have extracted: for path parameters there is [`delivery`](Self::delivery).
    #[must_use]
    pub fn then<H, F, R>(self, handler: H) -> BoxedFilter<(Response,)>
    where
        H: Fn(Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = R> + Send + 'static,
        R: Reply + 'static,
    {
        let heads = head::filter(self.extent());
        then(proven(self.reported(false, heads)), handler)
    }

    /// A filter that extracts the [`Delivery`], and rejects with [`VerifyRejection`]. Put [`.recover(recover)`](recover()) behind the handler:
    /// warp answers a rejection that it does not know with 500, which senders repeat.
    ///
    /// No filter that reads the body may stand in front of it: warp hands a body out once, and answers 500 after that. For two providers on
    /// one path there is [`Verifier::any_of`](countersign::Verifier::any_of). In `first.or(second)` the second finds a body only if the first was told to drain nothing,
    /// and what the first rejects is logged even if the second takes it.
    #[must_use]
    pub fn delivery(self) -> BoxedFilter<(Delivery,)> {
        let heads = head::filter(self.extent());
        proven(self.reported(false, heads)).boxed()
    }

    /// As [`delivery`](Self::delivery), but lets deliveries through that would be answered 401, **whoever sent them**, and says so in the log:
    /// to try a secret out before anything depends on it. Take it off again.
    ///
    /// Nothing but that changes: 413, 400, 408 and 503 still reject. What is extracted is an [`Outcome`], which says of each whether it was
    /// signed.
    #[must_use]
    pub fn insecure_report_only(self) -> BoxedFilter<(Outcome,)> {
        let heads = head::filter(self.extent());
        self.reported(true, heads).boxed()
    }

    pub(crate) fn reported(
        self,
        report_only: bool,
        heads: impl Filter<Extract = (Box<CopiedHead>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    ) -> impl Filter<Extract = (Outcome,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static {
        // Behind one pointer, as warp clones what is in a filter for every request.
        let verify = Arc::new(self);
        let by_head = Arc::clone(&verify);
        heads
            .and_then(move |head: Box<CopiedHead>| {
                let by_head = Arc::clone(&by_head);
                async move { by_head.check_head(head, report_only).await }
            })
            // Only now: what was rejected before keeps its body for filters that come after.
            .and(warp::body::stream())
            .and_then(move |received, body| {
                let verify = Arc::clone(&verify);
                async move { verify.receive(received, body, report_only).await }
            })
    }

    pub(crate) fn extent(&self) -> HeadScope {
        HeadScope::of(&self.verifiers)
    }

    /// Judges the head, if what is rejected by it is to keep its body. Otherwise head and body are judged in one go, which takes less.
    async fn check_head(&self, head: Box<CopiedHead>, report_only: bool) -> Result<ReceivedHead, warp::Rejection> {
        let (mut receive, mut timer) = (Receive::new(), TokioTimer::default());
        if self.drain.is_none() {
            let options = self.options(report_only);
            let judged = poll_fn(|cx| receive.poll_head(cx, &mut timer, &options, &*head)).await;
            judged.map_err(|rejection| self.reject(rejection.into_rejection(), head.announces_body()))?;
        }
        Ok(ReceivedHead { head, receive, timer })
    }

    async fn receive<S, D>(&self, received: ReceivedHead, body: S, report_only: bool) -> Result<Outcome, warp::Rejection>
    where
        S: Stream<Item = Result<D, warp::Error>>,
        D: Buf,
    {
        let (mut body, options) = (pin!(body), self.options(report_only));
        let ReceivedHead { head, mut receive, mut timer } = received;
        let mut next = |cx: &mut Context<'_>| body.as_mut().poll_next(cx);
        let is_limit = <dyn Error>::is::<LengthLimitError>;
        let rejection = match poll_fn(|cx| receive.poll(cx, &mut timer, &options, &*head, &mut next, is_limit)).await {
            Ok(reported) => return Ok(reported),
            Err(rejection) => rejection,
        };
        let close = match self.drain_of(&rejection, &head) {
            Some(mut rest) => !poll_fn(|cx| rest.poll(cx, &mut timer, &mut next)).await,
            None => !rejection.is_at_end() && head.announces_body(),
        };
        Err(self.reject(rejection.into_rejection(), close))
    }

    const fn options(&self, insecure_report_only: bool) -> ReceiveOptions<'_> {
        ReceiveOptions { verifiers: &self.verifiers, deadline: self.deadline, insecure_report_only }
    }

    fn drain_of(&self, rejection: &ReceiveRejection, head: &CopiedHead) -> Option<Drain> {
        let drain = self.drain.filter(|_| head.announces_body())?;
        rejection.drain(drain, head)
    }

    fn reject(&self, rejection: Rejection, close: bool) -> warp::Rejection {
        warp::reject::custom(VerifyRejection::new(rejection, Arc::clone(&self.answer), close))
    }
}

/// A filter that answers with what `handler` makes of a delivery.
// Boxed, as every filter that is handed out: otherwise each of its combinators stands in the name of its type, in every line of a backtrace.
pub(crate) fn then<H, F, R>(
    deliveries: impl Filter<Extract = (Delivery,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static,
    handler: H,
) -> BoxedFilter<(Response,)>
where
    H: Fn(Delivery) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = R> + Send + 'static,
    R: Reply + 'static,
{
    deliveries.then(handler).map(R::into_response).recover(recover).unify().boxed()
}

/// What comes without a proof goes no further. Only where deliveries are reported on does any come so far.
pub(crate) fn proven(
    reported: impl Filter<Extract = (Outcome,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (Delivery,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static {
    reported.and_then(|reported| {
        ready(match reported {
            Outcome::Verified(verified, body) => Ok(Delivery::new(verified, body)),
            Outcome::Unverified(..) => Err(warp::reject::reject()),
        })
    })
}

/// A delivery whose head has been judged, or is yet to be.
struct ReceivedHead {
    head: Box<CopiedHead>,
    receive: Receive,
    timer: TokioTimer,
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("verifiers", &self.verifiers).finish_non_exhaustive()
    }
}
