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

/// Builds warp filters that verify deliveries. Only verified deliveries reach a handler.
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
/// let verifier = Verifier::builder(providers::JIRA)
///     .key("2026-11", Secret::new("It's a Secret to Everybody"))
///     .build()?;
/// let jira = warp::path!("jira").and(warp::post()).and(Verify::new(verifier).then(on_event));
/// # let _ = warp::service(jira);
/// # Ok::<(), countersign::ConfigError>(())
/// ```
///
/// Every filter is a [`BoxedFilter`]. The type has a short name, also in a backtrace. Each request
/// costs one allocation more. Handlers, their futures and their replies must be `'static`.
#[doc(alias("hmac", "webhook signature", "filter"))]
#[derive(Clone)]
pub struct Verify {
    pub(crate) options: ReceiveOptions,
    reject: Respond,
}

impl Verify {
    /// Creates the default settings for a [`Verifier`](countersign::Verifier), or for a
    /// [`Resolver`](countersign::tenant::Resolver) of tenants with separate keys:
    ///
    /// - The response to a rejection is the status of the rejection, without a body.
    /// - The time limit for a body is the default [`Deadline`].
    /// - After an early rejection, the default [`DrainPolicy`] limits the draining of the body.
    ///
    /// The deadline, draining and the timeout of a resolver use the clock of tokio, warp's runtime.
    /// The runtime needs an enabled time driver, as with `#[tokio::main]`. Without the time driver,
    /// waiting for a body or a resolver panics.
    #[must_use]
    pub fn new(verifiers: impl Into<VerifierSource>) -> Self {
        let reject = |rejection: &Rejection| empty_response(rejection.status_code());
        Self { options: ReceiveOptions::new(verifiers), reject: Arc::new(reject) }
    }

    /// Sets the time limit for a body. A slower delivery is rejected with 408. `None` sets no
    /// limit.
    #[must_use]
    pub fn deadline(mut self, deadline: impl Into<Option<Deadline>>) -> Self {
        self.options.deadline = deadline.into();
        self
    }

    /// Sets the limits for draining the body after an early rejection. `None` drains nothing. A
    /// request rejected by the head then keeps the body, for filters in a later `or`.
    ///
    /// A filter cannot see the HTTP version. Over HTTP/2, draining is unnecessary, but a body with
    /// an announced length is drained anyway.
    #[must_use]
    pub fn drain(mut self, drain: impl Into<Option<DrainPolicy>>) -> Self {
        self.options.drain = drain.into();
        self
    }

    /// Replaces the response to a rejection. The default response has only the status, without a
    /// body.
    ///
    /// A 401 without `WWW-Authenticate` gets this header field. A 503 without `Retry-After` gets
    /// this header field.
    ///
    /// - Keep the status ([`Rejection::status_code`]) unless you have a reason. Senders repeat
    ///   deliveries after some statuses, and count other statuses as final.
    /// - Do not tell the sender the cause.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_warp::Verify;
    /// # let builder = Verifier::builder(providers::JIRA);
    /// # let verifier = builder.key("2026-11", Secret::new("secret")).build()?;
    /// use warp::http::StatusCode;
    ///
    /// let verify = Verify::new(verifier).with_rejection_response(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code());
    ///     let status = status.unwrap_or(StatusCode::UNAUTHORIZED);
    ///     warp::reply::with_status("the delivery was rejected\n", status)
    /// });
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    #[must_use]
    pub fn with_rejection_response<R: Reply>(mut self, reject: impl Fn(&Rejection) -> R + Send + Sync + 'static) -> Self {
        self.reject = Arc::new(move |rejection| reject(rejection).into_response());
        self
    }

    /// Answers 204 instead of 401, and still drops the delivery. The sender counts the delivery as
    /// received. Other rejections keep their responses.
    ///
    /// WebSub allows a subscriber to acknowledge such deliveries (§7). `PubSubHubbub` 0.4 requires
    /// the acknowledgement. Do not use this setting for a provider with deliberately wrong
    /// signatures in test deliveries. Xero, for example, expects the 401.
    #[must_use]
    pub fn acknowledge_and_drop(self) -> Self {
        self.with_rejection_response(|rejection| -> Response { empty_response(rejection.acknowledging_status_code()) })
    }

    /// Combines a handler and the verification. The returned filter calls `handler` for verified
    /// deliveries, and responds to rejections.
    ///
    /// - Put the filter last, behind the filters for path and method. None of these filters may
    ///   read the body.
    /// - The handler receives only the [`Delivery`]. For path parameters and other extracted
    ///   values, use [`delivery`](Self::delivery).
    #[must_use]
    pub fn then<H, F, R>(self, handler: H) -> BoxedFilter<(Response,)>
    where
        H: Fn(Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = R> + Send + 'static,
        R: Reply + 'static,
    {
        let heads = head::filter(self.head_scope());
        handle(only_verified(self.outcomes(false, heads)), handler)
    }

    /// Creates a filter that extracts the [`Delivery`]. The filter rejects other deliveries with a
    /// [`VerifyRejection`].
    ///
    /// - **Put [`.recover(recover)`](recover()) behind the handler.** warp answers an unknown
    ///   rejection with 500, and senders repeat the delivery.
    /// - No earlier filter may read the body. warp hands out a body only once. The second use of
    ///   the body is answered with 500.
    /// - For two providers on one path, use [`Verifier::any_of`](countersign::Verifier::any_of).
    /// - In `first.or(second)`, the second filter finds the body only if the first filter has
    ///   [`drain(None)`](Self::drain), and rejects by the head. The log shows the rejection of the
    ///   first filter, even if the second filter accepts the delivery.
    #[must_use]
    pub fn delivery(self) -> BoxedFilter<(Delivery,)> {
        let heads = head::filter(self.head_scope());
        only_verified(self.outcomes(false, heads)).boxed()
    }

    /// Creates a filter like [`delivery`](Self::delivery), in report-only mode. The filter lets
    /// deliveries through instead of answering 401, **from any sender**, and logs each such
    /// delivery.
    ///
    /// Use this mode to test a secret before the service depends on verification. Remove the mode
    /// afterwards.
    ///
    /// Other rejections stay: 400, 408, 413 and 503. The filter extracts an [`Outcome`], either
    /// verified or unverified.
    #[must_use]
    pub fn insecure_report_only(self) -> BoxedFilter<(Outcome,)> {
        let heads = head::filter(self.head_scope());
        self.outcomes(true, heads).boxed()
    }

    /// Creates a filter that extracts the outcome of each delivery, from the head filter `heads`.
    pub(crate) fn outcomes(
        mut self,
        report_only: bool,
        heads: impl Filter<Extract = (Box<CopiedHead>,), Error = Infallible, Future: Send> + Clone + Send + Sync + 'static,
    ) -> impl Filter<Extract = (Outcome,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static {
        self.options.insecure_report_only = report_only;
        // Behind one pointer, because warp clones the contents of a filter for every request.
        let verify = Arc::new(self);
        let verify_head = Arc::clone(&verify);
        heads
            .and_then(move |head: Box<CopiedHead>| {
                let verify = Arc::clone(&verify_head);
                async move { verify.receive_head(head).await }
            })
            // The body leaves the request only here. A request rejected by `receive_head` keeps the
            // body for later filters.
            .and(warp::body::stream())
            .and_then(move |head, body| {
                let verify = Arc::clone(&verify);
                async move { verify.receive_body(head, body).await }
            })
    }

    pub(crate) fn head_scope(&self) -> HeadScope {
        HeadScope::of(&self.options.verifiers)
    }

    /// Starts a delivery. Checks the head only if draining is off: a rejected request then keeps
    /// the body. Otherwise [`receive_body`](Self::receive_body) checks the head together with the
    /// body, which costs less.
    async fn receive_head(&self, head: Box<CopiedHead>) -> Result<ReceivedHead, warp::Rejection> {
        let (mut receive, mut timer) = (Receive::new(), TokioTimer::default());
        if self.options.drain.is_none() {
            let checked = poll_fn(|cx| receive.poll_head(cx, &self.options, &*head, &mut timer)).await;
            checked.map_err(|rejection| self.wrap_rejection(rejection, &receive))?;
        }
        Ok(ReceivedHead { head, receive, timer })
    }

    /// Receives the body, and verifies the delivery.
    async fn receive_body<S, D>(&self, head: ReceivedHead, body: S) -> Result<Outcome, warp::Rejection>
    where
        S: Stream<Item = Result<D, warp::Error>>,
        D: Buf,
    {
        let ReceivedHead { head, mut receive, mut timer } = head;
        let mut body = StreamBody(pin!(body));
        let outcome = poll_fn(|cx| receive.poll(cx, &self.options, &*head, &mut body, &mut timer)).await;
        outcome.map_err(|rejection| self.wrap_rejection(rejection, &receive))
    }

    fn wrap_rejection(&self, rejection: Rejection, receive: &Receive) -> warp::Rejection {
        warp::reject::custom(VerifyRejection::new(rejection, Arc::clone(&self.reject), receive.connection()))
    }
}

/// The request body as a stream from warp.
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

/// Creates a filter that calls `handler` for a delivery, and responds to a rejection.
// Boxed, like every public filter. Otherwise each combinator is part of the type's name, in every
// line of a backtrace.
pub(crate) fn handle<H, F, R>(
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

/// Creates a filter that extracts verified deliveries, and rejects unverified deliveries. Only
/// report-only mode produces unverified deliveries, and report-only mode does not use this filter.
pub(crate) fn only_verified(
    outcomes: impl Filter<Extract = (Outcome,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static,
) -> impl Filter<Extract = (Delivery,), Error = warp::Rejection, Future: Send> + Clone + Send + Sync + 'static {
    outcomes.and_then(|outcome| {
        ready(match outcome {
            Outcome::Verified(verified, body) => Ok(Delivery {
                verified,
                body,
                #[cfg(feature = "once")]
                claim: None,
            }),
            Outcome::Unverified(..) => Err(warp::reject::reject()),
        })
    })
}

/// A delivery with a received head. [`Verify::receive_head`] may have left the head unchecked.
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
