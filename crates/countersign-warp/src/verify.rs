use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Buf;
use countersign::adapter::{BodySource, Outcome, Receive, ReceiveOptions, TokioTimer, VerifierSource, empty_response};
use countersign::{Deadline, DrainPolicy, Rejection};
use futures_core::Stream;
use http_body_util::LengthLimitError;
use warp::filters::BoxedFilter;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::delivery::Delivery;
use crate::head::{self, CopiedHead, HeadScope};
use crate::rejection::{Respond, VerifyRejection, recover};

/// Lets only verified deliveries through to a handler.
///
/// ```
/// use countersign::{Secret, Verifier, providers};
/// use countersign_warp::{Delivery, Verify};
/// use warp::{Filter, http::StatusCode};
///
/// async fn on_event(delivery: Delivery) -> StatusCode {
///     println!("{} bytes, signed with {}", delivery.body.len(), delivery.verified.key_id());
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
    options: ReceiveOptions,
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
        let answer = |rejection: &Rejection| empty_response(rejection.status_code());
        Self { options: ReceiveOptions::new(verifiers), answer: Arc::new(answer) }
    }

    /// How long a body may take: past it 408. `None` for as long as it likes.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        self.options.deadline = deadline.into();
        self
    }

    /// How much of a body is read and thrown away after an early rejection. `None` for nothing: then what is rejected by its head is answered
    /// without its body being taken from the request.
    ///
    /// A filter does not see whether a request came over HTTP/2, where there would be no need to; a body that announces its length is thrown
    /// away there too.
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        self.options.drain = drain.into();
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
        self.with_rejection_response(|rejection| -> Response { empty_response(rejection.acknowledging_status_code()) })
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
        mut self,
        report_only: bool,
        heads: impl Filter<Extract = (Box<CopiedHead>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    ) -> impl Filter<Extract = (Outcome,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static {
        self.options.insecure_report_only = report_only;
        // Behind one pointer, as warp clones what is in a filter for every request.
        let verify = Arc::new(self);
        let by_head = Arc::clone(&verify);
        heads
            .and_then(move |head: Box<CopiedHead>| {
                let by_head = Arc::clone(&by_head);
                async move { by_head.check_head(head).await }
            })
            // Only now: what was rejected before keeps its body for filters that come after.
            .and(warp::body::stream())
            .and_then(move |received, body| {
                let verify = Arc::clone(&verify);
                async move { verify.receive(received, body).await }
            })
    }

    pub(crate) fn extent(&self) -> HeadScope {
        HeadScope::of(&self.options.verifiers)
    }

    /// Judges the head, if what is rejected by it is to keep its body. Otherwise head and body are judged in one go, which takes less.
    async fn check_head(&self, head: Box<CopiedHead>) -> Result<ReceivedHead, warp::Rejection> {
        let (mut receive, mut timer) = (Receive::new(), TokioTimer::default());
        if self.options.drain.is_none() {
            let judged = poll_fn(|cx| receive.poll_head(cx, &self.options, &*head, &mut timer)).await;
            judged.map_err(|rejection| self.reject(rejection, &receive))?;
        }
        Ok(ReceivedHead { head, receive, timer })
    }

    async fn receive<S, D>(&self, received: ReceivedHead, body: S) -> Result<Outcome, warp::Rejection>
    where
        S: Stream<Item = Result<D, warp::Error>>,
        D: Buf,
    {
        let ReceivedHead { head, mut receive, mut timer } = received;
        let mut body = StreamBody(pin!(body));
        let received = poll_fn(|cx| receive.poll(cx, &self.options, &*head, &mut body, &mut timer)).await;
        received.map_err(|rejection| self.reject(rejection, &receive))
    }

    fn reject(&self, rejection: Rejection, receive: &Receive) -> warp::Rejection {
        warp::reject::custom(VerifyRejection::new(rejection, Arc::clone(&self.answer), receive.connection()))
    }
}

/// What warp hands out of a body.
struct StreamBody<'a, S>(Pin<&'a mut S>);

impl<S: Stream<Item = Result<D, warp::Error>>, D: Buf> BodySource for StreamBody<'_, S> {
    type Data = D;
    type Error = warp::Error;

    fn poll_data(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<D, warp::Error>>> {
        self.0.as_mut().poll_next(cx)
    }

    fn is_length_limit(error: &(dyn Error + 'static)) -> bool {
        error.is::<LengthLimitError>()
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
            Outcome::Verified(verified, body) => Ok(Delivery { verified, body }),
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
        f.debug_struct("Verify").field("verifiers", &self.options.verifiers).finish_non_exhaustive()
    }
}
