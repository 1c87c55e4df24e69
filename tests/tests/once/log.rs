//! The log of a guard, without an adapter.

use std::time::Duration;

use conformance::log::log_of;
use countersign::identity::{DeliveryKey, Identity};
use countersign_once::{Admission, ClaimReply, GuardEvent, MarkReply, Once, WhenDown};

use crate::stores::Fixed;
use crate::{jira, signed};

/// Begins a delivery, waits for `run_time`, and ends the delivery with `status`. Returns the key and the log.
async fn handled(store: Fixed, when_down: WhenDown, run_time: Duration, status: u16) -> (DeliveryKey, String) {
    let once = Once::builder("jira", store).lease(Duration::from_secs(30)).when_down(when_down).build(&jira()).unwrap();
    let verified = jira().verify(&signed().headers, b"body").unwrap();
    let ((), log) = log_of(async {
        if let Admission::Run(claim) = once.begin(&verified, b"body").await {
            tokio::time::sleep(run_time).await;
            claim.complete(status).await;
        }
        once.idle().await;
    })
    .await;
    let (key, _) = Identity::BODY.keys("jira", &verified, b"body").unwrap();
    (key, log)
}

#[test]
fn each_event_is_one_log_line_with_its_guard_and_delivery() {
    conformance::run(async {
        tokio::time::pause();
        let store = |claim, mark, fails| Fixed { claim, mark, fails };
        let (free, own) = (ClaimReply::Acquired, MarkReply::Own);
        for (event, label, store, level, message) in [
            (GuardEvent::Claimed, "claimed", store(free, own, ""), "DEBUG", "delivery claimed"),
            (GuardEvent::Repeated, "repeated", store(ClaimReply::Marked(200), own, ""), "DEBUG", "delivery repeated"),
            (GuardEvent::Running, "running", store(ClaimReply::Running, own, ""), "DEBUG", "delivery running"),
            (GuardEvent::Unavailable, "unavailable", store(free, own, "claim"), "WARN", "the store of handled deliveries is unavailable"),
            (GuardEvent::Unguarded, "unguarded", store(free, own, "claim"), "INFO", "delivery handled without a guard"),
            (
                GuardEvent::Expired,
                "expired",
                store(free, MarkReply::Unclaimed, ""),
                "ERROR",
                "a claim was lost: the delivery may be handled twice",
            ),
            (GuardEvent::DoubleRun, "double_run", store(free, MarkReply::Other, ""), "ERROR", "a delivery was handled twice"),
            (GuardEvent::MarkLost, "mark_lost", store(free, own, "mark"), "ERROR", "a mark was given up: the next repeat is handled again"),
        ] {
            assert_eq!(event.as_str(), label);
            let (key, log) = handled(store, WhenDown::Run, Duration::ZERO, 200).await;
            let field = format!("event=\"{label}\"");
            let lines: Vec<_> = log.lines().filter(|line| line.contains(&field)).collect();
            let [line] = lines[..] else { panic!("{label}: {log}") };
            for part in [level, message, "guard=\"jira\"", &format!("delivery={key}")] {
                assert!(line.contains(part), "{part} in {line}");
            }
        }
    });
}

#[test]
fn each_failed_operation_is_one_warning_with_its_name_and_cause() {
    conformance::run(async {
        tokio::time::pause();
        for (operation, status) in [("claim", 200), ("renew", 200), ("mark", 200), ("release", 500)] {
            let store = Fixed { claim: ClaimReply::Acquired, mark: MarkReply::Own, fails: operation };
            // The first renewal is after a third of the lease.
            let (key, log) = handled(store, WhenDown::Refuse, Duration::from_secs(11), status).await;
            let lines: Vec<_> = log.lines().filter(|line| line.contains("event=\"unavailable\"")).collect();
            let [line] = lines[..] else { panic!("{operation}: {log}") };
            let named = format!("operation=\"{operation}\" delivery={key} error=the store failed source=away");
            assert!(line.contains("WARN") && line.contains(&named), "{named} in {line}");
        }
    });
}
