use std::error::Error;
use std::fmt;
use std::future::{poll_fn, ready};
use std::pin::pin;
use std::sync::Arc;

use bytes::Buf;
use countersign::{Intake, Rejection, Verifier};
use futures_core::Stream;
use http_body_util::LengthLimitError;
use warp::reply::Response;
use warp::{Filter, Reply};

use crate::refused::{Answer, empty_response};
use crate::request_head::{self, RequestHead};
use crate::{Delivery, Refused, recover};

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
    verifier: Verifier,
    answer: Answer,
}

impl Verify {
    /// Judges by `verifier` and answers a refusal with its status and no body.
    #[must_use]
    pub fn new(verifier: Verifier) -> Self {
        Self { verifier, answer: Arc::new(empty_response) }
    }

    /// Answers refusals with what `refuse` returns, instead of with the status alone.
    ///
    /// A 401 is given its `WWW-Authenticate` if it has none. Keep the status unless there is a reason not to
    /// ([`Rejection::status_code`]): senders repeat some and take others for final. Do not tell the sender the cause.
    ///
    /// ```
    /// # use countersign::{Rejection, Secret, Verifier, providers};
    /// # use countersign_warp::Verify;
    /// # let verifier = Verifier::builder(providers::JIRA).key("2026-11", Secret::new("secret")).build()?;
    /// use warp::http::StatusCode;
    ///
    /// let verify = Verify::new(verifier).refuse_with(|rejection: &Rejection| {
    ///     let status = StatusCode::from_u16(rejection.status_code()).unwrap_or(StatusCode::UNAUTHORIZED);
    ///     warp::reply::with_status("not a delivery of ours\n", status)
    /// });
    /// # Ok::<(), countersign::ConfigError>(())
    /// ```
    #[must_use]
    pub fn refuse_with<R: Reply>(mut self, refuse: impl Fn(&Rejection) -> R + Send + Sync + 'static) -> Self {
        self.answer = Arc::new(move |rejection| refuse(rejection).into_response());
        self
    }

    /// A handler and its guard: a filter that answers with what `handler` makes of a verified delivery, and answers refusals itself.
    ///
    /// Put it last, behind the filters for path and method, none of which may read the body. The handler gets the [`Delivery`] and nothing
    /// that filters in front have extracted: for path parameters there is [`delivery`](Self::delivery).
    #[must_use]
    pub fn then<H, F, R>(self, handler: H) -> impl Filter<Extract = (Response,), Error = warp::Rejection> + Clone
    where
        H: Fn(Delivery) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = R> + Send,
        R: Reply,
    {
        self.delivery().then(handler).map(R::into_response).recover(recover).unify()
    }

    /// A filter that extracts the [`Delivery`], and rejects with [`Refused`]. Put [`.recover(recover)`](recover()) behind the handler:
    /// warp answers a rejection that it does not know with 500, which senders repeat.
    ///
    /// No filter that reads the body may stand in front of it: warp hands a body out once, and answers 500 after that. What it logs is this
    /// filter's own verdict: in `first.or(second)` a delivery that the first refuses by its head and the second takes is logged as refused
    /// by the first. For two providers on one path there is [`Verifier::any_of`].
    #[must_use]
    pub fn delivery(self) -> impl Filter<Extract = (Delivery,), Error = warp::Rejection> + Clone {
        let judge = self.clone();
        request_head::filter()
            .and_then(move |head: RequestHead| ready(judge.verifier.intake(&head).map_err(|rejection| judge.refuse(rejection))))
            // Only now: what was refused by its head keeps its body for filters that come after.
            .and(warp::body::stream())
            .and_then(move |intake, body| {
                let verify = self.clone();
                async move { receive(intake, body).await.map_err(|rejection| verify.refuse(rejection)) }
            })
    }

    fn refuse(&self, rejection: Rejection) -> warp::Rejection {
        self.verifier.report(&rejection);
        warp::reject::custom(Refused::new(rejection, Arc::clone(&self.answer)))
    }
}

/// Takes in the body to its end.
async fn receive(mut intake: Intake, body: impl Stream<Item = Result<impl Buf, warp::Error>>) -> Result<Delivery, Rejection> {
    let mut body = pin!(body);
    while let Some(chunk) = poll_fn(|cx| body.as_mut().poll_next(cx)).await {
        intake.push(chunk.map_err(|error| intake.failed(error, <dyn Error>::is::<LengthLimitError>))?)?;
    }
    intake.finish().map(|(verified, body)| Delivery::new(verified, body))
}

impl fmt::Debug for Verify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verify").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}
