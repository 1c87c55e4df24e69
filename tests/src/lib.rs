//! Conformance tests for every adapter: one set of [vectors] and one list of [facts], run through a small [`Harness`] for each framework.
//!
//! - To add an adapter, implement [`Harness`] in `tests/<adapter>.rs`, and write `conformance::suite!(YourHarness);` below the
//!   implementation.
//! - To add a fact, write a function in [`facts`], and add the name to the list in `suite!`. Every adapter then runs the fact.
//! - Tests for a single framework are in the file of this framework.

/// Compiles the snippets of README.md.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles the snippets of the guides. The core cannot compile the snippets, because the snippets need the adapters.
macro_rules! guides {
    ($($name:ident: $file:literal,)+) => {
        $(
            #[cfg(doctest)]
            #[doc = include_str!($file)]
            mod $name {}
        )+
    };
}

guides! {
    actix_web: "../../crates/countersign/src/manual/actix_web.md",
    adding_a_framework: "../../crates/countersign/src/manual/adding_a_framework.md",
    adding_a_provider: "../../crates/countersign/src/manual/adding_a_provider.md",
    architecture: "../../crates/countersign/src/manual/architecture.md",
    axum: "../../crates/countersign/src/manual/axum.md",
    choosing_a_provider: "../../crates/countersign/src/manual/choosing_a_provider.md",
    contributing: "../../crates/countersign/src/manual/contributing.md",
    deployment: "../../crates/countersign/src/manual/deployment.md",
    differences: "../../crates/countersign/src/manual/differences.md",
    evidence: "../../crates/countersign/src/manual/evidence.md",
    jira: "../../crates/countersign/src/manual/jira.md",
    limits: "../../crates/countersign/src/manual/limits.md",
    observability: "../../crates/countersign/src/manual/observability.md",
    once: "../../crates/countersign/src/manual/once.md",
    performance: "../../crates/countersign/src/manual/performance.md",
    proxies: "../../crates/countersign/src/manual/proxies.md",
    responses: "../../crates/countersign/src/manual/responses.md",
    rollout: "../../crates/countersign/src/manual/rollout.md",
    rotation: "../../crates/countersign/src/manual/rotation.md",
    tenants: "../../crates/countersign/src/manual/tenants.md",
    testing: "../../crates/countersign/src/manual/testing.md",
    threat_model: "../../crates/countersign/src/manual/threat_model.md",
    troubleshooting: "../../crates/countersign/src/manual/troubleshooting.md",
    warp: "../../crates/countersign/src/manual/warp.md",
}

pub mod body;
pub mod delivery;
pub mod facts;
pub mod log;
pub mod observation;
pub mod received;
pub mod receiver;
pub mod vectors;

pub use body::{ScriptedBody, SyncBody};
pub use delivery::{Delivery, Step};
pub use observation::{Handled, Observation};
pub use received::Received;

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use countersign::adapter::VerifierSource;

/// A framework with its adapter, and a handler behind the adapter.
pub trait Harness {
    /// Whether the harness uses [`Delivery::now`]. Adapters use the clock of the system.
    const TELLS_THE_TIME: bool = false;

    /// Whether the harness resolves the verifier outside the delivery. The duration in the verdict then excludes the lookup.
    const CHOOSES_APART: bool = false;

    /// Whether the framework's own extractors reject a `Content-Length` without a number, although the body is already in memory. A server
    /// rejects such a request earlier, so no such request arrives over a connection.
    const REJECTS_ODD_LENGTHS: bool = false;

    /// Whether the adapter itself sends `Connection: close`. Under actix-web, the server decides from the rest of the payload.
    const SAYS_CLOSE: bool = true;

    /// Sends one delivery through the adapter, and reports the results. The handler serves `/hook` and every path below, and answers 200
    /// with an empty body.
    fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> impl Future<Output = Observation>;
}

/// Runs a fact on a runtime with one thread. The single thread allows capturing the log. A fact may pause the runtime's clock.
pub fn run(fact: impl Future<Output = ()>) {
    let (done, watchdog) = mpsc::channel::<()>();
    thread::spawn(move || {
        // No fact takes minutes. A fact still running after five minutes waits for an event that never happens.
        if watchdog.recv_timeout(Duration::from_secs(300)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("a test is still running after 300 seconds");
            std::process::abort();
        }
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(fact);
    drop(done);
}

/// Creates a test for each fact, for one harness.
#[macro_export]
macro_rules! suite {
    ($harness:ty) => {
        $crate::suite! { $harness:
            known_values_verify,
            known_values_fail_when_a_bit_changes,
            wycheproof_hmac_sha1,
            wycheproof_hmac_sha256,
            wycheproof_hmac_sha384,
            wycheproof_hmac_sha512,
            every_provider_verifies_deliveries_and_rejects_changes,
            no_byte_moves_between_signed_parts,
            no_provider_accepts_a_weaker_algorithm,
            first_scheme_with_a_header_decides_alone,
            unsigned_ids_and_events_are_reported_as_unauthenticated,
            one_right_signature_among_several_headers_verifies,
            configured_url_is_signed_and_host_headers_are_ignored,
            base_url_takes_path_and_query_from_the_request,
            malformed_method_and_target_are_rejected_unread,
            body_verifies_at_every_split,
            single_bytes_with_pauses_verify,
            bodies_reach_the_handler_byte_for_byte,
            either_hex_case_verifies,
            every_method_verifies,
            head_rejection_never_polls_the_body,
            correct_signature_by_a_disallowed_algorithm_is_rejected,
            allowed_algorithms_verify,
            signature_named_after_another_algorithm_is_rejected,
            second_key_verifies_and_is_named,
            first_of_two_matching_keys_is_named,
            keys_change_while_the_service_runs,
            secrets_are_not_trimmed,
            body_at_the_limit_verifies_and_one_byte_more_is_rejected,
            body_over_the_limit_is_rejected_at_the_crossing_chunk,
            content_length_over_the_limit_never_polls_the_body,
            malformed_content_length_is_left_to_the_server,
            head_fault_takes_precedence_over_content_length,
            interrupted_body_is_rejected,
            all_rejections_of_a_signature_look_alike,
            every_cause_of_a_rejection_is_produced,
            timestamped_schemes_verify_and_report_the_signing_time,
            timestamp_and_id_rejections_never_poll_the_body,
            one_right_signature_in_a_list_verifies,
            right_signature_verifies_beside_a_malformed_candidate,
            right_signature_verifies_beside_a_malformed_header,
            malformed_candidates_are_rejected_for_the_first_fault,
            malformed_candidates_count_toward_the_cap,
            bare_signature_verifies,
            slow_body_is_rejected_at_its_deadline,
            body_within_its_deadline_verifies,
            body_over_the_free_memory_budget_gets_503,
            memory_budget_is_released_after_every_delivery,
            rejected_body_is_drained_within_limits,
            silent_client_is_answered_after_a_short_silence,
            report_only_lets_through_401_rejections_and_no_others,
            observer_receives_each_verdict_once,
            verdicts_keys_sizes_and_times_are_counted,
            hints_reach_only_the_operator_and_only_if_enabled,
            each_rejection_is_one_event_with_cause_and_scheme,
            rejection_flood_is_counted_and_does_not_fill_the_log,
            each_delivery_is_a_span_with_its_verdict,
            span_duration_includes_the_tenant_lookup,
            tenant_is_verified_by_its_own_keys_and_named,
            unknown_tenant_is_rejected_like_a_wrong_signature,
            head_rejection_skips_tenant_lookup,
            resolver_failure_gets_503_and_lets_no_delivery_through,
            decoy_verifies_no_delivery,
            tenants_share_the_settings_of_the_builder,
            several_providers_of_one_tenant_share_a_resolver,
            log_lines_cannot_be_forged_by_errors,
            log_lines_cannot_be_forged_by_a_tenants_name,
            secrets_signatures_and_bodies_are_never_shown,
        }
    };
    ($harness:ty: $($fact:ident,)+) => {
        $(
            #[test]
            fn $fact() {
                // Facts that capture the log share their process with facts that log the same events.
                $crate::log::subscribe();
                $crate::run($crate::facts::$fact::<$harness>());
            }
        )+
    };
}
