use std::panic::resume_unwind;

use countersign::Verified;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::claim::{Claim, ClaimInfo};
use crate::guard::Running;
use crate::once::{Admission, Once};

/// The outcome of [`Once::handle`].
#[derive(Debug)]
pub enum Handled<R> {
    /// The handler has run, and returned this response.
    Response(R),
    /// The delivery was handled before. Answer with this status, without a body.
    Repeated(u16),
    /// Another handler runs, or the store failed. Answer 503 with `Retry-After`, without a body.
    TryLater,
}

impl Once {
    /// Handles a delivery at most once at a time, and once to success.
    ///
    /// | situation | outcome |
    /// |---|---|
    /// | first delivery | the handler runs |
    /// | the same delivery is being handled | [`Handled::TryLater`] |
    /// | the same delivery was handled with 2xx | [`Handled::Repeated`] with the stored status |
    /// | the response is 2xx | the delivery is marked, before this returns |
    /// | another response, or a panic | the claim is released; a panic goes on |
    /// | this future is dropped: the sender has disconnected | the handler runs on in its own task, also without a guard |
    /// | the store fails | [`Handled::TryLater`], or an unguarded run: see [`WhenDown`](crate::WhenDown) |
    ///
    /// `status` returns the status of a response. `handler` gets the claim, except for an unguarded
    /// run. The handler's task has the present span of `tracing`.
    pub async fn handle<F, R>(
        &self,
        verified: &Verified,
        body: &[u8],
        status: impl FnOnce(&R) -> u16 + Send + 'static,
        handler: impl FnOnce(Option<ClaimInfo>) -> F,
    ) -> Handled<R>
    where
        F: Future<Output = R> + Send + 'static,
        R: Send + 'static,
    {
        let claim = match admit(self.begin(verified, body).await) {
            Ok(claim) => claim,
            Err(answer) => return answer,
        };
        let handler = handler(claim.as_ref().map(Claim::info));
        self.run(claim, handler, status).await.map_or(Handled::TryLater, Handled::Response)
    }

    /// Runs an admitted handler in a task of its own, and ends its claim: the second half of
    /// [`handle`](Self::handle), after [`begin`](Self::begin). Without a claim, the handler runs
    /// without a guard.
    ///
    /// Returns `None` if the runtime shuts down before the handler has ended.
    pub async fn run<F>(
        &self,
        claim: Option<Claim>,
        handler: F,
        status: impl FnOnce(&F::Output) -> u16 + Send + 'static,
    ) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let running = Running::new(&self.0);
        joined(tokio::spawn(settle(running, claim, handler, status).in_current_span())).await
    }

    /// Runs a handler as [`run`](Self::run) does, for handlers that stay on their thread.
    ///
    /// # Panics
    /// Outside of a `LocalSet` of tokio. actix-web runs handlers in a `LocalSet`.
    pub async fn run_local<F>(
        &self,
        claim: Option<Claim>,
        handler: F,
        status: impl FnOnce(&F::Output) -> u16 + 'static,
    ) -> Option<F::Output>
    where
        F: Future + 'static,
    {
        let running = Running::new(&self.0);
        joined(tokio::task::spawn_local(settle(running, claim, handler, status).in_current_span())).await
    }
}

fn admit<R>(admission: Admission) -> Result<Option<Claim>, Handled<R>> {
    match admission {
        Admission::Run(claim) => Ok(Some(claim)),
        Admission::Unguarded => Ok(None),
        Admission::Repeated(status) => Err(Handled::Repeated(status)),
        Admission::Running | Admission::Unavailable(_) => Err(Handled::TryLater),
    }
}

/// Runs the handler, and ends the claim before the response is sent: a 2xx on its way must be true.
///
/// The last parameter is dropped first: the claim is released before `running` ends.
async fn settle<R>(_running: Running, claim: Option<Claim>, handler: impl Future<Output = R>, status: impl FnOnce(&R) -> u16) -> R {
    // If the handler panics, the drop of the claim releases the delivery.
    let response = handler.await;
    if let Some(claim) = claim {
        claim.complete(status(&response)).await;
    }
    response
}

async fn joined<R>(task: JoinHandle<R>) -> Option<R> {
    match task.await {
        Ok(response) => Some(response),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(_) => None,
    }
}
