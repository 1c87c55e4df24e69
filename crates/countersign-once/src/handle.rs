use std::future::pending;
use std::panic::resume_unwind;

use countersign::Verified;
use tokio::task::JoinHandle;
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

use crate::claim::Claim;
use crate::claim_info::ClaimInfo;
use crate::once::{Admission, Once};

/// The outcome of [`Once::handle`].
// Not `#[non_exhaustive]`: every caller must decide each case.
#[derive(Debug)]
#[must_use = "the delivery needs a response"]
pub enum Handled<R> {
    /// The handler has run, and returned this response.
    Response(R),
    /// The delivery was handled before. Answer with this status, without a body.
    Repeated(u16),
    /// Another handler runs, the store failed, or the guard is closed. Answer 503 with `Retry-After`, without a body.
    TryLater,
}

impl<R> Handled<R> {
    /// Returns the response of the handler, or the response of `answer` to a status. Such a response
    /// has no body. A 503 needs `Retry-After`.
    pub fn response_or(self, answer: impl FnOnce(u16) -> R) -> R {
        match self {
            Self::Response(response) => response,
            Self::Repeated(status) => answer(status),
            Self::TryLater => answer(503),
        }
    }
}

impl Admission {
    /// Returns the claim of a delivery to be handled.
    ///
    /// # Errors
    /// Returns the status to answer with, without a body and without running the handler: the stored
    /// status of a handled delivery, or 503. A 503 needs `Retry-After`.
    pub fn claim(self) -> Result<Claim, u16> {
        match self {
            Self::Run(claim) => Ok(claim),
            Self::Repeated(status) => Err(status),
            Self::Running | Self::Unavailable(_) => Err(503),
        }
    }
}

impl Once {
    /// Handles a delivery until one run succeeds, and never twice at the same time, [within limits].
    ///
    /// [within limits]: countersign::manual::once#what-is-promised-and-what-is-not
    ///
    /// | situation | outcome |
    /// |---|---|
    /// | first delivery | the handler runs |
    /// | the same delivery is being handled | [`Handled::TryLater`] |
    /// | the same delivery was handled with 2xx | [`Handled::Repeated`] with the stored status |
    /// | the response is 2xx | the delivery is marked, before this returns |
    /// | another response, or a panic | the claim is released; a panic goes on |
    /// | this future is dropped: the sender has disconnected | the handler runs on in its own task, guarded or not |
    /// | the store fails | [`Handled::TryLater`], or an unguarded run: see [`WhenDown`](crate::WhenDown) |
    ///
    /// `verified` and `body` are as for [`begin`](Self::begin). `status` returns the status of a
    /// response. The handler's task has the present span and subscriber of `tracing`, and no values of
    /// `tokio::task_local`.
    ///
    /// # Panics
    /// Outside of a runtime of tokio with a time driver.
    pub async fn handle<'v, F, R>(
        &self,
        verified: impl Into<Option<&'v Verified>>,
        body: &[u8],
        status: impl FnOnce(&R) -> u16 + Send + 'static,
        handler: impl FnOnce(ClaimInfo) -> F,
    ) -> Handled<R>
    where
        F: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let claim = match self.begin(verified, body).await {
            Admission::Run(claim) => claim,
            Admission::Repeated(status) => return Handled::Repeated(status),
            Admission::Running | Admission::Unavailable(_) => return Handled::TryLater,
        };
        let handler = handler(claim.info());
        Handled::Response(claim.run(handler, status).await)
    }
}

impl Claim {
    /// Runs the handler in a task of its own, and ends the claim: the second half of
    /// [`Once::handle`], after [`Once::begin`].
    ///
    /// Never returns if the runtime shuts down before the handler has ended.
    ///
    /// # Panics
    /// Outside of a runtime of tokio.
    pub async fn run<F>(self, handler: F, status: impl FnOnce(&F::Output) -> u16 + Send + 'static) -> F::Output
    where
        F: Future<Output: Send> + Send + 'static,
    {
        joined(tokio::spawn(self.settle(handler, status).in_current_span().with_current_subscriber())).await
    }

    /// Runs a handler as [`run`](Self::run) does, for handlers that stay on their thread.
    ///
    /// # Panics
    /// Outside of a `LocalSet` of tokio. actix-web runs handlers in a `LocalSet`.
    pub async fn run_local<F>(self, handler: F, status: impl FnOnce(&F::Output) -> u16 + 'static) -> F::Output
    where
        F: Future + 'static,
    {
        joined(tokio::task::spawn_local(self.settle(handler, status).in_current_span().with_current_subscriber())).await
    }

    /// Runs the handler, and ends the claim before the response is sent: the mark must precede a
    /// 2xx.
    async fn settle<R>(self, handler: impl Future<Output = R>, status: impl FnOnce(&R) -> u16) -> R {
        // If the handler panics, the drop of the claim releases the delivery.
        let response = handler.await;
        self.complete(status(&response)).await;
        response
    }
}

async fn joined<R>(task: JoinHandle<R>) -> R {
    match task.await {
        Ok(response) => response,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime is shutting down, and drops this future too.
        Err(_) => pending().await,
    }
}
