//! What holds for every adapter: one set of [vectors] and one list of [facts], run through a small [`Harness`] per framework.
//!
//! To add an adapter, implement [`Harness`] in `tests/<adapter>.rs` and write `conformance::suite!(YourHarness);` below it. To add a
//! fact, write a function in [`facts`] and name it in the list of `suite!`: every adapter is held to it. What only one framework has
//! is tested in that framework's own file.

/// The snippets of README.md compile.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// Compiles the snippets of the guides. The core cannot: the snippets need the adapters.
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

/// A framework with our adapter plugged into it, and a handler behind that.
pub trait Harness {
    /// Whether [`Delivery::now`] is heeded. An adapter asks the system's clock.
    const TELLS_THE_TIME: bool = false;

    /// Whether the verifier is chosen apart, so that the time which that takes is not told with the verdict.
    const CHOOSES_APART: bool = false;

    /// Whether the framework's own extractors reject a `Content-Length` that is no number, though the body is in memory by then. A server
    /// does so before, so that no such request comes over a connection.
    const REJECTS_ODD_LENGTHS: bool = false;

    /// Whether the adapter itself says that a connection is over. Under actix-web the server does, by what is left of the payload.
    const SAYS_CLOSE: bool = true;

    /// Sends one delivery through the adapter and reports what came of it. The handler stands at `/hook`
    /// and below it, and answers 200 with an empty body.
    fn deliver(verifiers: impl Into<VerifierSource>, delivery: Delivery) -> impl Future<Output = Observation>;
}

/// Runs a fact on a runtime of one thread, so that what it logs can be captured. A fact may stop the runtime's clock.
pub fn run(fact: impl Future<Output = ()>) {
    let (done, waits) = mpsc::channel::<()>();
    thread::spawn(move || {
        // Nothing here takes minutes: what is not done by then waits for what never comes.
        if waits.recv_timeout(Duration::from_secs(300)) == Err(RecvTimeoutError::Timeout) {
            eprintln!("a fact is not found out in time");
            std::process::abort();
        }
    });
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(fact);
    drop(done);
}

/// Makes a test of each fact, for one harness.
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
            every_provider_verifies_its_own_deliveries_and_no_changed_ones,
            no_byte_moves_between_signed_parts,
            no_provider_can_be_talked_down,
            of_several_schemes_the_one_whose_header_is_there_judges_alone,
            what_is_not_signed_is_told_as_such,
            signatures_in_several_headers_verify_by_any_of_them,
            a_url_is_the_receivers_own_and_never_the_requests,
            a_base_takes_path_and_query_from_the_request,
            a_body_verifies_however_it_is_split,
            single_bytes_with_pauses_verify,
            bodies_reach_the_handler_byte_for_byte,
            either_hex_case_verifies,
            every_method_verifies,
            faults_of_the_head_are_rejected_before_the_body_is_polled,
            a_correct_signature_by_an_algorithm_that_is_not_allowed_is_rejected,
            allowed_methods_verify,
            a_signature_under_the_name_of_another_algorithm_is_rejected,
            second_key_verifies_and_is_named,
            of_two_keys_that_match_the_first_listed_is_named,
            keys_change_while_the_service_runs,
            secrets_are_not_trimmed,
            a_body_at_the_limit_verifies_and_one_byte_more_is_rejected,
            a_body_that_grows_past_the_limit_is_rejected_at_that_chunk,
            an_announced_length_over_the_limit_is_rejected_before_the_body_is_polled,
            an_announcement_that_is_no_number_is_left_to_the_server,
            a_fault_of_the_head_comes_before_one_of_the_length,
            a_body_that_breaks_off_is_rejected,
            all_rejections_of_a_signature_look_alike,
            a_timestamped_scheme_verifies_and_tells_the_time,
            faults_of_a_timestamp_are_rejected_before_the_body_is_polled,
            a_list_of_signatures_verifies_by_any_of_them,
            malformed_candidate_beside_a_right_one_verifies,
            malformed_header_beside_a_right_one_verifies,
            malformed_candidates_alone_are_rejected_for_the_first,
            malformed_candidates_count_toward_the_cap,
            a_bare_signature_verifies,
            a_body_that_comes_too_slowly_is_rejected_when_its_time_is_over,
            a_body_that_keeps_its_pace_verifies,
            a_body_that_does_not_fit_the_budget_is_503,
            a_budget_is_given_back,
            the_rest_of_a_rejected_body_is_thrown_away_within_bounds,
            silent_client_is_answered_after_a_short_silence,
            report_only_lets_through_what_would_be_401_and_nothing_else,
            an_observer_is_told_of_each_verdict_once,
            verdicts_keys_sizes_and_times_are_counted,
            hints_are_for_the_operator_and_only_if_asked_for,
            each_rejection_is_one_event_with_cause_and_scheme,
            a_flood_of_rejections_is_counted_and_does_not_fill_the_log,
            each_delivery_is_a_span_with_its_verdict,
            the_time_that_a_lookup_takes_is_told,
            a_tenant_is_judged_by_its_own_keys_and_named,
            an_unknown_tenant_is_rejected_as_a_wrong_signature_is,
            what_is_rejected_by_its_head_is_not_looked_up,
            a_resolver_that_fails_is_503_and_lets_nothing_through,
            a_decoy_verifies_nothing_whatever_is_sent,
            tenants_share_what_the_builder_was_given,
            several_providers_of_one_tenant_share_a_resolver,
            log_lines_cannot_be_forged_by_errors,
            log_lines_cannot_be_forged_by_a_tenants_name,
            nothing_secret_is_shown,
        }
    };
    ($harness:ty: $($fact:ident,)+) => {
        $(
            #[test]
            fn $fact() {
                $crate::run($crate::facts::$fact::<$harness>());
            }
        )+
    };
}
