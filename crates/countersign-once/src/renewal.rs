use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::claim_info::ClaimInfo;
use crate::event::GuardEvent;
use crate::owner::Owner;
use crate::shared::Shared;
use crate::store::RenewReply;

/// The task that renews a claim. In the task of the handler, a blocking handler would delay the
/// renewal. On a runtime with one thread, such as a worker of actix-web, a blocking handler delays this
/// task too.
///
/// A drop ends the task after its present round.
pub(crate) struct Renewal {
    /// `None` once stopped.
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

impl Renewal {
    /// Returns `None` outside of a runtime.
    pub(crate) fn start(shared: Arc<Shared>, owner: Owner, info: ClaimInfo) -> Option<Self> {
        let (stop, stopped) = oneshot::channel();
        let task = Handle::try_current().ok()?.spawn(renew(shared, owner, info, stopped));
        Some(Self { stop: Some(stop), task })
    }

    /// Waits for the end of the present round. A call on its way would set a released claim again. If
    /// this future is dropped, call the function again.
    pub(crate) async fn stop(&mut self) {
        self.stop = None;
        let _ = (&mut self.task).await;
    }
}

async fn renew(shared: Arc<Shared>, owner: Owner, info: ClaimInfo, mut stopped: oneshot::Receiver<()>) {
    let third = shared.lease.checked_div(3).unwrap_or_default();
    let (mut renewed_at, mut pause) = (Instant::now(), third);
    // The receiver ends with the drop of the sender.
    while timeout(pause, &mut stopped).await.is_err() {
        let (started, mut is_renewed) = (Instant::now(), true);
        for key in info.keys() {
            match shared.store.renew(key, owner, shared.lease).within(shared.patience).await {
                Ok(RenewReply::Held | RenewReply::Restored) => {}
                Ok(RenewReply::Lost) => {
                    if info.lose_under_handler() {
                        shared.events.record(GuardEvent::Expired, key);
                    }
                }
                Err(error) => {
                    is_renewed = false;
                    shared.events.record_failure("renew", key, &error);
                }
            }
        }
        // After a failure, a shorter pause leaves more tries before the lease ends.
        pause = if is_renewed { third } else { third.checked_div(4).unwrap_or_default() };
        if is_renewed {
            renewed_at = started;
            info.hold_until(started.checked_add(shared.lease));
        } else if renewed_at.elapsed() >= shared.lease && info.lose_under_handler() {
            // The store has not answered for a whole lease, so the claim has ended there.
            shared.events.record(GuardEvent::Expired, info.key());
        }
    }
}
