use std::time::SystemTime;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::body::memory_budget::MemoryBudget;
use crate::key_id::KeyId;
use crate::machine_clock;
use crate::observe::observer::{KeysEvent, Observer, Verdict};
use crate::verdict::rejection_kind::RejectionKind;

/// Counts verdicts through the facade of the crate `metrics`, with any recorder.
///
/// | name | type | labels |
/// |---|---|---|
/// | `countersign_deliveries_total` | counter | `scheme`; `verdict`: `verified`, `rejected` or `let_through`; `cause`, empty for a verified delivery |
/// | `countersign_key_matches_total` | counter, without tenants' keys | `scheme`, `key` |
/// | `countersign_key_last_matched_timestamp_seconds` | gauge of seconds since 1970, from the first match on, without tenants' keys | `scheme`, `key` |
/// | `countersign_keys` | gauge of the keys that had not expired at the last change of keys, without tenants' keys | `scheme` |
/// | `countersign_key_reload_failures_total` | counter of failed reloads of keys; `countersign-keys` adds 1 for each failed check of the files | `scheme` |
/// | `countersign_body_bytes` | histogram of bytes, for verified deliveries | `scheme` |
/// | `countersign_delivery_duration_seconds` | histogram of seconds from the head to the verdict, for verified deliveries | `scheme` |
/// | `countersign_memory_budget_used_bytes` | gauge of bytes at the last verdict, including the body of that delivery; only with [`memory_budget`](Self::memory_budget) | |
///
/// Every counter of a scheme exists with the value 0 once a verifier or a template of the scheme is
/// built. A delivery without a signature of any scheme of [`any_of`](crate::Verifier::any_of) has
/// all names as the label `scheme`. That series begins with the first such delivery.
///
/// No text of a sender becomes a label. Several verifiers of one scheme add to the same counters.
/// Each gauge of keys has the last value set by any of these verifiers. The series of a retired key
/// stays.
#[doc(alias("prometheus"))]
#[derive(Clone, Debug, Default)]
pub struct MetricsObserver {
    budget: Option<MemoryBudget>,
}

impl MetricsObserver {
    /// Creates an observer for any number of verifiers. Describes the metrics to the recorder, so
    /// install the recorder first.
    #[must_use]
    pub fn new() -> Self {
        describe_counter!("countersign_deliveries_total", "Webhook deliveries by verdict and cause");
        describe_counter!("countersign_key_matches_total", "Verified webhook deliveries by the key that matched");
        describe_gauge!(
            "countersign_key_last_matched_timestamp_seconds",
            Unit::Seconds,
            "Time of the last match of a key, in seconds since 1970"
        );
        describe_gauge!("countersign_keys", "Keys in force at the last change of keys");
        describe_counter!("countersign_key_reload_failures_total", "Failed reloads of keys, after which the earlier keys stay in force");
        describe_histogram!("countersign_body_bytes", Unit::Bytes, "Bodies of verified webhook deliveries");
        describe_histogram!(
            "countersign_delivery_duration_seconds",
            Unit::Seconds,
            "Time from head to verdict of verified webhook deliveries"
        );
        describe_gauge!("countersign_memory_budget_used_bytes", Unit::Bytes, "Bodies of webhook deliveries in memory, at the last verdict");
        Self::default()
    }

    /// Also reports the used bytes of this budget at each verdict.
    #[must_use]
    pub fn memory_budget(mut self, budget: MemoryBudget) -> Self {
        self.budget = Some(budget);
        self
    }
}

impl Observer for MetricsObserver {
    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and no body has 2^52 bytes")]
    fn observe(&self, verdict: &Verdict<'_>) {
        let scheme = || verdict.scheme().to_owned();
        let (word, cause) = match verdict.cause() {
            None => ("verified", ""),
            Some(cause) if verdict.let_through() => ("let_through", cause),
            Some(cause) => ("rejected", cause),
        };
        counter!("countersign_deliveries_total", "scheme" => scheme(), "verdict" => word, "cause" => cause).increment(1);
        if let Some(key) = verdict.key_id() {
            // Keys of tenants would make at least one series for each tenant.
            if verdict.tenant().is_none() {
                counter!("countersign_key_matches_total", "scheme" => scheme(), "key" => key.to_string()).increment(1);
                if let Some(now) = machine_clock::system_time() {
                    last_matched(verdict.scheme(), key, now);
                }
            }
            histogram!("countersign_body_bytes", "scheme" => scheme()).record(verdict.body_bytes() as f64);
            histogram!("countersign_delivery_duration_seconds", "scheme" => scheme()).record(verdict.time().as_secs_f64());
        }
        if let Some(budget) = &self.budget {
            gauge!("countersign_memory_budget_used_bytes").set(budget.used() as f64);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a metric is a float, and nobody has 2^52 keys")]
    fn observe_keys(&self, event: &KeysEvent<'_>) {
        if event.error().is_some() {
            counter!("countersign_key_reload_failures_total", "scheme" => event.scheme()).increment(1);
            return;
        }
        // The template has started the counters of all tenants, and a tenant's keys have no series.
        if event.tenant().is_some() {
            return;
        }
        start_counters(event);
        if !event.keys().is_empty() {
            let now = machine_clock::system_time();
            let valid = event.keys().iter().filter(|key| key.expires().zip(now).is_none_or(|(expires, now)| now < expires));
            gauge!("countersign_keys", "scheme" => event.scheme()).set(valid.count() as f64);
            for key in event.keys() {
                if let Some(at) = key.last_matched() {
                    last_matched(event.scheme(), key.id(), at);
                }
            }
        }
    }
}

/// Starts every counter of the scheme at 0, so that a rate or an alert sees the first increment. An
/// existing counter keeps the value.
fn start_counters(event: &KeysEvent<'_>) {
    let scheme = event.scheme();
    let start = |verdict: &'static str, cause: &'static str| {
        counter!("countersign_deliveries_total", "scheme" => scheme, "verdict" => verdict, "cause" => cause).increment(0);
    };
    start("verified", "");
    for kind in RejectionKind::ALL {
        start("rejected", kind.as_str());
        // Report-only mode lets no other rejection through.
        if kind.status_code() == 401 {
            start("let_through", kind.as_str());
        }
    }
    counter!("countersign_key_reload_failures_total", "scheme" => scheme).increment(0);
    for key in event.keys() {
        counter!("countersign_key_matches_total", "scheme" => scheme, "key" => key.id().to_string()).increment(0);
    }
}

fn last_matched(scheme: &str, key: &KeyId, at: SystemTime) {
    let seconds = at.duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |since_1970| since_1970.as_secs_f64());
    gauge!("countersign_key_last_matched_timestamp_seconds", "scheme" => scheme.to_owned(), "key" => key.to_string()).set(seconds.floor());
}
