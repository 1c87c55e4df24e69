use std::panic::resume_unwind;
use std::sync::Arc;

use countersign::Verified;
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::claim::{Claim, ClaimInfo};
use crate::guard::Guard;
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

/// Counts a running handler, for [`Once::idle`].
struct Running(Arc<Guard>);

impl Running {
    fn new(inner: &Arc<Guard>) -> Self {
        inner.running.send_modify(|running| *running = running.saturating_add(1));
        Self(Arc::clone(inner))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.running.send_modify(|running| *running = running.saturating_sub(1));
    }
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
    /// | this future is dropped: the sender has disconnected | the handler runs on in its own task |
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
            Ok(Some(claim)) => claim,
            Ok(None) => return Handled::Response(handler(None).await),
            Err(answer) => return answer,
        };
        let handler = handler(Some(claim.info()));
        let running = Running::new(&self.0);
        joined(tokio::spawn(settle(claim, running, handler, status).in_current_span())).await
    }

    /// Handles a delivery as [`handle`](Self::handle) does, for handlers that stay on their thread.
    ///
    /// # Panics
    /// Outside of a `LocalSet` of tokio. actix-web runs handlers in one.
    pub async fn handle_local<F, R>(
        &self,
        verified: &Verified,
        body: &[u8],
        status: impl FnOnce(&R) -> u16 + 'static,
        handler: impl FnOnce(Option<ClaimInfo>) -> F,
    ) -> Handled<R>
    where
        F: Future<Output = R> + 'static,
        R: 'static,
    {
        let claim = match admit(self.begin(verified, body).await) {
            Ok(Some(claim)) => claim,
            Ok(None) => return Handled::Response(handler(None).await),
            Err(answer) => return answer,
        };
        let handler = handler(Some(claim.info()));
        let running = Running::new(&self.0);
        joined(tokio::task::spawn_local(settle(claim, running, handler, status).in_current_span())).await
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
async fn settle<R>(claim: Claim, running: Running, handler: impl Future<Output = R>, status: impl FnOnce(&R) -> u16) -> R {
    // If the handler panics, the drop of the claim releases the delivery.
    let response = handler.await;
    claim.complete(status(&response)).await;
    drop(running);
    response
}

async fn joined<R>(task: JoinHandle<R>) -> Handled<R> {
    match task.await {
        Ok(response) => Handled::Response(response),
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        // The runtime is shutting down.
        Err(_) => Handled::TryLater,
    }
}
